/** Appending a commit: reads the facts, has `judgeCommit` decide, writes what it changes. One transaction. */
import type { CommitFrame } from '../../../protocol/commit.ts';
import { ZERO_HASH, type NodeId, type PackName } from '../../../protocol/ids.ts';
import { judgeCommit, type NodeFacts, type PackFacts } from '../../log/judge-commit.ts';
import { retainedTooMuch } from '../../quota/quota.ts';
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
import { BeginAnew } from './database.ts';
import type { Sql } from './sql.ts';
import { writePacks } from './commit-packs.ts';
import { lockAccount, lockedUsage, moveBytes } from './locks.ts';
import { returnsAtMs } from './packs.ts';

type Append = Parameters<LogStore['appendCommit']>[0];
type VaultColumns = VaultFactsColumns & { key: number; head_received_ms: number };

/** To be run inside a write. */
export async function appendCommit(
  sql: Sql,
  defaultLimit: number,
  retentionMs: number,
  append: Append,
): Promise<AppendOutcome> {
  const { frame, hash, nowMs } = append;
  const account = blob(append.account);
  const vault = await sql.get<VaultColumns>(
    `SELECT key, head_received_ms, ${VAULT_FACTS_COLUMNS} FROM vaults
     WHERE account = $1 AND vault = $2 FOR NO KEY UPDATE`,
    account,
    blob(frame.header.vault),
  );
  const known = vault === null ? null : await findCommit(sql, vault.key, hash);
  if (known !== null) return { kind: 'known', seq: known.seq, receivedAtMs: known.received_ms };
  const nodes = vault === null ? new Map<NodeId, NodeFacts>() : await readNodes(sql, vault.key, frame);
  const packs = vault === null ? new Map<PackName, PackFacts>() : await readPacks(sql, vault.key, frame);

  const stored = await lockAccount(sql, account);
  if (
    stored?.disabled !== false ||
    stored.chain_length !== append.chain.length ||
    hex(stored.chain_head) !== append.chain.head
  ) {
    return { kind: 'chain-moved' };
  }
  // Vaults are made by who holds the account.
  if (vault === null && (await exists(sql, account, frame))) throw new BeginAnew();
  const usage = lockedUsage(stored, defaultLimit);
  const returns = retainedTooMuch(usage) ? await returnsAtMs(sql, account, usage, retentionMs) : null;
  const verdict = judgeCommit(frame, {
    vault: vault === null ? null : vaultFacts(vault),
    usage,
    node: (node) => nodes.get(node) ?? null,
    pack: (name) => packs.get(name) ?? null,
    returnsAtMs: () => returns,
  });
  if (verdict.kind !== 'accepted') return verdict;

  // A server's clock may step back; "as of a time" needs receipt times in the order of the log.
  const receivedAtMs = Math.max(nowMs, vault?.head_received_ms ?? 0);
  const key = vault?.key ?? (await createVault(sql, account, append, receivedAtMs));
  await writeHead(sql, key, append, receivedAtMs);
  await writeRecords(sql, key, frame, receivedAtMs);
  await writePacks(sql, key, frame, packs, receivedAtMs);
  await moveBytes(sql, account, verdict.moves);
  return { kind: 'committed', seq: frame.header.seq, receivedAtMs, created: vault === null };
}

function findCommit(
  sql: Sql,
  vault: number,
  hash: string,
): Promise<{ seq: number; received_ms: number } | null> {
  return sql.get('SELECT seq, received_ms FROM commits WHERE vault = $1 AND hash = $2', vault, blob(hash));
}

async function exists(sql: Sql, account: Uint8Array, frame: CommitFrame): Promise<boolean> {
  const row = await sql.get(
    'SELECT 1 FROM vaults WHERE account = $1 AND vault = $2',
    account,
    blob(frame.header.vault),
  );
  return row !== null;
}

async function readNodes(sql: Sql, vault: number, frame: CommitFrame): Promise<Map<NodeId, NodeFacts>> {
  const facts = new Map<NodeId, NodeFacts>();
  if (frame.entries.length === 0) return facts;
  const rows = await sql.all<NodeFactsColumns & { node: Buffer }>(
    `SELECT n.node, r.revision, r.object_hash, r.bytes
     FROM unnest($2::bytea[]) AS n (node) CROSS JOIN LATERAL (
       SELECT revision, object_hash, octet_length(object)::bigint AS bytes FROM records
       WHERE vault = $1 AND node = n.node ORDER BY revision DESC LIMIT 1) AS r`,
    vault,
    frame.entries.map((entry) => blob(entry.node)),
  );
  for (const row of rows) {
    const node = nodeFacts(row);
    if (node !== null) facts.set(hex(row.node) as NodeId, node);
  }
  return facts;
}

async function readPacks(sql: Sql, vault: number, frame: CommitFrame): Promise<Map<PackName, PackFacts>> {
  const { added, revived, dropped } = frame.packs;
  const facts = new Map<PackName, PackFacts>();
  const named = [...added, ...revived, ...dropped];
  if (named.length === 0) return facts;
  const rows = await sql.all<PackFactsColumns & { name: Buffer }>(
    `SELECT name, size, state, index_hash, octet_length(index_object)::bigint AS index_bytes FROM packs
     WHERE vault = $1 AND name = ANY($2::bytea[])`,
    vault,
    named.map((pack) => blob(pack.name)),
  );
  for (const row of rows) {
    const pack = packFacts(row);
    if (pack !== null) facts.set(hex(row.name) as PackName, pack);
  }
  return facts;
}

async function createVault(sql: Sql, account: Uint8Array, append: Append, nowMs: number): Promise<number> {
  const { header } = append.frame;
  const row = await sql.get<{ key: number }>(
    `INSERT INTO vaults (account, vault, created_ms, head_seq, head_hash, head_received_ms, epoch, chain_length,
       epoch_chain_length)
     VALUES ($1, $2, $3, 0, $4, $3, 0, $5, $5) RETURNING key`,
    account,
    blob(header.vault),
    nowMs,
    blob(ZERO_HASH),
    header.chainLength,
  );
  if (row === null) throw new Error('an insertion returns its row');
  return row.key;
}

async function writeHead(sql: Sql, vault: number, append: Append, receivedAtMs: number): Promise<void> {
  const { frame, hash } = append;
  const { header, signed } = frame;
  const lists = frameLists(frame);
  await sql.run(
    `WITH list AS (
       INSERT INTO commit_lists (vault, seq, entries, packs, heads, rejoin) VALUES ($1, $2, $8, $9, $10, $11)
     ), head AS (
       UPDATE vaults SET head_seq = $2, head_hash = $3, head_received_ms = $4, chain_length = $12 WHERE key = $1
     )
     INSERT INTO commits (vault, seq, hash, received_ms, header, signature, frame_bytes)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    vault,
    header.seq,
    blob(hash),
    receivedAtMs,
    signed.bytes,
    signed.signature,
    frameBytes(frame, Object.values(lists)),
    lists.entries,
    lists.packs,
    lists.heads,
    lists.rejoin,
    header.chainLength,
  );
  if (lists.opening === null || frame.wraps === null) return;
  await sql.run(
    `WITH opened AS (UPDATE vaults SET epoch = $2, epoch_chain_length = $4 WHERE key = $1)
     INSERT INTO epochs (vault, epoch, seq, chain_length, opening, wraps) VALUES ($1, $2, $3, $4, $5, $6)`,
    vault,
    header.epoch,
    header.seq,
    header.chainLength,
    lists.opening,
    frame.wraps,
  );
}

/** How much a reader of changes gets for it, about. */
function frameBytes(frame: CommitFrame, lists: readonly (Uint8Array | null)[]): number {
  const parts = [frame.signed.bytes, ...lists, ...frame.objects, ...frame.indexes, frame.wraps];
  return parts.reduce((sum, part) => sum + (part?.length ?? 0), frame.signed.signature.length);
}

async function writeRecords(
  sql: Sql,
  vault: number,
  frame: CommitFrame,
  receivedAtMs: number,
): Promise<void> {
  const { entries, objects, header } = frame;
  if (entries.length === 0) return;
  const later = entries.filter((entry) => entry.revision > 1);
  if (later.length > 0) {
    await sql.run(
      `UPDATE records AS r SET to_seq = $2, to_ms = $3
       FROM unnest($4::bytea[], $5::bigint[]) AS e (node, revision)
       WHERE r.vault = $1 AND r.node = e.node AND r.revision = e.revision`,
      vault,
      header.seq,
      receivedAtMs,
      later.map((entry) => blob(entry.node)),
      later.map((entry) => entry.revision - 1),
    );
  }
  await sql.run(
    `INSERT INTO records (vault, node, revision, from_seq, object_hash, object)
     SELECT $1, e.node, e.revision, $2, e.object_hash, e.object
     FROM unnest($3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[]) AS e (node, revision, object_hash, object)`,
    vault,
    header.seq,
    entries.map((entry) => blob(entry.node)),
    entries.map((entry) => entry.revision),
    entries.map((entry, index) => ((objects[index] ?? null) === null ? null : blob(entry.objectHash))),
    entries.map((_entry, index) => objects[index] ?? null),
  );
}
