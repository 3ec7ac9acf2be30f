/** A device that was signed out from elsewhere: its password brings it back, with its folders as they were. */
import { useState, type ReactNode } from 'react';
import { Form } from 'react-aria-components';
import { UserRoundX } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../protocol/app.ts';
import type { Status } from '../../protocol/control-shapes.ts';
import { engine } from '../bridge/bridge.ts';
import { Button } from '../kit/button.tsx';
import { ConfirmDialog } from '../kit/dialog.tsx';
import { PathText } from '../kit/path-text.tsx';
import { EmptyState } from '../kit/states.tsx';
import { PasswordField } from '../kit/text-field.tsx';
import { errorText } from '../language/error-text.ts';
import { readStatus } from '../store/engine-store.ts';
import { useCall } from '../store/use-call.ts';

export function SignedOutView(props: {
  readonly account: NonNullable<Status['account']>;
  readonly pairs: Status['pairs'];
  readonly info: AppInfo;
}): ReactNode {
  const { account, pairs, info } = props;
  const { t, i18n } = useTranslation();
  const [password, setPassword] = useState('');
  const [isLeaving, setLeaving] = useState(false);
  const signIn = useCall(async (options) => {
    const { server, email, deviceName } = account;
    const folder = pairs[0]?.folder ?? info.defaultFolder;
    await engine.call('login', { server, email, deviceName, folder, password }, options);
    setPassword('');
    await readStatus();
  });
  const leave = async (): Promise<void> => {
    await engine.call('logout', {});
    await readStatus();
  };
  const text = signIn.error === null ? null : errorText(t, i18n.language, signIn.error);
  return (
    <main className="face">
      <EmptyState isPage icon={<UserRoundX size={24} />} title={t('signedOut.title')}>
        <Form
          className="stack face-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (password !== '') void signIn.run();
          }}
        >
          <p>{t('signedOut.text')}</p>
          <PathText path={account.email} />
          <PasswordField
            label={t('locked.password')}
            value={password}
            onChange={(value) => {
              setPassword(value);
              signIn.clearError();
            }}
            autoFocus
            error={text === null ? null : `${text.title} ${text.hint}`}
          />
          <Button kind="primary" type="submit" isPending={signIn.isRunning} isDisabled={password === ''}>
            {t('signedOut.signIn')}
          </Button>
          <Button kind="quiet" onPress={() => setLeaving(true)}>
            {t('signedOut.other')}
          </Button>
        </Form>
      </EmptyState>
      <ConfirmDialog
        isOpen={isLeaving}
        onClose={() => setLeaving(false)}
        title={t('signedOut.other')}
        confirmLabel={t('signedOut.leave')}
        onConfirm={leave}
      >
        <p>{t('signedOut.otherText')}</p>
      </ConfirmDialog>
    </main>
  );
}
