/**
 * A `void` entry takes a vault back to an older head. The commits after it leave the log but are kept whole
 * for the retention time; records and packs stand as they did at the pin, and packs first added after it
 * count as uploaded again, so that each device can propose its own later changes without sending bytes.
 */
import { decodeHeader } from '../../../protocol/commit.ts';
import type { HeadPin } from '../../../protocol/device-chain.ts';
import type { VaultId } from '../../../protocol/ids.ts';
import {
  bytesGone,
  packBackMoves,
  recordBackMoves,
  stateAtPin,
  type TouchedPack,
} from '../../log/judge-rewind.ts';
import { blob, hex } from '../columns.ts';
import type { Sql } from './sql.ts';
import { readFrames } from './frames.ts';
import { moveBytes } from './locks.ts';

interface VaultColumns {
  key: number;
  head_seq: number;
  floor_seq: number;
}

type PackColumns = TouchedPack & { readonly name: Buffer };

/** Commits read at once. */
const FRAMES = 20;

/** The caller holds the vault and the account. `stale`: the pin is no commit of the log. `gone`: no longer retained. */
export async function rewindVault(
  sql: Sql,
  account: Uint8Array,
  pin: HeadPin,
  entryIndex: number,
  nowMs: number,
): Promise<'rewound' | 'stale' | 'gone'> {
  const vault = await sql.get<VaultColumns>(
    'SELECT key, head_seq, floor_seq FROM vaults WHERE account = $1 AND vault = $2',
    account,
    blob(pin.vault),
  );
  if (vault === null) return 'gone';
  const pinned = await sql.get<{ hash: Buffer; header: Buffer; received_ms: number }>(
    'SELECT hash, header, received_ms FROM commits WHERE vault = $1 AND seq = $2',
    vault.key,
    pin.seq,
  );
  if (pinned === null || hex(pinned.hash) !== pin.hash) return 'stale';
  if (pin.seq < vault.floor_seq) return 'gone';

  const packs = await touchedPacks(sql, vault.key, pin.seq);
  if (packs.some((pack) => stateAtPin(pack) === 'live' && bytesGone(pack))) return 'gone';

  await keepVoided(sql, vault, pin.seq, nowMs);
  await rewindRecords(sql, account, vault.key, pin.seq);
  await rewindPacks(sql, account, vault.key, pin.seq, packs, nowMs);
  for (const table of ['commits', 'commit_lists', 'epochs']) {
    await sql.run(`DELETE FROM ${table} WHERE vault = $1 AND seq > $2`, vault.key, pin.seq);
  }
  const epoch = await sql.get<{ epoch: number; chain_length: number }>(
    'SELECT epoch, chain_length FROM epochs WHERE vault = $1 ORDER BY epoch DESC LIMIT 1',
    vault.key,
  );
  if (epoch === null) throw new Error('a vault without an epoch');
  await sql.run(
    `UPDATE vaults SET head_seq = $2, head_hash = $3, head_received_ms = $4, epoch = $5, chain_length = $6,
       epoch_chain_length = $7, required_chain = $8 WHERE key = $1`,
    vault.key,
    pin.seq,
    pinned.hash,
    pinned.received_ms,
    epoch.epoch,
    decodeHeader(pinned.header).chainLength,
    epoch.chain_length,
    entryIndex + 1,
  );
  return 'rewound';
}

/** Whether the log has not come as far as the pin: nothing is there to be taken back. */
export async function isBehind(sql: Sql, account: Uint8Array, pin: HeadPin): Promise<boolean> {
  const vault = await sql.get<{ head_seq: number }>(
    'SELECT head_seq FROM vaults WHERE account = $1 AND vault = $2',
    account,
    blob(pin.vault),
  );
  return vault === null || vault.head_seq < pin.seq;
}

/** What is committed from now on has to name the entry. */
export async function requireEntry(
  sql: Sql,
  account: Uint8Array,
  vault: VaultId,
  entryIndex: number,
): Promise<'rewound'> {
  await sql.run(
    'UPDATE vaults SET required_chain = $3 WHERE account = $1 AND vault = $2',
    account,
    blob(vault),
    entryIndex + 1,
  );
  return 'rewound';
}

async function keepVoided(sql: Sql, vault: VaultColumns, pinSeq: number, nowMs: number): Promise<void> {
  for (let from = pinSeq + 1; from <= vault.head_seq; from += FRAMES) {
    const to = Math.min(from + FRAMES - 1, vault.head_seq);
    for (const commit of await readFrames(sql, vault.key, from, to)) {
      await sql.run(
        'INSERT INTO voided_commits (vault, seq, hash, voided_ms, frame) VALUES ($1, $2, $3, $4, $5)',
        vault.key,
        commit.seq,
        commit.hash,
        nowMs,
        commit.frame,
      );
    }
  }
}

async function rewindRecords(sql: Sql, account: Uint8Array, vault: number, pinSeq: number): Promise<void> {
  const after = await sql.get<{ live: number; retained: number }>(
    `SELECT coalesce(sum(octet_length(object)) FILTER (WHERE to_seq IS NULL), 0)::bigint AS live,
       coalesce(sum(octet_length(object)) FILTER (WHERE to_seq IS NOT NULL), 0)::bigint AS retained
     FROM records WHERE vault = $1 AND from_seq > $2`,
    vault,
    pinSeq,
  );
  await sql.run('DELETE FROM records WHERE vault = $1 AND from_seq > $2', vault, pinSeq);
  const back = await sql.get<{ bytes: number }>(
    `WITH back AS (UPDATE records SET to_seq = NULL, to_ms = NULL WHERE vault = $1 AND to_seq > $2 RETURNING object)
     SELECT coalesce(sum(octet_length(object)), 0)::bigint AS bytes FROM back`,
    vault,
    pinSeq,
  );
  const moves = recordBackMoves({
    liveGone: after?.live ?? 0,
    retainedGone: after?.retained ?? 0,
    back: back?.bytes ?? 0,
  });
  await moveBytes(sql, account, moves);
}

function touchedPacks(sql: Sql, vault: number, pinSeq: number): Promise<readonly PackColumns[]> {
  return sql.all<PackColumns>(
    `SELECT p.name, p.size, p.state, coalesce(octet_length(p.index_object), 0)::bigint AS index_bytes,
       (SELECT max(from_seq) FROM pack_spans s WHERE s.vault = $1 AND s.name = p.name AND s.from_seq <= $2) AS starts,
       (SELECT max(to_seq) FROM pack_spans s WHERE s.vault = $1 AND s.name = p.name AND s.to_seq <= $2) AS ends
     FROM packs p JOIN (
       SELECT name FROM pack_spans WHERE vault = $1 AND from_seq > $2
       UNION SELECT name FROM pack_spans WHERE vault = $1 AND to_seq > $2) AS touched
     ON p.vault = $1 AND p.name = touched.name`,
    vault,
    pinSeq,
  );
}

async function rewindPacks(
  sql: Sql,
  account: Uint8Array,
  vault: number,
  pinSeq: number,
  packs: readonly PackColumns[],
  nowMs: number,
): Promise<void> {
  for (const pack of packs) {
    // What the reaper has stays with it.
    if (bytesGone(pack)) continue;
    const target = stateAtPin(pack);
    await moveBytes(sql, account, packBackMoves(pack));
    await sql.run(
      `UPDATE packs SET state = $3, changed_ms = $4,
         index_hash = CASE WHEN $5 THEN NULL ELSE index_hash END,
         index_object = CASE WHEN $5 THEN NULL ELSE index_object END
       WHERE vault = $1 AND name = $2`,
      vault,
      pack.name,
      target,
      nowMs,
      target === 'uploaded',
    );
  }
  await sql.run('DELETE FROM pack_spans WHERE vault = $1 AND from_seq > $2', vault, pinSeq);
  await sql.run('UPDATE pack_spans SET to_seq = NULL WHERE vault = $1 AND to_seq > $2', vault, pinSeq);
}
