import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from '../../kit/page.tsx';

export function HistoryView(): ReactNode {
  const { t } = useTranslation();
  return <Page title={t('history.title')}>{null}</Page>;
}
