import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { RadioCards } from '../../kit/choice.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { PasswordField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { readApp } from '../../store/engine-store.ts';
import { useCall } from '../../store/use-call.ts';

export function SignOutDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const form = useId();
  const [where, setWhere] = useState<'here' | 'everywhere'>('here');
  const [password, setPassword] = useState('');
  const isReady = where === 'here' || password !== '';
  const work = useCall(async (options) => {
    await engine.call('logout', where === 'here' ? {} : { everywhere: true, password }, options);
    if (where === 'everywhere') toast(t('settings.account.signOutAllDone'));
    onClose();
    await readApp();
  });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('settings.account.signOutTitle')}
      actions={
        <>
          <Button onPress={onClose} autoFocus>
            {t('kit.cancel')}
          </Button>
          <Button kind="primary" type="submit" form={form} isDisabled={!isReady} isPending={work.isRunning}>
            {t('settings.account.signOutConfirm')}
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
        <RadioCards
          label={t('settings.account.signOutWhere')}
          value={where}
          onChange={setWhere}
          cards={[
            {
              value: 'here',
              title: t('settings.account.signOutHere'),
              about: t('settings.account.signOutHereAbout'),
            },
            {
              value: 'everywhere',
              title: t('settings.account.signOutAll'),
              about: t('settings.account.signOutAllAbout'),
            },
          ]}
        />
        {where === 'everywhere' && (
          <PasswordField label={t('settings.password.own')} value={password} onChange={setPassword} />
        )}
        {work.error !== null && <ErrorNote error={work.error} />}
      </form>
    </Dialog>
  );
}
