/**
 * Sums up again what accounts count for, some at a time, and mends the counts that say otherwise. A count moves in the
 * transaction that moves its rows, so both are right together at any one moment; what is missing then is missing ever
 * after, and is added without anybody being held up.
 */
import type { AccountId } from '../../protocol/ids.ts';
import { plus } from '../quota/counted.ts';
import type { ByteMoves } from '../quota/quota.ts';
import { blob, hex } from './columns.ts';
import type { Mended, UsageAudit } from './metadata-store.ts';
import type { StoreTables, TableReader } from './tables.ts';

export interface AuditedStore {
  readonly tables: StoreTables;
  /** Where the last audit ended, as it was kept; null before the first. */
  readPlace(): Promise<string | null>;
  /**
   * Keeps another place and mends an account in one step, unless somebody else was here and the place is no longer
   * `from`: then false, and nothing is changed. So nothing is mended twice, whoever believes to hold the lease.
   */
  advance(from: string | null, to: string, mend: Mended | null): Promise<boolean>;
  /** Ids of accounts in their order, not of deleted ones. */
  accountsAfter(account: Uint8Array, count: number): Promise<readonly Uint8Array[]>;
}

interface Place {
  /** The account it ended at; empty: a round begins. */
  readonly after: string;
  /** When the next round may begin. */
  readonly dueMs: number;
}

const START: Place = { after: '', dueMs: 0 };
const NONE: UsageAudit = { accounts: 0, mended: [], more: false };

export async function auditUsage(
  store: AuditedStore,
  nowMs: number,
  batch: number,
  roundMs: number,
): Promise<UsageAudit> {
  let kept = await store.readPlace();
  const place = kept === null ? START : (JSON.parse(kept) as Place);
  if (place.after === '' && nowMs < place.dueMs) return NONE;
  const dueMs = place.after === '' ? nowMs + roundMs : place.dueMs;
  const accounts = await store.accountsAfter(blob(place.after), batch);
  const mended: Mended[] = [];
  const advance = async (after: string, mend: Mended | null): Promise<boolean> => {
    const to = JSON.stringify({ after, dueMs } satisfies Place);
    if (!(await store.advance(kept, to, mend))) return false;
    kept = to;
    if (mend !== null) mended.push(mend);
    return true;
  };
  for (const [index, account] of accounts.entries()) {
    const moves = await store.tables.read((tables) => missingOf(tables, account));
    if (moves === null) continue;
    const id = hex(account) as AccountId;
    if (!(await advance(id, { account: id, moves }))) return { accounts: index, mended, more: false };
  }
  const last = accounts.length === batch ? accounts.at(-1) : undefined;
  const more = (await advance(last === undefined ? '' : hex(last), null)) && last !== undefined;
  return { accounts: accounts.length, mended, more };
}

interface CountColumns {
  doomed: boolean;
  live_bytes: number;
  uncommitted_bytes: number;
  retained_bytes: number;
}

/** What its rows sum up to above its counts; null when that is nothing, or it is gone. */
async function missingOf(tables: TableReader, account: Uint8Array): Promise<ByteMoves | null> {
  let counted: ByteMoves | null = null;
  for await (const row of tables.rows<CountColumns>('accounts', { account })) {
    if (row.doomed) return null;
    counted = { live: -row.live_bytes, uncommitted: -row.uncommitted_bytes, retained: -row.retained_bytes };
  }
  if (counted === null) return null;
  let missing: ByteMoves = counted;
  for await (const { key } of tables.rows<{ key: number }>('vaults', { account }))
    missing = plus(missing, await tables.counted(key));
  return missing.live === 0 && missing.uncommitted === 0 && missing.retained === 0 ? null : missing;
}
