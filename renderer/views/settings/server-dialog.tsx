import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { readStatus } from '../../store/engine-store.ts';
import { useCall } from '../../store/use-call.ts';

/** The same account at another address, as after the server has moved. */
export function ServerDialog({
  server,
  onClose,
}: {
  readonly server: string;
  readonly onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const form = useId();
  const [address, setAddress] = useState(server);
  const isReady = address.trim() !== '' && address.trim() !== server;
  const work = useCall(async (options) => {
    await engine.call('server.set', { server: address.trim() }, options);
    toast(t('settings.account.serverChanged'));
    await readStatus();
    onClose();
  });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('settings.account.serverTitle')}
      actions={
        <>
          <Button onPress={onClose}>{t('kit.cancel')}</Button>
          <Button kind="primary" type="submit" form={form} isDisabled={!isReady} isPending={work.isRunning}>
            {t('settings.account.serverChange')}
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
        <p>{t('settings.account.serverAbout')}</p>
        <TextField
          label={t('settings.account.server')}
          value={address}
          onChange={setAddress}
          autoFocus
          maxLength={2000}
        />
        {work.error !== null && <ErrorNote error={work.error} />}
      </form>
    </Dialog>
  );
}
