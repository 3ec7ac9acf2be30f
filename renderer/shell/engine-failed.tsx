import type { ReactNode } from 'react';
import { PlugZap } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { EngineProcess } from '../../protocol/app.ts';
import { app } from '../bridge/bridge.ts';
import { Button } from '../kit/button.tsx';
import { EmptyState, ErrorNote } from '../kit/states.tsx';
import { useCall } from '../store/use-call.ts';
import { readApp } from '../store/engine-store.ts';

export function EngineFailed({ engine }: { readonly engine: EngineProcess }): ReactNode {
  const { t } = useTranslation();
  const restart = useCall(async () => {
    await app.call('engine.restart', {});
    await readApp();
  });
  const error = restart.error ?? engine.error;
  return (
    <main className="face">
      <EmptyState
        isPage
        icon={<PlugZap size={24} />}
        title={t('shell.failedTitle')}
        actions={
          <>
            <Button onPress={() => void app.call('app.quit', {})}>{t('shell.quit')}</Button>
            <Button kind="primary" isPending={restart.isRunning} onPress={() => void restart.run()}>
              {t('shell.restart')}
            </Button>
          </>
        }
      >
        <div className="stack">
          <p>{t('shell.failedText')}</p>
          {error !== null && <ErrorNote error={error} />}
        </div>
      </EmptyState>
    </main>
  );
}
