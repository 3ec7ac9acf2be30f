/**
 * A pack's index: where its segments lie, of which epoch each is, and which chunks each holds. Sealed under
 * K_meta, bound to the pack's name, and kept in the log beside the records. Bytes: docs/format.md, "Pack index".
 */
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import { fromHex, type ChunkId, type PackName, type SealedObject } from '../../protocol/ids.ts';
import { MAX_INDEX_BYTES, MAX_PACK_BYTES } from '../../protocol/limits.ts';
import {
  OBJECT_OVERHEAD_BYTES,
  openObject,
  SEGMENT_OVERHEAD_BYTES,
  sealedEpoch,
  sealObject,
  type ObjectFault,
} from './object.ts';
import { endPadded, paddedPackSize, padPlaintext } from './padding.ts';
import type { Random } from './random.ts';
import type { VaultKeys } from './vault-keys.ts';

const VERSION = 1;
const MIN_INDEX_BYTES = 512;
/** How a chunk lies in its segment: as it is, or compressed on its own. The byte of the format. */
export const METHOD_STORED = 0;
export const METHOD_ZSTD = 1;
export type ChunkMethod = typeof METHOD_STORED | typeof METHOD_ZSTD;

export interface IndexSegment {
  /** Where it begins in the pack, and its sealed size, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Segments are copied between packs without re-sealing, so a pack may hold several epochs. */
  readonly epoch: number;
}

export interface IndexChunk {
  readonly id: ChunkId;
  /** Ordinal of its segment. */
  readonly segment: number;
  readonly method: ChunkMethod;
  /** Where it begins in the segment's plaintext, and how many bytes it takes there. */
  readonly offset: number;
  readonly storedLength: number;
  /** Its own size once decompressed: bounds the output before a byte of it is made. */
  readonly length: number;
}

export interface PackIndex {
  /** In the order of the pack, without overlap. */
  readonly segments: readonly IndexSegment[];
  /** By segment, then offset, without overlap; an id once. */
  readonly chunks: readonly IndexChunk[];
}

/** @throws RangeError on an index that does not describe a pack */
export function encodePackIndex(index: PackIndex): Uint8Array {
  const chunks = [...index.chunks].sort(
    (left, right) => left.segment - right.segment || left.offset - right.offset,
  );
  const writer = new ByteWriter(64 + chunks.length * 44).u8(VERSION).varint(index.segments.length);
  let next = 0;
  let end = 0;
  for (const [ordinal, segment] of index.segments.entries()) {
    writer
      .varint(segment.offset - end)
      .varint(segment.length)
      .varint(segment.epoch);
    end = segment.offset + segment.length;
    const first = next;
    while (chunks[next]?.segment === ordinal) next += 1;
    writer.varint(next - first);
    let chunkEnd = 0;
    for (const chunk of chunks.slice(first, next)) {
      writer.hex(chunk.id, 32).u8(chunk.method);
      writer.varint(chunk.offset - chunkEnd).varint(chunk.storedLength);
      chunkEnd = chunk.offset + chunk.storedLength;
      if (chunk.method === METHOD_STORED) {
        if (chunk.length !== chunk.storedLength) throw new RangeError('a stored chunk has one length');
      } else {
        writer.varint(chunk.length);
      }
    }
  }
  if (next !== chunks.length) throw new RangeError('a chunk of no segment');
  const bytes = writer.finish();
  try {
    decodePackIndex(bytes); // one set of rules for both directions
  } catch (error) {
    if (error instanceof MalformedError)
      throw new RangeError(`not a pack index: ${error.message}`, { cause: error });
    throw error;
  }
  return bytes;
}

/** Decodes an index followed by padding. @throws MalformedError */
export function decodePackIndex(bytes: Uint8Array): PackIndex {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new MalformedError('a pack index of an unknown version');
  const segments: IndexSegment[] = [];
  const chunks: IndexChunk[] = [];
  const seen = new Set<string>();
  const segmentCount = reader.count(4);
  let end = 0;
  for (let ordinal = 0; ordinal < segmentCount; ordinal += 1) {
    const offset = end + reader.varint();
    const length = reader.varint();
    const epoch = reader.varint();
    end = offset + length;
    if (length <= SEGMENT_OVERHEAD_BYTES) throw new MalformedError('a segment without content');
    if (end > MAX_PACK_BYTES) throw new MalformedError('a segment beyond the pack');
    if (epoch > 0xffff_ffff) throw new MalformedError('an epoch beyond 32 bits');
    segments.push({ offset, length, epoch });
    const plaintextLength = length - SEGMENT_OVERHEAD_BYTES;
    const chunkCount = reader.count(35);
    if (chunkCount === 0) throw new MalformedError('a segment without chunks');
    let chunkEnd = 0;
    for (let index = 0; index < chunkCount; index += 1) {
      const chunk = readChunk(reader, ordinal, chunkEnd);
      chunkEnd = chunk.offset + chunk.storedLength;
      if (chunkEnd > plaintextLength) throw new MalformedError('a chunk beyond its segment');
      if (seen.has(chunk.id)) throw new MalformedError('a chunk twice in one pack');
      seen.add(chunk.id);
      chunks.push(chunk);
    }
  }
  endPadded(reader);
  return { segments, chunks };
}

function readChunk(reader: ByteReader, segment: number, from: number): IndexChunk {
  const id = reader.hex(32) as ChunkId;
  const method = reader.u8();
  if (method !== METHOD_STORED && method !== METHOD_ZSTD)
    throw new MalformedError('a chunk of an unknown method');
  const offset = from + reader.varint();
  const storedLength = reader.varint();
  const length = method === METHOD_STORED ? storedLength : reader.varint();
  if (storedLength === 0 || length === 0) throw new MalformedError('a chunk without content');
  if (length > MAX_PACK_BYTES) throw new MalformedError('a chunk larger than a pack');
  return { id, segment, method, offset, storedLength, length };
}

/** The size of the pack it describes, in bytes, the padding with it. */
export function packSizeOf({ segments }: PackIndex): number {
  const last = segments.at(-1);
  return paddedPackSize(last === undefined ? 0 : last.offset + last.length);
}

/** @throws RangeError on an index that describes no pack or is beyond its size limit */
export function sealPackIndex(
  keys: VaultKeys,
  epoch: number,
  pack: PackName,
  index: PackIndex,
  random: Random,
): SealedObject {
  const sealed = sealObject({
    key: keys.metaKey(epoch),
    type: 'index',
    epoch,
    vault: keys.vault,
    extra: fromHex(pack),
    plaintext: padPlaintext(encodePackIndex(index), OBJECT_OVERHEAD_BYTES, MIN_INDEX_BYTES),
    random,
  });
  if (sealed.length > MAX_INDEX_BYTES) throw new RangeError('a pack index beyond its size limit');
  return sealed;
}

export type OpenedPackIndex =
  | { readonly ok: true; readonly index: PackIndex; readonly epoch: number }
  | { readonly ok: false; readonly fault: ObjectFault | 'bad-index' };

/** Opens under the key of the epoch the object names; `wrong-epoch` when the keyring lacks it. */
export function openPackIndex(keys: VaultKeys, pack: PackName, sealed: Uint8Array): OpenedPackIndex {
  const epoch = sealedEpoch(sealed);
  if (epoch === null || sealed.length > MAX_INDEX_BYTES) return { ok: false, fault: 'malformed' };
  if (!keys.has(epoch)) return { ok: false, fault: 'wrong-epoch' };
  const opened = openObject({
    key: keys.metaKey(epoch),
    type: 'index',
    epoch,
    vault: keys.vault,
    extra: fromHex(pack),
    sealed,
  });
  if (!opened.ok) return opened;
  try {
    return { ok: true, index: decodePackIndex(opened.plaintext), epoch };
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'bad-index' };
    throw error;
  }
}
