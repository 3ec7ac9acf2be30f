import type { NewAuditEntry } from '../../audit/entry.ts';
import { eraseEntries, recordEntry } from './audit.ts';
import type { Sql } from './sql.ts';

const OF_VAULT = [
  'records',
  'commits',
  'commit_lists',
  'epochs',
  'voided_commits',
  'pack_spans',
  'inline_packs',
  'packs',
  'uploads',
];
const OF_ACCOUNT = ['chain_entries', 'devices', 'grants'];

/**
 * Forgets up to `batch` rows of each kind, so that nothing is held for long. The blobs are gone already. True while
 * something is left; then `audit` is written.
 */
export async function forgetAccountRows(
  sql: Sql,
  account: Uint8Array,
  batch: number,
  audit: NewAuditEntry,
): Promise<boolean> {
  const vault = await sql.get<{ key: number }>(
    'SELECT key FROM vaults WHERE account = $1 LIMIT 1 FOR UPDATE',
    account,
  );
  if (vault !== null) {
    let cleared = 0;
    for (const table of OF_VAULT) {
      cleared += await sql.run(
        `DELETE FROM ${table} WHERE vault = $1 AND ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE vault = $1 LIMIT $2))`,
        vault.key,
        batch,
      );
    }
    if (cleared === 0) await sql.run('DELETE FROM vaults WHERE key = $1', vault.key);
    return true;
  }
  if ((await eraseEntries(sql, account, batch)) > 0) return true;
  for (const table of OF_ACCOUNT) await sql.run(`DELETE FROM ${table} WHERE account = $1`, account);
  const gone = await sql.run('DELETE FROM accounts WHERE account = $1 AND doomed', account);
  if (gone > 0) await recordEntry(sql, audit);
  return false;
}
