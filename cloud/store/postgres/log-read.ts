import type { AccountId, Hash, NodeId } from '../../../protocol/ids.ts';
import type { HistoryItem } from '../../../protocol/pages.ts';
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
  type HistoryColumns,
} from '../log-pages.ts';
import type { LogStore, StoredChanges, StoredEpoch } from '../metadata-store.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';
import { readFrames } from './frames.ts';
import { appendCommit } from './log-append.ts';
import { readState } from './state-read.ts';

interface VaultColumns extends HeadColumns {
  key: number;
  floor_seq: number;
}

/** Revisions read at once: a commit's list of entries may have half a megabyte. */
const HISTORY_ROWS = 16;

export function postgresLog(database: Database, defaultLimit: number, retentionMs: number): LogStore {
  return {
    async vaults(account) {
      const rows = await database.all<VaultHeadColumns & { created_ms: number }>(
        'SELECT vault, head_seq, head_hash, created_ms FROM vaults WHERE account = $1 ORDER BY key',
        blob(account),
      );
      return rows.map((row) => ({ ...vaultHead(row), createdAtMs: row.created_ms }));
    },
    async standings(accounts) {
      if (accounts.length === 0) return [];
      const ids = accounts.map(blob);
      const found = await database.all<{ account: Buffer; chain_length: number }>(
        'SELECT account, chain_length FROM accounts WHERE account = ANY($1::bytea[]) AND NOT doomed',
        ids,
      );
      const rows = await database.all<VaultHeadColumns & { account: Buffer }>(
        `SELECT account, vault, head_seq, head_hash FROM vaults WHERE account = ANY($1::bytea[])
         ORDER BY account, key`,
        ids,
      );
      const heads = Map.groupBy(rows, (row) => hex(row.account));
      return found.map((row) => ({
        account: hex(row.account) as AccountId,
        chainLength: row.chain_length,
        vaults: (heads.get(hex(row.account)) ?? []).map(vaultHead),
      }));
    },
    async head(account, vault) {
      const found = await findVault(database, account, vault);
      return found === null ? null : headOf(found);
    },
    async appendCommit(append) {
      return database.write((sql) => appendCommit(sql, defaultLimit, retentionMs, append));
    },
    async changes(account, vault, after, maxBytes) {
      return database.snapshot(async (sql) => {
        const found = await findVault(sql, account, vault);
        if (found === null) return null;
        if (after < found.floor_seq) return 'gone';
        const sizes = await sql.all<{ seq: number; frame_bytes: number }>(
          'SELECT seq, frame_bytes FROM commits WHERE vault = $1 AND seq > $2 ORDER BY seq LIMIT $3',
          found.key,
          after,
          MAX_PAGE_COMMITS,
        );
        const room = new PageRoom(maxBytes);
        const first = sizes[0]?.seq ?? 0;
        const end = sizes.findIndex((commit) => !room.takes(commit.frame_bytes));
        const wanted = end === -1 ? sizes : sizes.slice(0, end);
        const commits = await readFrames(sql, found.key, first, wanted.at(-1)?.seq ?? 0);
        if (commits.length < wanted.length) return 'gone';
        return {
          head: headOf(found),
          commits: commits.map(({ receivedAtMs, frame }) => ({ receivedAtMs, frame })),
        } satisfies StoredChanges;
      });
    },
    async state(account, vault, at, cursor, maxBytes) {
      return database.snapshot(async (sql) => {
        const found = await findVault(sql, account, vault);
        if (found === null) return null;
        if (at < found.floor_seq || at < 1 || at > found.head_seq) return 'gone';
        const from = parseStateCursor(cursor);
        return from === null ? 'bad-cursor' : readState(sql, found.key, at, from, maxBytes);
      });
    },
    async headers(account, vault, from, to) {
      const found = await findVault(database, account, vault);
      if (found === null) return null;
      const rows = await database.all<{ received_ms: number; header: Buffer; signature: Buffer }>(
        `SELECT received_ms, header, signature FROM commits
         WHERE vault = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq`,
        found.key,
        from,
        to,
      );
      return rows.map((row) => ({
        receivedAtMs: row.received_ms,
        signed: { bytes: row.header, signature: row.signature },
      }));
    },
    async history(account, vault, node, maxBytes) {
      return database.snapshot(async (sql) => {
        const found = await findVault(sql, account, vault);
        return found === null ? null : readHistory(sql, found.key, node, maxBytes);
      });
    },
    async headAt(account, vault, atMs) {
      const found = await findVault(database, account, vault);
      if (found === null) return null;
      const row = await database.get<{ seq: number; hash: Buffer }>(
        `SELECT seq, hash FROM commits WHERE vault = $1 AND received_ms <= $2
         ORDER BY received_ms DESC, seq DESC LIMIT 1`,
        found.key,
        atMs,
      );
      return { head: row === null ? null : { seq: row.seq, hash: hex(row.hash) as Hash } };
    },
    async epochs(account, vault) {
      const found = await findVault(database, account, vault);
      if (found === null) return null;
      return database.all<StoredEpoch>(
        `SELECT e.epoch, c.header, c.signature, e.opening, e.wraps
         FROM epochs e JOIN commits c ON c.vault = e.vault AND c.seq = e.seq WHERE e.vault = $1 ORDER BY e.epoch`,
        found.key,
      );
    },
    async lease(account, vault, device, nowMs, lengthMs) {
      return database.write(async (sql) => {
        const found = await sql.get<LeaseColumns & { key: number }>(
          `SELECT key, lease_device, lease_until_ms FROM vaults
           WHERE account = $1 AND vault = $2 FOR NO KEY UPDATE`,
          blob(account),
          blob(vault),
        );
        if (found === null) return null;
        const holder = leaseHolder(found, nowMs);
        if (holder !== null && holder !== device) return { granted: false, untilMs: found.lease_until_ms };
        await sql.run(
          'UPDATE vaults SET lease_device = $2, lease_until_ms = $3 WHERE key = $1',
          found.key,
          blob(device),
          nowMs + lengthMs,
        );
        return { granted: true, untilMs: nowMs + lengthMs };
      });
    },
  };
}

function findVault(sql: Sql, account: string, vault: string): Promise<VaultColumns | null> {
  return sql.get<VaultColumns>(
    'SELECT key, head_seq, head_hash, floor_seq FROM vaults WHERE account = $1 AND vault = $2',
    blob(account),
    blob(vault),
  );
}

async function readHistory(sql: Sql, vault: number, node: NodeId, maxBytes: number): Promise<HistoryItem[]> {
  const items: HistoryItem[] = [];
  const room = new PageRoom(maxBytes);
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = await sql.all<HistoryColumns>(
      `SELECT c.received_ms, c.header, c.signature, l.entries, r.revision, r.object
       FROM (SELECT revision, object, from_seq FROM records WHERE vault = $1 AND node = $2 AND revision < $3
             ORDER BY revision DESC LIMIT $4) AS r
       JOIN commits c ON c.vault = $1 AND c.seq = r.from_seq
       JOIN commit_lists l ON l.vault = $1 AND l.seq = r.from_seq ORDER BY r.revision DESC`,
      vault,
      blob(node),
      before,
      HISTORY_ROWS,
    );
    for (const row of rows) {
      const { item, bytes } = historyItem(row);
      if (!room.takes(bytes)) return items;
      items.push(item);
    }
    const last = rows.at(-1);
    if (last === undefined) return items;
    before = last.revision;
  }
}
