import type { Hash, NodeId } from '../../../protocol/ids.ts';
import type { HistoryItem, StatePage } from '../../../protocol/pages.ts';
import {
  blob,
  headOf,
  hex,
  leaseHolder,
  vaultHead,
  type HeadColumns,
  type LeaseColumns,
  type VaultHeadColumns,
} from '../columns.ts';
import {
  historyItem,
  MAX_PAGE_COMMITS,
  PageRoom,
  parseStateCursor,
  StatePageRows,
  type HistoryColumns,
  type StateCursor,
} from '../log-pages.ts';
import type { LogStore, StoredChanges, StoredEpoch } from '../metadata-store.ts';
import { appendCommit } from './log-append.ts';
import type { Database } from './database.ts';
import { readFrame } from './frames.ts';

interface VaultColumns extends HeadColumns, LeaseColumns {
  key: number;
  floor_seq: number;
}

export function embeddedLog(database: Database, defaultLimit: number, retentionMs: number): LogStore {
  const findVault = (account: string, vault: string): VaultColumns | null =>
    database.get<VaultColumns>(
      `SELECT key, head_seq, head_hash, floor_seq, lease_device, lease_until_ms
       FROM vaults WHERE account = ? AND vault = ?`,
      blob(account),
      blob(vault),
    );

  return {
    async vaults(account) {
      return database
        .all<VaultHeadColumns & { created_ms: number }>(
          'SELECT vault, head_seq, head_hash, created_ms FROM vaults WHERE account = ? ORDER BY key',
          blob(account),
        )
        .map((row) => ({ ...vaultHead(row), createdAtMs: row.created_ms }));
    },
    async standings(accounts) {
      return accounts.flatMap((account) => {
        const row = database.get<{ chain_length: number }>(
          'SELECT chain_length FROM accounts WHERE account = ? AND doomed = 0',
          blob(account),
        );
        if (row === null) return [];
        const vaults = database.all<VaultHeadColumns>(
          'SELECT vault, head_seq, head_hash FROM vaults WHERE account = ? ORDER BY key',
          blob(account),
        );
        return [{ account, chainLength: row.chain_length, vaults: vaults.map(vaultHead) }];
      });
    },
    async head(account, vault) {
      const found = findVault(account, vault);
      return found === null ? null : headOf(found);
    },
    async appendCommit(append) {
      return database.write(() => appendCommit(database, defaultLimit, retentionMs, append));
    },
    async changes(account, vault, after, maxBytes) {
      const found = findVault(account, vault);
      if (found === null) return null;
      if (after < found.floor_seq) return 'gone';
      const commits: { receivedAtMs: number; frame: Uint8Array }[] = [];
      const room = new PageRoom(maxBytes);
      const seqs = database.all<{ seq: number }>(
        'SELECT seq FROM commits WHERE vault = ? AND seq > ? ORDER BY seq LIMIT ?',
        found.key,
        after,
        MAX_PAGE_COMMITS,
      );
      for (const { seq } of seqs) {
        const commit = readFrame(database, found.key, seq);
        if (commit === null) return 'gone';
        if (!room.takes(commit.frame.length)) break;
        commits.push({ receivedAtMs: commit.receivedAtMs, frame: commit.frame });
      }
      return { head: headOf(found), commits } satisfies StoredChanges;
    },
    async state(account, vault, at, cursor, maxBytes) {
      const found = findVault(account, vault);
      if (found === null) return null;
      if (at < found.floor_seq || at < 1 || at > found.head_seq) return 'gone';
      const from = parseStateCursor(cursor);
      return from === null ? 'bad-cursor' : readState(database, found.key, at, from, maxBytes);
    },
    async headers(account, vault, from, to) {
      const found = findVault(account, vault);
      if (found === null) return null;
      return database
        .all<{ received_ms: number; header: Buffer; signature: Buffer }>(
          'SELECT received_ms, header, signature FROM commits WHERE vault = ? AND seq BETWEEN ? AND ? ORDER BY seq',
          found.key,
          from,
          to,
        )
        .map((row) => ({
          receivedAtMs: row.received_ms,
          signed: { bytes: row.header, signature: row.signature },
        }));
    },
    async history(account, vault, node, maxBytes) {
      const found = findVault(account, vault);
      return found === null ? null : readHistory(database, found.key, node, maxBytes);
    },
    async headAt(account, vault, atMs) {
      const found = findVault(account, vault);
      if (found === null) return null;
      const row = database.get<{ seq: number; hash: Buffer }>(
        'SELECT seq, hash FROM commits WHERE vault = ? AND received_ms <= ? ORDER BY received_ms DESC, seq DESC LIMIT 1',
        found.key,
        atMs,
      );
      return { head: row === null ? null : { seq: row.seq, hash: hex(row.hash) as Hash } };
    },
    async epochs(account, vault) {
      const found = findVault(account, vault);
      if (found === null) return null;
      return database.all<StoredEpoch>(
        `SELECT e.epoch, c.header, c.signature, e.opening, e.wraps
         FROM epochs e JOIN commits c ON c.vault = e.vault AND c.seq = e.seq WHERE e.vault = ? ORDER BY e.epoch`,
        found.key,
      );
    },
    async lease(account, vault, device, nowMs, lengthMs) {
      return database.write(() => {
        const found = findVault(account, vault);
        if (found === null) return null;
        const holder = leaseHolder(found, nowMs);
        if (holder !== null && holder !== device) {
          return { granted: false, untilMs: found.lease_until_ms };
        }
        database.run(
          'UPDATE vaults SET lease_device = ?, lease_until_ms = ? WHERE key = ?',
          blob(device),
          nowMs + lengthMs,
          found.key,
        );
        return { granted: true, untilMs: nowMs + lengthMs };
      });
    },
  };
}

function readState(
  database: Database,
  vault: number,
  at: number,
  from: StateCursor,
  maxBytes: number,
): StatePage {
  const page = new StatePageRows(maxBytes);
  if (from.nodes) {
    const rows = database.iterate<{ node: Buffer; revision: number; object: Buffer }>(
      `SELECT node, revision, object FROM records
       WHERE vault = ?1 AND node > ?2 AND from_seq <= ?3 AND (to_seq IS NULL OR to_seq > ?3) AND object IS NOT NULL
       ORDER BY node`,
      vault,
      blob(from.after),
      at,
    );
    for (const row of rows) {
      const full = page.addNode(row);
      if (full !== null) return full;
    }
  }
  const rows = database.iterate<{ name: Buffer; size: number; index_object: Buffer }>(
    `SELECT p.name, p.size, p.index_object FROM packs p JOIN pack_spans s ON s.pack = p.key
     WHERE p.vault = ?1 AND p.name > ?2 AND s.from_seq <= ?3 AND (s.to_seq IS NULL OR s.to_seq > ?3)
     ORDER BY p.name`,
    vault,
    blob(from.nodes ? '' : from.after),
    at,
  );
  for (const row of rows) {
    const full = page.fullBefore(row.index_object.length);
    if (full !== null) return full;
    page.addPack(row);
  }
  return page.last();
}

function readHistory(database: Database, vault: number, node: NodeId, maxBytes: number): HistoryItem[] {
  const rows = database.iterate<HistoryColumns>(
    `SELECT c.received_ms, c.header, c.signature, l.entries, r.revision, r.object
     FROM records r JOIN commits c ON c.vault = r.vault AND c.seq = r.from_seq
     JOIN commit_lists l ON l.vault = r.vault AND l.seq = r.from_seq
     WHERE r.vault = ? AND r.node = ? ORDER BY r.revision DESC`,
    vault,
    blob(node),
  );
  const items: HistoryItem[] = [];
  const room = new PageRoom(maxBytes);
  for (const row of rows) {
    const { item, bytes } = historyItem(row);
    if (!room.takes(bytes)) break;
    items.push(item);
  }
  return items;
}
