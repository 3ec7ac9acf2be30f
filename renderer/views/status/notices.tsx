/** What a person should be told once: a device that joined, a password that changed. */
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Status } from '../../../protocol/control-shapes.ts';
import { Button } from '../../kit/button.tsx';
import { Banner } from '../../kit/states.tsx';
import { useFormat } from '../../language/format.ts';
import en from '../../locales/en.json';
import { goTo } from '../../store/engine-store.ts';
import { useNow } from '../../store/use-now.ts';

const SEEN = 'notices-seen-ms';
const SHOWN = 3;
type NoticeCode = keyof typeof en.notices;

export function Notices({ notices }: { readonly notices: Status['notices'] }): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const nowMs = useNow();
  const [seenMs, setSeenMs] = useState(() => Number(localStorage.getItem(SEEN) ?? 0));
  const fresh = notices.filter((notice) => notice.atMs > seenMs).slice(0, SHOWN);
  if (fresh.length === 0) return null;
  const gotIt = (): void => {
    const newest = Math.max(...notices.map((notice) => notice.atMs));
    localStorage.setItem(SEEN, String(newest));
    setSeenMs(newest);
  };
  return (
    <div className="stack-tight">
      {fresh.map((notice, index) => {
        const concernsDevices = notice.code === 'device-added' || notice.code === 'device-revoked';
        return (
          <Banner
            key={`${notice.atMs} ${notice.code} ${index}`}
            kind={notice.code === 'device-added' ? 'warning' : 'info'}
            title={notice.code in en.notices ? t(`notices.${notice.code as NoticeCode}`) : notice.message}
            isAnnounced
            actions={
              <>
                {concernsDevices && (
                  <Button size="small" onPress={() => goTo('settings', 'devices')}>
                    {t('noticesPanel.devices')}
                  </Button>
                )}
                <Button size="small" onPress={gotIt}>
                  {t('shell.dismiss')}
                </Button>
              </>
            }
          >
            <span className="soft">
              {deviceIn(notice.message)} {format.relative(notice.atMs, nowMs)}
            </span>
          </Banner>
        );
      })}
    </div>
  );
}

/** The engine's sentence names the device after a colon; that name is all the window needs of it. */
function deviceIn(message: string): string {
  const name = /: (.+?)\.(?: |$)/.exec(message)?.[1];
  return name === undefined ? '' : `${name} ·`;
}
