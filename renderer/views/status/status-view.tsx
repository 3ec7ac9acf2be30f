import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from '../../kit/page.tsx';

export function StatusView(_: { readonly issueToShow: number | null }): ReactNode {
  const { t } = useTranslation();
  return <Page title={t('nav.status')}>{null}</Page>;
}
