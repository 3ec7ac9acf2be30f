import type { ReactNode } from 'react';
import { UserRoundX } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engine } from '../bridge/bridge.ts';
import { Button } from '../kit/button.tsx';
import { EmptyState, ErrorNote } from '../kit/states.tsx';
import { readStatus } from '../store/engine-store.ts';
import { useCall } from '../store/use-call.ts';

/** A device that the server no longer knows forgets what it was, and then signs in as a new one. */
export function SignedOutView(): ReactNode {
  const { t } = useTranslation();
  const forget = useCall(async () => {
    await engine.call('logout', {});
    await readStatus();
  });
  return (
    <main className="face">
      <EmptyState
        icon={<UserRoundX size={24} />}
        title={t('signedOut.title')}
        actions={
          <Button kind="primary" isPending={forget.isRunning} onPress={() => void forget.run()}>
            {t('signedOut.signIn')}
          </Button>
        }
      >
        <div className="stack">
          <p>{t('signedOut.text')}</p>
          {forget.error !== null && <ErrorNote error={forget.error} />}
        </div>
      </EmptyState>
    </main>
  );
}
