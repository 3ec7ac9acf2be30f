import type { PackState } from '../packs/pack-state.ts';
import { exceedsQuota, quotaRefusal, retainedTooMuch, type QuotaRefusal, type Usage } from './quota.ts';

export interface ReservationFacts {
  readonly usage: Usage;
  readonly size: number;
  /** The device holds the vault's lease: it must be able to write before it can drop. */
  readonly housekeeping: boolean;
  /** When retained bytes will be back within their share; asked only for a refusal. */
  readonly returnsAtMs: () => number | null;
}

/** What an upload of a pack that has a row already comes to. */
export function judgeStored(state: PackState): { readonly kind: 'stored' | 'deleting' } {
  return { kind: state === 'deleting' || state === 'purged' ? 'deleting' : 'stored' };
}

/** Whether the bytes of a pack may be charged before they arrive; null when they may. */
export function judgeReservation(facts: ReservationFacts): QuotaRefusal | null {
  const { usage, size, housekeeping } = facts;
  if (exceedsQuota(usage, size, housekeeping)) return quotaRefusal(usage, null);
  if (!housekeeping && retainedTooMuch(usage)) return quotaRefusal(usage, facts.returnsAtMs());
  return null;
}
