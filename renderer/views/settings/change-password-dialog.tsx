import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { PasswordField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { useCall } from '../../store/use-call.ts';
import { NewPassword } from '../welcome/new-password.tsx';

export function ChangePasswordDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const form = useId();
  const [oldPassword, setOldPassword] = useState('');
  const [newPassword, setNewPassword] = useState('');
  const isReady = oldPassword !== '' && newPassword !== '';
  const work = useCall(async (options) => {
    await engine.call('password', { oldPassword, newPassword }, options);
    toast(t('settings.account.passwordDone'));
    onClose();
  });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('settings.account.passwordTitle')}
      actions={
        <>
          <Button onPress={onClose}>{t('kit.cancel')}</Button>
          <Button kind="primary" type="submit" form={form} isDisabled={!isReady} isPending={work.isRunning}>
            {t('settings.account.passwordTitle')}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void work.run();
        }}
      >
        <PasswordField
          label={t('settings.account.passwordOld')}
          value={oldPassword}
          onChange={setOldPassword}
          autoFocus
        />
        <NewPassword
          label={t('settings.account.passwordNew')}
          value={newPassword}
          onChange={setNewPassword}
          error={null}
        />
        <p className="soft small">{t('settings.account.passwordNote')}</p>
        {work.error !== null && <ErrorNote error={work.error} />}
      </form>
    </Dialog>
  );
}
