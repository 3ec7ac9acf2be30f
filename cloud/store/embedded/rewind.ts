/**
 * A `void` entry takes a vault back to an older head. The commits after it leave the log but are kept whole
 * for the retention time; records and packs stand as they did at the pin, and packs first added after it
 * count as uploaded again, so that each device can propose its own later changes without sending bytes.
 */
import type { HeadPin } from '../../../protocol/device-chain.ts';
import { decodeHeader } from '../../../protocol/commit.ts';
import { readFrame } from './frames.ts';
import {
  bytesGone,
  packBackMoves,
  recordBackMoves,
  stateAtPin,
  type TouchedPack,
} from '../../log/judge-rewind.ts';
import { blob, hex } from '../columns.ts';
import type { Database } from './database.ts';
import { moveBytes } from './usage.ts';
import type { VaultId } from '../../../protocol/ids.ts';

interface VaultColumns {
  key: number;
  head_seq: number;
  floor_seq: number;
}

type PackColumns = TouchedPack & { readonly key: number };

/** Inside the caller's transaction. `stale`: the pin is no commit of the log. `gone`: no longer retained. */
export function rewindVault(
  database: Database,
  account: Uint8Array,
  pin: HeadPin,
  entryIndex: number,
  nowMs: number,
): 'rewound' | 'stale' | 'gone' {
  const vault = database.get<VaultColumns>(
    'SELECT key, head_seq, floor_seq FROM vaults WHERE account = ? AND vault = ?',
    account,
    blob(pin.vault),
  );
  if (vault === null) return 'gone';
  const pinned = database.get<{ hash: Buffer; header: Buffer }>(
    'SELECT hash, header FROM commits WHERE vault = ? AND seq = ?',
    vault.key,
    pin.seq,
  );
  if (pinned === null || hex(pinned.hash) !== pin.hash) return 'stale';
  if (pin.seq < vault.floor_seq) return 'gone';

  const packs = touchedPacks(database, vault.key, pin.seq);
  if (packs.some((pack) => stateAtPin(pack) === 'live' && bytesGone(pack))) return 'gone';

  keepVoided(database, vault, pin.seq, nowMs);
  rewindRecords(database, account, vault.key, pin.seq);
  rewindPacks(database, account, vault.key, pin.seq, packs, nowMs);
  for (const table of ['commits', 'commit_lists', 'epochs']) {
    database.run(`DELETE FROM ${table} WHERE vault = ? AND seq > ?`, vault.key, pin.seq);
  }
  const epoch = database.get<{ epoch: number; chain_length: number }>(
    'SELECT epoch, chain_length FROM epochs WHERE vault = ? ORDER BY epoch DESC LIMIT 1',
    vault.key,
  );
  if (epoch === null) throw new Error('a vault without an epoch');
  database.run(
    `UPDATE vaults SET head_seq = ?, head_hash = ?, epoch = ?, chain_length = ?, epoch_chain_length = ?, required_chain = ?
     WHERE key = ?`,
    pin.seq,
    pinned.hash,
    epoch.epoch,
    decodeHeader(pinned.header).chainLength,
    epoch.chain_length,
    entryIndex + 1,
    vault.key,
  );
  return 'rewound';
}

/** Whether the log has not come as far as the pin: nothing is there to be taken back. */
export function isBehind(database: Database, account: Uint8Array, pin: HeadPin): boolean {
  const vault = database.get<{ head_seq: number }>(
    'SELECT head_seq FROM vaults WHERE account = ? AND vault = ?',
    account,
    blob(pin.vault),
  );
  return vault === null || vault.head_seq < pin.seq;
}

/** What is committed from now on has to name the entry. */
export function requireEntry(
  database: Database,
  account: Uint8Array,
  vault: VaultId,
  entryIndex: number,
): 'rewound' {
  database.run(
    'UPDATE vaults SET required_chain = ? WHERE account = ? AND vault = ?',
    entryIndex + 1,
    account,
    blob(vault),
  );
  return 'rewound';
}

function keepVoided(database: Database, vault: VaultColumns, pinSeq: number, nowMs: number): void {
  for (let seq = pinSeq + 1; seq <= vault.head_seq; seq += 1) {
    const commit = readFrame(database, vault.key, seq);
    if (commit === null) continue;
    database.run(
      'INSERT INTO voided_commits (vault, seq, hash, voided_ms, frame) VALUES (?, ?, ?, ?, ?)',
      vault.key,
      seq,
      commit.hash,
      nowMs,
      commit.frame,
    );
  }
}

function rewindRecords(database: Database, account: Uint8Array, vault: number, pinSeq: number): void {
  const sum = (where: string): number =>
    database.get<{ bytes: number }>(
      `SELECT coalesce(sum(length(object)), 0) AS bytes FROM records WHERE vault = ?1 AND ${where}`,
      vault,
      pinSeq,
    )?.bytes ?? 0;
  const liveGone = sum('from_seq > ?2 AND to_seq IS NULL');
  const retainedGone = sum('from_seq > ?2 AND to_seq IS NOT NULL');
  const back = sum('from_seq <= ?2 AND to_seq > ?2');
  database.run('DELETE FROM records WHERE vault = ? AND from_seq > ?', vault, pinSeq);
  database.run(
    'UPDATE records SET to_seq = NULL, to_ms = NULL WHERE vault = ? AND to_seq > ?',
    vault,
    pinSeq,
  );
  moveBytes(database, account, recordBackMoves({ liveGone, retainedGone, back }));
}

function touchedPacks(database: Database, vault: number, pinSeq: number): PackColumns[] {
  return database.all<PackColumns>(
    `SELECT p.key, p.size, p.state, coalesce(length(p.index_object), 0) AS index_bytes,
       (SELECT max(from_seq) FROM pack_spans s WHERE s.pack = p.key AND s.from_seq <= ?2) AS starts,
       (SELECT max(to_seq) FROM pack_spans s WHERE s.pack = p.key AND s.to_seq <= ?2) AS ends
     FROM packs p WHERE p.key IN (
       SELECT pack FROM pack_spans WHERE vault = ?1 AND from_seq > ?2
       UNION SELECT pack FROM pack_spans WHERE vault = ?1 AND to_seq > ?2)`,
    vault,
    pinSeq,
  );
}

function rewindPacks(
  database: Database,
  account: Uint8Array,
  vault: number,
  pinSeq: number,
  packs: readonly PackColumns[],
  nowMs: number,
): void {
  for (const pack of packs) {
    // What the reaper has stays with it.
    if (bytesGone(pack)) continue;
    const target = stateAtPin(pack);
    moveBytes(database, account, packBackMoves(pack));
    if (target === 'uploaded') {
      database.run('UPDATE packs SET index_hash = NULL, index_object = NULL WHERE key = ?', pack.key);
    }
    database.run('UPDATE packs SET state = ?, changed_ms = ? WHERE key = ?', target, nowMs, pack.key);
  }
  database.run('DELETE FROM pack_spans WHERE vault = ? AND from_seq > ?', vault, pinSeq);
  database.run('UPDATE pack_spans SET to_seq = NULL WHERE vault = ? AND to_seq > ?', vault, pinSeq);
}
