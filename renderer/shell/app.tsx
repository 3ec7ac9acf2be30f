/** Which of its faces the window shows: starting, failed, locked, welcome, or the views. */
import { useEffect, useState, type ReactNode } from 'react';
import { I18nProvider } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Status } from '../../protocol/control-shapes.ts';
import { app as appCalls } from '../bridge/bridge.ts';
import { Button } from '../kit/button.tsx';
import { ErrorState, LoadingState } from '../kit/states.tsx';
import { ToastRegion } from '../kit/toast.tsx';
import { changeLanguage } from '../language/language.ts';
import { readApp } from '../store/engine-store.ts';
import { useStore } from '../store/use-store.ts';
import { chooseTheme } from '../styles/theme.ts';
import { WelcomeView } from '../views/welcome/welcome-view.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { EngineFailed } from './engine-failed.tsx';
import { LockedView } from './locked-view.tsx';
import { Shell } from './shell.tsx';
import { SignedOutView } from './signed-out-view.tsx';

const NO_PAIRS: Status['pairs'] = [];

export function App(): ReactNode {
  const { i18n } = useTranslation();
  const language = useStore((state) => state.app?.language);
  const theme = useStore((state) => state.app?.settings.theme);
  useEffect(() => {
    if (language !== undefined) void changeLanguage(language);
  }, [language]);
  useEffect(() => {
    if (theme !== undefined) chooseTheme(theme);
  }, [theme]);
  return (
    <I18nProvider locale={i18n.language}>
      <ErrorBoundary>
        <Face />
        <ToastRegion />
      </ErrorBoundary>
    </I18nProvider>
  );
}

function Face(): ReactNode {
  const { t } = useTranslation();
  const info = useStore((state) => state.app);
  const appError = useStore((state) => state.appError);
  const state = useStore((all) => all.status?.state);
  const account = useStore((all) => all.status?.account ?? null);
  const pairs = useStore((all) => all.status?.pairs ?? NO_PAIRS);
  const statusError = useStore((all) => all.statusError);
  // Once begun, welcome ends by itself: it still has the recovery words to show when the account is there.
  const [isWelcoming, setWelcoming] = useState(false);

  if (appError !== null && info === null)
    return <ErrorState isPage error={appError} onRetry={() => void readApp()} />;
  if (info === null) return <LoadingState isPage />;
  if (info.engine.state === 'failed') return <EngineFailed engine={info.engine} />;
  if (isWelcoming) return <WelcomeView info={info} onDone={() => setWelcoming(false)} />;
  if (info.engine.state === 'starting' && state === undefined)
    return <LoadingState isPage label={t('shell.starting')} />;
  if (state === undefined) {
    return statusError === null ? (
      <LoadingState isPage label={t('shell.starting')} />
    ) : (
      <ErrorState
        isPage
        error={statusError}
        onRetry={() => void readApp()}
        actions={<Button onPress={() => void appCalls.call('app.quit', {})}>{t('shell.quit')}</Button>}
      />
    );
  }
  if (state === 'locked') return <LockedView keychain={info.keychain} />;
  if (state === 'signed-out' && account === null) return <Begin onBegin={() => setWelcoming(true)} />;
  if (state === 'signed-out' && account !== null)
    return <SignedOutView account={account} pairs={pairs} info={info} />;
  return <Shell info={info} />;
}

function Begin({ onBegin }: { readonly onBegin: () => void }): ReactNode {
  useEffect(onBegin, [onBegin]);
  return null;
}
