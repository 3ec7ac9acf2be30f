/** Puts stored parts back together as the frame that arrived, less what is no longer kept and inline packs. */
import { ByteWriter } from '../../../protocol/bytes.ts';
import { decodeEntries, decodePacks } from '../../../protocol/commit.ts';
import { blob, type Database } from './database.ts';

export interface StoredFrame {
  readonly hash: Buffer;
  readonly receivedAtMs: number;
  readonly frame: Uint8Array;
}

interface FrameColumns {
  hash: Buffer;
  received_ms: number;
  header: Buffer;
  signature: Buffer;
  entries: Buffer;
  packs: Buffer;
  heads: Buffer;
  rejoin: Buffer;
  opening: Buffer | null;
  wraps: Buffer | null;
}

const NOTHING = new Uint8Array(0);

/** Null when the vault has no such commit or its lists are no longer kept. Layout: `encodeFrame`. */
export function readFrame(database: Database, vault: number, seq: number): StoredFrame | null {
  const row = database.get<FrameColumns>(
    `SELECT c.hash, c.received_ms, c.header, c.signature, l.entries, l.packs, l.heads, l.rejoin, e.opening, e.wraps
     FROM commits c JOIN commit_lists l ON l.vault = c.vault AND l.seq = c.seq
     LEFT JOIN epochs e ON e.vault = c.vault AND e.seq = c.seq
     WHERE c.vault = ? AND c.seq = ?`,
    vault,
    seq,
  );
  if (row === null) return null;
  const writer = new ByteWriter(16 * 1024)
    .raw(row.header)
    .raw(row.signature)
    .blob(row.entries)
    .blob(row.packs)
    .blob(row.heads)
    .blob(row.opening ?? NOTHING)
    .blob(row.rejoin);
  for (const entry of decodeEntries(row.entries)) {
    const record = database.get<{ object: Buffer | null }>(
      'SELECT object FROM records WHERE vault = ? AND node = ? AND revision = ?',
      vault,
      blob(entry.node),
      entry.revision,
    );
    writer.blob(record?.object ?? NOTHING);
  }
  for (const pack of decodePacks(row.packs).added) {
    const index = database.get<{ index_object: Buffer | null }>(
      'SELECT index_object FROM packs WHERE vault = ? AND name = ? AND index_hash = ?',
      vault,
      blob(pack.name),
      blob(pack.indexHash),
    );
    writer.blob(index?.index_object ?? NOTHING);
  }
  const frame = writer
    .varint(0)
    .blob(row.wraps ?? NOTHING)
    .finish();
  return { hash: row.hash, receivedAtMs: row.received_ms, frame };
}
