import type { Head } from '../../../protocol/cloud.ts';
import type { Hash, NodeId, PackName, SealedObject, VaultId } from '../../../protocol/ids.ts';
import type { HistoryItem, StateNode, StatePack } from '../../../protocol/pages.ts';
import type { LogStore, StoredChanges, StoredEpoch } from '../metadata-store.ts';
import { appendCommit } from './log-append.ts';
import { blob, hex, type Database } from './database.ts';
import { readFrame } from './frames.ts';

interface VaultColumns {
  key: number;
  head_seq: number;
  head_hash: Buffer;
  floor_seq: number;
  lease_device: Buffer | null;
  lease_until_ms: number;
}

/** Commits in one page of changes, however small they are. */
const MAX_PAGE_COMMITS = 2_000;
const CURSOR = /^(?:n([0-9a-f]{32})|p([0-9a-f]{64})?)$/;

export function embeddedLog(database: Database, defaultLimit: number, retentionMs: number): LogStore {
  const findVault = (account: string, vault: string): VaultColumns | null =>
    database.get<VaultColumns>(
      `SELECT key, head_seq, head_hash, floor_seq, lease_device, lease_until_ms
       FROM vaults WHERE account = ? AND vault = ?`,
      blob(account),
      blob(vault),
    );
  const headOf = (vault: VaultColumns): Head => ({ seq: vault.head_seq, hash: hex(vault.head_hash) as Hash });

  return {
    async vaults(account) {
      return database
        .all<{ vault: Buffer; head_seq: number; head_hash: Buffer; created_ms: number }>(
          'SELECT vault, head_seq, head_hash, created_ms FROM vaults WHERE account = ? ORDER BY key',
          blob(account),
        )
        .map((row) => ({
          vault: hex(row.vault) as VaultId,
          head: { seq: row.head_seq, hash: hex(row.head_hash) as Hash },
          createdAtMs: row.created_ms,
        }));
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
      let bytes = 0;
      const seqs = database.all<{ seq: number }>(
        'SELECT seq FROM commits WHERE vault = ? AND seq > ? ORDER BY seq LIMIT ?',
        found.key,
        after,
        MAX_PAGE_COMMITS,
      );
      for (const { seq } of seqs) {
        const commit = readFrame(database, found.key, seq);
        if (commit === null) return 'gone';
        bytes += commit.frame.length;
        if (commits.length > 0 && bytes > maxBytes) break;
        commits.push({ receivedAtMs: commit.receivedAtMs, frame: commit.frame });
      }
      return { head: headOf(found), commits } satisfies StoredChanges;
    },
    async state(account, vault, at, cursor, maxBytes) {
      const found = findVault(account, vault);
      if (found === null) return null;
      if (at < found.floor_seq || at < 1 || at > found.head_seq) return 'gone';
      const from = CURSOR.exec(cursor ?? `n${'0'.repeat(32)}`);
      if (from === null) return 'bad-cursor';
      return readState(database, found.key, at, from[1] ?? null, from[2] ?? null, maxBytes);
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
        const holder = found.lease_device === null ? null : hex(found.lease_device);
        if (holder !== null && holder !== device && found.lease_until_ms > nowMs) {
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

/** Nodes by id after `afterNode`, then packs by name after `afterPack`; exactly one of the two is where to go on. */
function readState(
  database: Database,
  vault: number,
  at: number,
  afterNode: string | null,
  afterPack: string | null,
  maxBytes: number,
): { nodes: StateNode[]; packs: StatePack[]; nextCursor: string | null } {
  const nodes: StateNode[] = [];
  const packs: StatePack[] = [];
  let bytes = 0;
  if (afterNode !== null) {
    const rows = database.iterate<{ node: Buffer; revision: number; object: Buffer }>(
      `SELECT node, revision, object FROM records
       WHERE vault = ?1 AND node > ?2 AND from_seq <= ?3 AND (to_seq IS NULL OR to_seq > ?3) AND object IS NOT NULL
       ORDER BY node`,
      vault,
      blob(afterNode),
      at,
    );
    for (const row of rows) {
      const node = hex(row.node) as NodeId;
      nodes.push({ node, revision: row.revision, object: row.object as Uint8Array as SealedObject });
      bytes += row.object.length + 24;
      if (bytes >= maxBytes) return { nodes, packs, nextCursor: `n${node}` };
    }
  }
  const rows = database.iterate<{ name: Buffer; size: number; index_object: Buffer }>(
    `SELECT p.name, p.size, p.index_object FROM packs p JOIN pack_spans s ON s.pack = p.key
     WHERE p.vault = ?1 AND p.name > ?2 AND s.from_seq <= ?3 AND (s.to_seq IS NULL OR s.to_seq > ?3)
     ORDER BY p.name`,
    vault,
    blob(afterPack ?? ''),
    at,
  );
  for (const row of rows) {
    // Indexes are large: a page that would burst its bound ends before the next one.
    if (bytes > 0 && bytes + row.index_object.length > maxBytes) {
      const last = packs.at(-1);
      return { nodes, packs, nextCursor: `p${last?.name ?? ''}` };
    }
    const name = hex(row.name) as PackName;
    packs.push({ name, size: row.size, index: row.index_object as Uint8Array as SealedObject });
    bytes += row.index_object.length + 40;
  }
  return { nodes, packs, nextCursor: null };
}

function readHistory(database: Database, vault: number, node: NodeId, maxBytes: number): HistoryItem[] {
  const rows = database.iterate<{
    received_ms: number;
    header: Buffer;
    signature: Buffer;
    entries: Buffer;
    revision: number;
    object: Buffer | null;
  }>(
    `SELECT c.received_ms, c.header, c.signature, l.entries, r.revision, r.object
     FROM records r JOIN commits c ON c.vault = r.vault AND c.seq = r.from_seq
     JOIN commit_lists l ON l.vault = r.vault AND l.seq = r.from_seq
     WHERE r.vault = ? AND r.node = ? ORDER BY r.revision DESC`,
    vault,
    blob(node),
  );
  const items: HistoryItem[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.entries.length + (row.object?.length ?? 0) + 400;
    if (items.length > 0 && bytes > maxBytes) break;
    items.push({
      receivedAtMs: row.received_ms,
      signed: { bytes: row.header, signature: row.signature },
      entries: row.entries,
      revision: row.revision,
      object: row.object as Uint8Array | null as SealedObject | null,
    });
  }
  return items;
}
