/** The manifest on one SQLite connection. Opening and migrating are in open.ts. */
import type { Database } from 'better-sqlite3';
import type { NodeId, VaultId } from '../../protocol/ids.ts';
import { activityStore, issueStore } from './issues-activity.ts';
import type { Manifest, PairConfig, PairId, PairStore, VaultStore } from './manifest.ts';
import { metaStore } from './meta.ts';
import { pairStore } from './pair-store.ts';
import { hexOf, type Shared } from './rows.ts';
import { vaultStore } from './vault-store.ts';

export interface SqliteManifest extends Manifest {
  /** The whole database as one file's bytes, for `openManifestFrom`. */
  serialize(): Buffer;
}

const VAULT_TABLES = ['remote_node', 'content', 'header', 'chunk', 'pack'];
const PAIR_TABLES = ['local_node', 'synced_node', 'dirty', 'quarantine', 'unsettled', 'deselected'];

/** @param database migrated, and owned by the manifest from here on. */
export function sqliteManifest(database: Database): SqliteManifest {
  const vaults = new Map<VaultId, VaultStore>();
  const pairs = new Map<PairId, PairStore>();
  const forgetStores = () => {
    vaults.clear();
    pairs.clear();
  };
  const transaction = transactions(database, forgetStores);
  const shared: Shared = { database, transaction, nextMark: markCounter(database) };
  return {
    transaction,
    ...vaultTable(shared, vaults),
    ...pairTable(shared, pairs),
    ...issueStore(shared),
    ...activityStore(shared),
    ...metaStore(shared, ''),
    collect: () => collect(shared),
    checkpoint: () => void database.pragma('wal_checkpoint(TRUNCATE)'),
    serialize() {
      const bytes = database.serialize();
      // Bytes 18 and 19 say 2 for write-ahead logging, which a database in memory cannot do; 1 is without.
      bytes.fill(1, 18, 20);
      return bytes;
    },
    close: () => void database.close(),
  };
}

/** Stores made inside a transaction that rolls back may stand for rows that are gone, hence `rolledBack`. */
function transactions(database: Database, rolledBack: () => void): Manifest['transaction'] {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  let open = false;
  const failures: unknown[] = [];

  function run<T>(work: () => T): T {
    const result = work();
    if (result instanceof Promise) {
      // Its failure is already reported by the throw below.
      result.catch(() => undefined);
      throw new Error('a transaction must be synchronous');
    }
    return result;
  }

  return <T>(work: () => T): T => {
    if (open) {
      try {
        return run(work);
      } catch (error) {
        // Half of the nested work may be written: the outer transaction must not commit it.
        failures.push(error);
        throw error;
      }
    }
    begin.run();
    open = true;
    failures.length = 0;
    try {
      const result = run(work);
      if (failures.length > 0) throw new Error('part of the transaction failed', { cause: failures[0] });
      commit.run();
      return result;
    } catch (error) {
      // SQLite itself has rolled back on a full disk and the like.
      if (database.inTransaction) rollback.run();
      rolledBack();
      throw error;
    } finally {
      open = false;
    }
  };
}

function markCounter(database: Database): () => number {
  let last = database.prepare<[], number | null>('SELECT max(seq) FROM dirty').pluck().get() ?? 0;
  return () => {
    last += 1;
    return last;
  };
}

type VaultTable = Pick<Manifest, 'vaults' | 'addVault' | 'vault' | 'removeVault'>;

function vaultTable(shared: Shared, open: Map<VaultId, VaultStore>): VaultTable {
  const { database, transaction } = shared;
  const all = database.prepare<[], VaultId>(`SELECT ${hexOf('id')} FROM vault ORDER BY key`).pluck();
  const keyOf = database.prepare<[VaultId], number>('SELECT key FROM vault WHERE id = unhex(?)').pluck();
  const add = database.prepare<[VaultId]>('INSERT INTO vault (id) VALUES (unhex(?)) ON CONFLICT DO NOTHING');
  const used = database.prepare<[number], number>('SELECT 1 FROM pair WHERE vault = ?').pluck();
  const clearMeta = database.prepare<[string]>('DELETE FROM meta WHERE scope = ?');
  const remove = database.prepare<[number]>('DELETE FROM vault WHERE key = ?');
  const clear = VAULT_TABLES.map((table) =>
    database.prepare<[number]>(`DELETE FROM ${table} WHERE vault = ?`),
  );

  function vault(id: VaultId): VaultStore {
    const known = open.get(id);
    if (known !== undefined) return known;
    const key = keyOf.get(id);
    if (key === undefined) throw new Error('no such vault in the manifest');
    const store = vaultStore(shared, key, id);
    open.set(id, store);
    return store;
  }

  return {
    vaults: () => all.all(),
    addVault(id) {
      add.run(id);
      return vault(id);
    },
    vault,
    removeVault(id) {
      transaction(() => {
        const key = keyOf.get(id);
        if (key === undefined) return;
        if (used.get(key) !== undefined) throw new Error('a pair is still bound to the vault');
        for (const statement of clear) statement.run(key);
        clearMeta.run(`vault ${key}`);
        remove.run(key);
        open.delete(id);
      });
    },
  };
}

type PairTable = Pick<Manifest, 'pairs' | 'addPair' | 'pair' | 'removePair'>;

function pairTable(shared: Shared, open: Map<PairId, PairStore>): PairTable {
  const { database, transaction } = shared;
  const configs = `SELECT p.key AS key, p.id AS id, p.folder AS folder, ${hexOf('v.id')} AS vault,
    ${hexOf('p.bound')} AS bound FROM pair p JOIN vault v ON v.key = p.vault`;
  type Row = PairConfig & { readonly key: number };
  const all = database.prepare<[], Row>(`${configs} ORDER BY p.key`);
  const one = database.prepare<[PairId], Row>(`${configs} WHERE p.id = ?`);
  const add = database.prepare<[PairId, string, NodeId, VaultId]>(
    `INSERT INTO pair (id, folder, bound, vault)
     SELECT ?, ?, unhex(?), key FROM vault WHERE id = unhex(?)`,
  );
  const clear = PAIR_TABLES.map((table) => database.prepare<[number]>(`DELETE FROM ${table} WHERE pair = ?`));
  const clearMeta = database.prepare<[string]>('DELETE FROM meta WHERE scope = ?');
  const clearIssues = database.prepare<[PairId]>('DELETE FROM issue WHERE pair = ?');
  const remove = database.prepare<[number]>('DELETE FROM pair WHERE key = ?');
  const configOf = ({ id, folder, vault, bound }: Row): PairConfig => ({ id, folder, vault, bound });

  function pair(id: PairId): PairStore {
    const known = open.get(id);
    if (known !== undefined) return known;
    const row = one.get(id);
    if (row === undefined) throw new Error('no such pair in the manifest');
    const store = pairStore(shared, row.key, configOf(row));
    open.set(id, store);
    return store;
  }

  return {
    pairs: () => all.all().map(configOf),
    addPair({ id, folder, vault, bound }) {
      if (add.run(id, folder, bound, vault).changes === 0) throw new Error('no such vault in the manifest');
      return pair(id);
    },
    pair,
    removePair(id) {
      transaction(() => {
        const row = one.get(id);
        if (row === undefined) return;
        // Before the rest, so that the counters of a row about to go are not kept up.
        remove.run(row.key);
        for (const statement of clear) statement.run(row.key);
        clearMeta.run(`pair ${row.key}`);
        clearIssues.run(id);
        open.delete(id);
      });
    },
  };
}

function collect({ database, transaction }: Shared): number {
  // The set of all content in use may be large: let it spill to disk.
  const spills = !database.inTransaction;
  if (spills) database.pragma('temp_store = FILE');
  try {
    return transaction(() => sweep(database));
  } finally {
    if (spills) database.pragma('temp_store = MEMORY');
  }
}

function sweep(database: Database): number {
  const vaults = database.prepare<[], number>('SELECT key FROM vault').pluck().all();
  const unused = database.prepare<[number, number, number, number]>(
    `DELETE FROM content WHERE vault = ? AND id NOT IN (
       SELECT content FROM remote_node WHERE vault = ? AND content IS NOT NULL
       UNION SELECT content FROM local_node
         WHERE pair IN (SELECT key FROM pair WHERE vault = ?) AND content IS NOT NULL
       UNION SELECT content FROM synced_node
         WHERE pair IN (SELECT key FROM pair WHERE vault = ?) AND content IS NOT NULL)`,
  );
  let content = 0;
  for (const vault of vaults) content += unused.run(vault, vault, vault, vault).changes;
  // Attempts at a node that agrees by now.
  database
    .prepare(
      `DELETE FROM quarantine WHERE NOT EXISTS (
         SELECT 1 FROM dirty d WHERE d.pair = quarantine.pair AND d.node = quarantine.node)`,
    )
    .run();
  return content;
}
