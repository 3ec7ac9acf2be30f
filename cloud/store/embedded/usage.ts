/** The byte counts of an account, inside the caller's transaction. */
import type { ByteMoves, Usage } from '../../quota/quota.ts';
import { USAGE_COLUMNS, usageOf, type UsageColumns } from '../columns.ts';
import type { Database } from './database.ts';

/** Zeros for an account that is gone. */
export function readUsage(database: Database, account: Uint8Array, defaultLimit: number): Usage {
  const row = database.get<UsageColumns>(`SELECT ${USAGE_COLUMNS} FROM accounts WHERE account = ?`, account);
  if (row === null) return { limitBytes: 0, liveBytes: 0, uncommittedBytes: 0, retainedBytes: 0 };
  return usageOf(row, defaultLimit);
}

/** Moves an account's byte counts. */
export function moveBytes(database: Database, account: Uint8Array, moves: Partial<ByteMoves>): void {
  database.run(
    `UPDATE accounts SET live_bytes = live_bytes + ?, uncommitted_bytes = uncommitted_bytes + ?,
       retained_bytes = retained_bytes + ? WHERE account = ?`,
    moves.live ?? 0,
    moves.uncommitted ?? 0,
    moves.retained ?? 0,
    account,
  );
}
