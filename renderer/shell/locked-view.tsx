import { useState, type ReactNode } from 'react';
import { Form } from 'react-aria-components';
import { LockKeyhole } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../protocol/app.ts';
import { app, engine } from '../bridge/bridge.ts';
import { Button } from '../kit/button.tsx';
import { EmptyState } from '../kit/states.tsx';
import { PasswordField } from '../kit/text-field.tsx';
import { toast } from '../kit/toast.tsx';
import { errorText } from '../language/error-text.ts';
import { readApp, readStatus } from '../store/engine-store.ts';
import { useCall } from '../store/use-call.ts';

export function LockedView({ keychain }: { readonly keychain: AppInfo['keychain'] }): ReactNode {
  const { t, i18n } = useTranslation();
  const [password, setPassword] = useState('');
  const unlock = useCall(async () => {
    await engine.call('unlock', { password });
    setPassword('');
    toast(t('locked.unlocked'));
    await readStatus();
  });
  const keychainAgain = useCall(async () => {
    await app.call('engine.restart', {});
    await readApp();
  });
  const text = unlock.error === null ? null : errorText(t, i18n.language, unlock.error);
  return (
    <main className="face">
      <EmptyState isPage icon={<LockKeyhole size={24} />} tone="accent" title={t('locked.title')}>
        <Form
          className="stack face-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (password !== '') void unlock.run();
          }}
        >
          <p>{t(keychain === 'os' ? 'locked.whyKeychain' : 'locked.why')}</p>
          <PasswordField
            label={t('locked.password')}
            value={password}
            onChange={(value) => {
              setPassword(value);
              unlock.clearError();
            }}
            autoFocus
            error={text === null ? null : `${text.title} ${text.hint}`}
          />
          <Button kind="primary" type="submit" isPending={unlock.isRunning} isDisabled={password === ''}>
            {t('locked.unlock')}
          </Button>
          {keychain === 'os' && (
            <Button isPending={keychainAgain.isRunning} onPress={() => void keychainAgain.run()}>
              {t('locked.keychain')}
            </Button>
          )}
        </Form>
      </EmptyState>
    </main>
  );
}
