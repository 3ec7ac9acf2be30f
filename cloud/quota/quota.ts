/** What an account may store (docs/cloud-api.md). Pure arithmetic; the stores call it in their transactions. */
import { MIB } from '../../protocol/limits.ts';

/** Bytes of one account, by what became of them. */
export interface Usage {
  readonly limitBytes: number;
  readonly liveBytes: number;
  readonly uncommittedBytes: number;
  readonly retainedBytes: number;
}

/** How an account's bytes move. */
export interface ByteMoves {
  readonly live: number;
  readonly uncommitted: number;
  readonly retained: number;
}

export interface QuotaRefusal {
  readonly kind: 'quota';
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** When retained bytes are what is in the way: when enough of them will have gone. */
  readonly returnsAtMs: number | null;
}

/** How far housekeeping, and changes that carry no content (moving to the trash), may exceed the quota. */
const HOUSEKEEPING_SLACK_BYTES = 64 * MIB;

/** Live, trashed (they are live to the server) and uncommitted bytes count. */
export function usedBytes(usage: Usage): number {
  return usage.liveBytes + usage.uncommittedBytes;
}

/** True when `more` bytes do not fit. Shrinking is always allowed. */
export function exceedsQuota(usage: Usage, more: number, slack: boolean): boolean {
  if (more <= 0) return false;
  return usedBytes(usage) + more > usage.limitBytes + (slack ? HOUSEKEEPING_SLACK_BYTES : 0);
}

/** True when retained bytes have used up their own free quota: uploads stop, whatever is live. */
export function retainedTooMuch(usage: Usage): boolean {
  return usage.retainedBytes > usage.limitBytes;
}

/** Why nothing more fits, for the answer. */
export function quotaRefusal(usage: Usage, returnsAtMs: number | null): QuotaRefusal {
  return { kind: 'quota', usedBytes: usedBytes(usage), limitBytes: usage.limitBytes, returnsAtMs };
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
};

/** Bytes from text such as `100GB`, `1.5TiB` or `4096`; null when it is not a size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?I?B)?$/i.exec(text.trim());
  if (match === null) return null;
  const unit = UNITS[(match[2] ?? 'B').toUpperCase()];
  if (unit === undefined) return null;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}
