import type { NewAuditEntry } from '../../audit/entry.ts';
import { eraseEntries, recordEntry } from './audit.ts';
import type { Database } from './database.ts';

const OF_VAULT = ['records', 'commits', 'commit_lists', 'epochs', 'voided_commits', 'pack_spans', 'uploads'];
const OF_ACCOUNT = ['chain_entries', 'devices', 'grants'];

/**
 * Forgets up to `batch` rows of each kind, so that a large account never stops the server for long. The blobs
 * are gone already. True while something is left; then `audit` is written.
 */
export function forgetAccountRows(
  database: Database,
  account: Uint8Array,
  batch: number,
  audit: NewAuditEntry,
): boolean {
  const vault = database.get<{ key: number }>('SELECT key FROM vaults WHERE account = ? LIMIT 1', account);
  if (vault !== null) {
    let left = 0;
    for (const table of OF_VAULT) {
      left += clear(database, table, vault.key, batch);
    }
    const packs = database.all<{ key: number }>(
      'SELECT key FROM packs WHERE vault = ? LIMIT ?',
      vault.key,
      batch,
    );
    for (const pack of packs) {
      database.run('DELETE FROM inline_packs WHERE pack = ?', pack.key);
      database.run('DELETE FROM packs WHERE key = ?', pack.key);
    }
    if (left + packs.length === 0) database.run('DELETE FROM vaults WHERE key = ?', vault.key);
    return true;
  }
  if (eraseEntries(database, account, batch) > 0) return true;
  for (const table of OF_ACCOUNT) database.run(`DELETE FROM ${table} WHERE account = ?`, account);
  const gone = database.run('DELETE FROM accounts WHERE account = ? AND doomed = 1', account);
  if (gone.changes > 0) recordEntry(database, audit);
  return false;
}

function clear(database: Database, table: string, vault: number, batch: number): number {
  // Tables without rowids are cleared by their key's first columns.
  const keys: Readonly<Record<string, string>> = { commits: 'vault, seq', pack_spans: 'pack, from_seq' };
  const key = keys[table] ?? 'rowid';
  return database.run(
    `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE vault = ? LIMIT ?)`,
    vault,
    batch,
  ).changes;
}
