/**
 * Rows as transactions lock them, always in this order, so that no two wait for each other: a vault (of several, by
 * key), its account, and only then what belongs to them. Whoever changes a log, or the state of a pack that is there,
 * holds the vault; whoever changes byte counts or the device chain holds the account.
 */
import type { ByteMoves, Usage } from '../../quota/quota.ts';
import { USAGE_COLUMNS, usageOf, type UsageColumns } from '../columns.ts';
import type { Sql } from './sql.ts';

export interface LockedAccount extends UsageColumns {
  chain_length: number;
  chain_head: Buffer;
  disabled: boolean;
  doomed: boolean;
}

export function lockAccount(sql: Sql, account: Uint8Array): Promise<LockedAccount | null> {
  return sql.get<LockedAccount>(
    `SELECT chain_length, chain_head, disabled, doomed, ${USAGE_COLUMNS} FROM accounts
     WHERE account = $1 FOR NO KEY UPDATE`,
    account,
  );
}

/** Zeros for an account that is gone. */
export function lockedUsage(row: UsageColumns | null, defaultLimit: number): Usage {
  if (row === null) return { limitBytes: 0, liveBytes: 0, uncommittedBytes: 0, retainedBytes: 0 };
  return usageOf(row, defaultLimit);
}

export interface LockedVault {
  key: number;
  account: Buffer;
  floor_seq: number;
}

/** Null for one that is gone. */
export function lockVault(sql: Sql, key: number): Promise<LockedVault | null> {
  return sql.get<LockedVault>(
    'SELECT key, account, floor_seq FROM vaults WHERE key = $1 FOR NO KEY UPDATE',
    key,
  );
}

/** The key of a vault of this account, locked; null when it has no such vault. */
export async function lockVaultOf(sql: Sql, account: Uint8Array, vault: Uint8Array): Promise<number | null> {
  const row = await sql.get<{ key: number }>(
    'SELECT key FROM vaults WHERE account = $1 AND vault = $2 FOR NO KEY UPDATE',
    account,
    vault,
  );
  return row?.key ?? null;
}

/** Moves an account's byte counts. */
export async function moveBytes(sql: Sql, account: Uint8Array, moves: Partial<ByteMoves>): Promise<void> {
  await sql.run(
    `UPDATE accounts SET live_bytes = live_bytes + $2, uncommitted_bytes = uncommitted_bytes + $3,
       retained_bytes = retained_bytes + $4 WHERE account = $1`,
    account,
    moves.live ?? 0,
    moves.uncommitted ?? 0,
    moves.retained ?? 0,
  );
}
