/** Appending a commit: reads the facts, has `judgeCommit` decide, writes what it changes. One transaction. */
import type { CommitFrame } from '../../../protocol/commit.ts';
import { ZERO_HASH, type Hash, type NodeId, type PackName } from '../../../protocol/ids.ts';
import { judgeCommit, type NodeFacts, type PackFacts } from '../../log/judge-commit.ts';
import {
  blob,
  hex,
  nodeFacts,
  packFacts,
  vaultFacts,
  VAULT_FACTS_COLUMNS,
  type NodeFactsColumns,
  type PackFactsColumns,
  type VaultFactsColumns,
} from '../columns.ts';
import { frameLists } from '../frame-parts.ts';
import type { AppendOutcome, LogStore } from '../metadata-store.ts';
import type { Database } from './database.ts';
import { moveBytes, readUsage } from './usage.ts';
import { returnsAtMs } from './packs.ts';

type Append = Parameters<LogStore['appendCommit']>[0];

/** To be run inside a write. */
export function appendCommit(
  database: Database,
  defaultLimit: number,
  retentionMs: number,
  append: Append,
): AppendOutcome {
  const { frame, hash, nowMs } = append;
  const account = blob(append.account);
  const vault = database.get<VaultFactsColumns & { key: number }>(
    `SELECT key, ${VAULT_FACTS_COLUMNS} FROM vaults WHERE account = ? AND vault = ?`,
    account,
    blob(frame.header.vault),
  );
  const known = vault === null ? null : findCommit(database, vault.key, hash);
  if (known !== null) return { kind: 'known', seq: known.seq, receivedAtMs: known.received_ms };
  const stored = database.get<{ chain_length: number; chain_head: Buffer }>(
    'SELECT chain_length, chain_head FROM accounts WHERE account = ? AND disabled = 0',
    account,
  );
  if (stored?.chain_length !== append.chain.length || hex(stored.chain_head) !== append.chain.head) {
    return { kind: 'chain-moved' };
  }

  const usage = readUsage(database, account, defaultLimit);
  const verdict = judgeCommit(frame, {
    vault: vault === null ? null : vaultFacts(vault),
    usage,
    node: (node) => (vault === null ? null : readNode(database, vault.key, node)),
    pack: (name) => (vault === null ? null : readPack(database, vault.key, name)),
    returnsAtMs: () => returnsAtMs(database, account, usage, retentionMs),
  });
  if (verdict.kind !== 'accepted') return verdict;

  // A server's clock may step back; "as of a time" needs receipt times in the order of the log.
  const last = vault === null ? null : receivedMs(database, vault.key, vault.head_seq);
  const receivedAtMs = Math.max(nowMs, last ?? 0);
  const key = vault?.key ?? createVault(database, account, append, receivedAtMs);
  writeHead(database, key, append, receivedAtMs);
  writeRecords(database, key, frame, receivedAtMs);
  writePacks(database, key, frame, receivedAtMs);
  moveBytes(database, account, verdict.moves);
  return { kind: 'committed', seq: frame.header.seq, receivedAtMs, created: vault === null };
}

function findCommit(
  database: Database,
  vault: number,
  hash: Hash,
): { seq: number; received_ms: number } | null {
  return database.get('SELECT seq, received_ms FROM commits WHERE vault = ? AND hash = ?', vault, blob(hash));
}

function receivedMs(database: Database, vault: number, seq: number): number | null {
  return (
    database.get<{ received_ms: number }>(
      'SELECT received_ms FROM commits WHERE vault = ? AND seq = ?',
      vault,
      seq,
    )?.received_ms ?? null
  );
}

function readNode(database: Database, vault: number, node: NodeId): NodeFacts | null {
  return nodeFacts(
    database.get<NodeFactsColumns>(
      `SELECT revision, object_hash, length(object) AS bytes FROM records
       WHERE vault = ? AND node = ? ORDER BY revision DESC LIMIT 1`,
      vault,
      blob(node),
    ),
  );
}

function readPack(database: Database, vault: number, name: PackName): PackFacts | null {
  return packFacts(
    database.get<PackFactsColumns>(
      'SELECT size, state, index_hash, length(index_object) AS index_bytes FROM packs WHERE vault = ? AND name = ?',
      vault,
      blob(name),
    ),
  );
}

function createVault(database: Database, account: Uint8Array, append: Append, nowMs: number): number {
  const { header } = append.frame;
  return database.run(
    `INSERT INTO vaults (account, vault, created_ms, head_seq, head_hash, epoch, chain_length, epoch_chain_length)
     VALUES (?, ?, ?, 0, ?, 0, ?, ?)`,
    account,
    blob(header.vault),
    nowMs,
    blob(ZERO_HASH),
    header.chainLength,
    header.chainLength,
  ).id;
}

function writeHead(database: Database, vault: number, append: Append, receivedAtMs: number): void {
  const { frame, hash } = append;
  const { header, signed } = frame;
  const lists = frameLists(frame);
  database.run(
    'INSERT INTO commits (vault, seq, hash, received_ms, header, signature) VALUES (?, ?, ?, ?, ?, ?)',
    vault,
    header.seq,
    blob(hash),
    receivedAtMs,
    signed.bytes,
    signed.signature,
  );
  database.run(
    'INSERT INTO commit_lists (vault, seq, entries, packs, heads, rejoin) VALUES (?, ?, ?, ?, ?, ?)',
    vault,
    header.seq,
    lists.entries,
    lists.packs,
    lists.heads,
    lists.rejoin,
  );
  database.run(
    'UPDATE vaults SET head_seq = ?, head_hash = ?, chain_length = ? WHERE key = ?',
    header.seq,
    blob(hash),
    header.chainLength,
    vault,
  );
  if (lists.opening !== null && frame.wraps !== null) {
    database.run(
      'INSERT INTO epochs (vault, epoch, seq, chain_length, opening, wraps) VALUES (?, ?, ?, ?, ?, ?)',
      vault,
      header.epoch,
      header.seq,
      header.chainLength,
      lists.opening,
      frame.wraps,
    );
    database.run(
      'UPDATE vaults SET epoch = ?, epoch_chain_length = ? WHERE key = ?',
      header.epoch,
      header.chainLength,
      vault,
    );
  }
}

function writeRecords(database: Database, vault: number, frame: CommitFrame, receivedAtMs: number): void {
  for (const [index, entry] of frame.entries.entries()) {
    const node = blob(entry.node);
    if (entry.revision > 1) {
      database.run(
        'UPDATE records SET to_seq = ?, to_ms = ? WHERE vault = ? AND node = ? AND revision = ?',
        frame.header.seq,
        receivedAtMs,
        vault,
        node,
        entry.revision - 1,
      );
    }
    const object = frame.objects[index] ?? null;
    database.run(
      'INSERT INTO records (vault, node, revision, from_seq, object_hash, object) VALUES (?, ?, ?, ?, ?, ?)',
      vault,
      node,
      entry.revision,
      frame.header.seq,
      object === null ? null : blob(entry.objectHash),
      object,
    );
  }
}

function writePacks(database: Database, vault: number, frame: CommitFrame, receivedAtMs: number): void {
  const { seq, device } = frame.header;
  const setLive = (key: number): void => {
    database.run("UPDATE packs SET state = 'live', changed_ms = ? WHERE key = ?", receivedAtMs, key);
    database.run('INSERT INTO pack_spans (pack, vault, from_seq) VALUES (?, ?, ?)', key, vault, seq);
  };
  const keyOf = (name: PackName): number | null =>
    database.get<{ key: number }>('SELECT key FROM packs WHERE vault = ? AND name = ?', vault, blob(name))
      ?.key ?? null;
  const mustKey = (name: PackName): number => {
    const key = keyOf(name);
    if (key === null) throw new Error('a pack judged present is not there');
    return key;
  };

  for (const [index, pack] of frame.packs.added.entries()) {
    let key = keyOf(pack.name);
    if (key === null) {
      const inline = frame.inline.find((candidate) => candidate.name === pack.name);
      if (inline === undefined) throw new Error('a pack judged present is not there');
      key = database.run(
        `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline) VALUES (?, ?, ?, 'uploaded', ?, ?, 1)`,
        vault,
        blob(pack.name),
        pack.size,
        blob(device),
        receivedAtMs,
      ).id;
      database.run('INSERT INTO inline_packs (pack, bytes) VALUES (?, ?)', key, inline.bytes);
    }
    database.run(
      'UPDATE packs SET index_hash = ?, index_object = ? WHERE key = ?',
      blob(pack.indexHash),
      frame.indexes[index] ?? null,
      key,
    );
    setLive(key);
  }
  for (const pack of frame.packs.revived) setLive(mustKey(pack.name));
  for (const pack of frame.packs.dropped) {
    const key = mustKey(pack.name);
    database.run("UPDATE packs SET state = 'dropped', changed_ms = ? WHERE key = ?", receivedAtMs, key);
    database.run('UPDATE pack_spans SET to_seq = ? WHERE pack = ? AND to_seq IS NULL', seq, key);
  }
}
