/** Opening what was fetched. Nothing leaves here that is not, byte for byte, the chunk its id names. */
import type { ChunkId } from '../../protocol/ids.ts';
import { openSegment } from '../crypto/segment.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { decompressChunk } from './compress.ts';
import type { ChunkLocation } from './sealing-jobs.ts';

/** The plaintext of a segment; null when it does not open under the key of that epoch. */
export function openSealedSegment(keys: VaultKeys, epoch: number, sealed: Uint8Array): Uint8Array | null {
  const opened = openSegment(keys, epoch, sealed);
  return opened.ok ? opened.plaintext : null;
}

/** One chunk of an opened segment, its id computed again; null when it is not that chunk. May be a view. */
export function chunkOf(
  keys: VaultKeys,
  segment: Uint8Array,
  id: ChunkId,
  location: ChunkLocation,
): Uint8Array | null {
  const end = location.offset + location.storedLength;
  if (end > segment.length) return null;
  const chunk = decompressChunk(location.method, segment.subarray(location.offset, end), location.length);
  return chunk !== null && keys.chunkId(chunk) === id ? chunk : null;
}
