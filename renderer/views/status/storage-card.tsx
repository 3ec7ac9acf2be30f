/** How full the account is, and of what. */
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ControlResult } from '../../../protocol/control.ts';
import type { Status } from '../../../protocol/control-shapes.ts';
import { engine } from '../../bridge/bridge.ts';
import { QuotaRing } from '../../kit/quota-ring.tsx';
import { Banner } from '../../kit/states.tsx';
import { useFormat } from '../../language/format.ts';
import { useStore } from '../../store/use-store.ts';

const NOTHING_TOLD: Status['quota'] = { usedBytes: 0, limitBytes: 0 };
type Quota = ControlResult<'quota'>;

export function StorageCard(): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const told = useStore((state) => state.status?.quota ?? NOTHING_TOLD);
  const [quota, setQuota] = useState<Quota | null>(null);

  const { usedBytes, limitBytes } = told;
  useEffect(() => {
    let isCurrent = true;
    // Offline the last figures stay; the total comes with the status in any case.
    engine.call('quota', {}).then(
      (answer) => isCurrent && setQuota(answer),
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [usedBytes, limitBytes]);

  const { usedBytes: used, limitBytes: limit, liveBytes, trashBytes, retainedBytes } = { ...told, ...quota };
  const trash = trashBytes ?? 0;
  const live = Math.max(0, (liveBytes ?? used) - trash);
  const versions = retainedBytes ?? 0;
  const returnsAtMs = quota?.returnsAtMs ?? null;
  const free = Math.max(0, limit - used);
  const lines = [
    { id: 'live', colour: '--ring-live', value: live },
    { id: 'trash', colour: '--ring-trash', value: trash },
    { id: 'versions', colour: '--ring-versions', value: versions },
    { id: 'free', colour: '--ring-rest', value: free },
  ] as const;
  return (
    <section className="card storage-card" aria-labelledby="storage-title">
      <h2 id="storage-title">{t('storage.title')}</h2>
      {limit === 0 ? (
        <p className="soft">{t('storage.unknown')}</p>
      ) : (
        <>
          <div className="storage-figures">
            <QuotaRing
              parts={lines.slice(0, 2)}
              total={limit}
              inner={{ id: 'versions', colour: '--ring-versions', value: versions }}
            >
              <strong className="storage-part figures">{format.percent(used / limit)}</strong>
              <span className="soft small">{t('storage.used')}</span>
            </QuotaRing>
            <dl className="storage-lines figures">
              {lines.map((line) => (
                <div key={line.id} className="storage-line">
                  <dt>
                    <span
                      className="storage-swatch"
                      style={{ background: `var(${line.colour})` }}
                      aria-hidden="true"
                    />
                    {t(`storage.${line.id}`)}
                  </dt>
                  <dd>{format.bytes(line.value)}</dd>
                </div>
              ))}
            </dl>
          </div>
          <p className="soft small">{t('storage.about', { limit: format.bytes(limit) })}</p>
          {returnsAtMs !== null && (
            <Banner kind="warning">{t('storage.returns', { date: format.date(returnsAtMs) })}</Banner>
          )}
        </>
      )}
    </section>
  );
}
