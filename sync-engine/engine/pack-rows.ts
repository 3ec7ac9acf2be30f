/** Between the forms a pack takes: row of the manifest, entry of a commit, opened index. */
import type { PackEntry } from '../../protocol/commit.ts';
import type { PackName, SealedObject } from '../../protocol/ids.ts';
import type { PackIndex } from '../crypto/pack-index.ts';
import type { ChunkRow, PackRow } from '../manifest/manifest.ts';

export function entryOf(row: PackRow): PackEntry {
  return { name: row.name, size: row.size, indexHash: row.indexHash };
}

export function requireIndex(row: PackRow): SealedObject {
  if (row.index === null) throw new Error('a pack to add has its sealed index');
  return row.index as SealedObject;
}

/** The chunk rows an opened index describes. */
export function chunkRows(pack: PackName, index: PackIndex): ChunkRow[] {
  const rows: ChunkRow[] = [];
  for (const chunk of index.chunks) {
    const segment = index.segments[chunk.segment];
    if (segment === undefined) continue;
    rows.push({
      id: chunk.id,
      pack,
      epoch: segment.epoch,
      segmentOffset: segment.offset,
      segmentLength: segment.length,
      method: chunk.method,
      offset: chunk.offset,
      storedLength: chunk.storedLength,
      length: chunk.length,
    });
  }
  return rows;
}
