import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../../protocol/app.ts';
import { Page } from '../../kit/page.tsx';

export function SettingsView(_: { readonly info: AppInfo; readonly page: string | null }): ReactNode {
  const { t } = useTranslation();
  return <Page title={t('settings.title')}>{null}</Page>;
}
