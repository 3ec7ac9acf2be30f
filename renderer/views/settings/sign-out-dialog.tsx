import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { ConfirmDialog } from '../../kit/dialog.tsx';
import { readApp } from '../../store/engine-store.ts';

export function SignOutDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={t('settings.account.signOutTitle')}
      confirmLabel={t('settings.account.signOutConfirm')}
      onConfirm={async () => {
        await engine.call('logout', {});
        await readApp();
      }}
    >
      <p>{t('settings.account.signOutHereAbout')}</p>
    </ConfirmDialog>
  );
}
