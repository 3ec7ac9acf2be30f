import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { QuotaRing } from '../kit/quota-ring.tsx';
import { visibleName } from '../kit/path-name.ts';
import { useFormat } from '../language/format.ts';
import { useStore } from '../store/use-store.ts';

/** Whose account, and how full it is. */
export function AccountBadge(): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const email = useStore((state) => state.status?.account?.email);
  const used = useStore((state) => state.status?.quota.usedBytes ?? 0);
  const limit = useStore((state) => state.status?.quota.limitBytes ?? 0);
  const parts = useMemo(() => [{ id: 'used', colour: '--ring-live', value: used }], [used]);
  if (email === undefined) return null;
  return (
    <div className="account-badge">
      {limit > 0 && <QuotaRing parts={parts} total={limit} size={28} thickness={4} />}
      <div className="account-words">
        <span className="account-email" title={visibleName(email)}>
          {visibleName(email)}
        </span>
        {limit > 0 && (
          <span className="soft figures">
            {t('shell.usage', { used: format.bytes(used), limit: format.bytes(limit) })}
          </span>
        )}
      </div>
    </div>
  );
}
