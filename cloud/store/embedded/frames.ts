import { blob } from '../columns.ts';
import { assembleFrame, type FrameColumns, type StoredFrame } from '../frame-parts.ts';
import type { Database } from './database.ts';

/** Null when the vault has no such commit or its lists are no longer kept. */
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
  return assembleFrame(
    row,
    (entry) =>
      database.get<{ object: Buffer | null }>(
        'SELECT object FROM records WHERE vault = ? AND node = ? AND revision = ?',
        vault,
        blob(entry.node),
        entry.revision,
      )?.object ?? null,
    (pack) =>
      database.get<{ index_object: Buffer | null }>(
        'SELECT index_object FROM packs WHERE vault = ? AND name = ? AND index_hash = ?',
        vault,
        blob(pack.name),
        blob(pack.indexHash),
      )?.index_object ?? null,
  );
}
