import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../protocol/app.ts';
import { app } from '../bridge/bridge.ts';
import { Button } from '../kit/button.tsx';
import { Banner } from '../kit/states.tsx';
import { useStore } from '../store/use-store.ts';

const NO_TRAY_SEEN = 'no-tray-seen';

/** What holds whatever view is open. */
export function Banners({ info }: { readonly info: AppInfo }): ReactNode {
  const { t } = useTranslation();
  const state = useStore((all) => all.status?.state);
  const [isTrayHintSeen, setTrayHintSeen] = useState(() => localStorage.getItem(NO_TRAY_SEEN) !== null);
  const isOffline = state === 'offline';
  const showsTrayHint = !info.tray && !isTrayHintSeen;
  const isUpdateReady = info.update.state === 'ready';
  const isRestarting = info.engine.state === 'starting';
  if (!isOffline && !showsTrayHint && !isUpdateReady && !isRestarting) return null;
  return (
    <div className="banners">
      {isRestarting && <Banner kind="warning" title={t('shell.starting')} />}
      {isOffline && (
        <Banner kind="warning" title={t('shell.offlineTitle')}>
          {t('shell.offlineText')}
        </Banner>
      )}
      {isUpdateReady && (
        <Banner
          kind="good"
          title={t('shell.updateReady', { version: info.update.version ?? '' })}
          actions={
            <Button size="small" onPress={() => void app.call('update.install', {})}>
              {t('shell.updateInstall')}
            </Button>
          }
        />
      )}
      {showsTrayHint && (
        <Banner
          title={t('shell.noTrayTitle')}
          actions={
            <Button
              size="small"
              onPress={() => {
                localStorage.setItem(NO_TRAY_SEEN, 'yes');
                setTrayHintSeen(true);
              }}
            >
              {t('shell.dismiss')}
            </Button>
          }
        >
          {t('shell.noTrayText')}
        </Banner>
      )}
    </div>
  );
}
