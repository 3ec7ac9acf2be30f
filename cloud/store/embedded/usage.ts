/** The byte counts of an account, inside the caller's transaction. */
import type { Usage } from '../../quota/quota.ts';
import type { Database } from './database.ts';

export interface UsageColumns {
  quota_bytes: number | null;
  live_bytes: number;
  uncommitted_bytes: number;
  retained_bytes: number;
}

export function usageOf(row: UsageColumns, defaultLimit: number): Usage {
  return {
    limitBytes: row.quota_bytes ?? defaultLimit,
    liveBytes: row.live_bytes,
    uncommittedBytes: row.uncommitted_bytes,
    retainedBytes: row.retained_bytes,
  };
}

/** Zeros for an account that is gone. */
export function readUsage(database: Database, account: Uint8Array, defaultLimit: number): Usage {
  const row = database.get<UsageColumns>(
    `SELECT quota_bytes, live_bytes, uncommitted_bytes, retained_bytes FROM accounts WHERE account = ?`,
    account,
  );
  if (row === null) return { limitBytes: 0, liveBytes: 0, uncommittedBytes: 0, retainedBytes: 0 };
  return usageOf(row, defaultLimit);
}

/** Moves an account's byte counts. */
export function moveBytes(
  database: Database,
  account: Uint8Array,
  moves: { readonly live?: number; readonly uncommitted?: number; readonly retained?: number },
): void {
  database.run(
    `UPDATE accounts SET live_bytes = live_bytes + ?, uncommitted_bytes = uncommitted_bytes + ?,
       retained_bytes = retained_bytes + ? WHERE account = ?`,
    moves.live ?? 0,
    moves.uncommitted ?? 0,
    moves.retained ?? 0,
    account,
  );
}
