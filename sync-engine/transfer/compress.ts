/**
 * Compression of one chunk at a time, never across chunks: what a chunk's size tells, it tells of itself alone.
 * zstd through node:zlib where it has it; elsewhere chunks are stored as they are, and read by a bundled codec.
 */
import * as zlib from 'node:zlib';
import { decompress as decompressInJs } from 'fzstd';
import { METHOD_STORED, METHOD_ZSTD, type ChunkMethod } from '../crypto/pack-index.ts';

/**
 * Levels above 3 cost several times the processor time for one or two per cent; a small chunk, which is most of
 * what a folder of texts has, gains three to five per cent of its size at level 6 for half as much time again.
 */
const LEVEL = 3;
const SMALL_LEVEL = 6;
const SMALL_BYTES = 64 * 1024;
/** Shorter chunks save less than the call costs. */
const MIN_BYTES = 128;
/** Kept only when it saves at least a twentieth. */
const KEEP_RATIO = 0.95;

const SAMPLE_FROM_BYTES = 1024;
const SAMPLE_BLOCKS = 8;
const SAMPLE_BLOCK_BYTES = 512;

export interface ZstdCodec {
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws on bytes that are not a zstd frame of at most `length`. */
  decompress(bytes: Uint8Array, length: number): Uint8Array;
}

/** Null where node:zlib lacks zstd (before Node 22.15). */
export function nativeZstd(): ZstdCodec | null {
  // @types/node declares it; an older Node does not have it.
  if (typeof (zlib as Partial<typeof zlib>).zstdCompressSync !== 'function') return null;
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: LEVEL };
  const ofSmall = { [zlib.constants.ZSTD_c_compressionLevel]: SMALL_LEVEL };
  return {
    compress: (bytes) =>
      zlib.zstdCompressSync(bytes, {
        params: bytes.length <= SMALL_BYTES ? ofSmall : params,
        chunkSize: outputSize(bytes.length),
      }),
    decompress: (bytes, length) =>
      zlib.zstdDecompressSync(bytes, { maxOutputLength: length, chunkSize: outputSize(length) }),
  };
}

/** One output buffer that holds the whole result: growing it costs more than the codec does. */
function outputSize(length: number): number {
  return Math.max(64, length + (length >> 8) + 64);
}

const native = nativeZstd();

export interface StoredChunk {
  readonly method: ChunkMethod;
  readonly bytes: Uint8Array;
}

/** `bytes` may be the chunk itself. */
export function compressChunk(chunk: Uint8Array, codec: ZstdCodec | null = native): StoredChunk {
  if (codec === null || chunk.length < MIN_BYTES || looksRandom(chunk)) {
    return { method: METHOD_STORED, bytes: chunk };
  }
  const bytes = codec.compress(chunk);
  return bytes.length <= chunk.length * KEEP_RATIO
    ? { method: METHOD_ZSTD, bytes }
    : { method: METHOD_STORED, bytes: chunk };
}

/**
 * The chunk again, of exactly `length` bytes; null when it does not come out so. Output is bounded before a
 * byte of it is made.
 */
export function decompressChunk(
  method: number,
  stored: Uint8Array,
  length: number,
  codec: Pick<ZstdCodec, 'decompress'> = native ?? bundledZstd,
): Uint8Array | null {
  if (method === METHOD_STORED) return stored.length === length ? stored : null;
  if (method !== METHOD_ZSTD) return null;
  try {
    const chunk = codec.decompress(stored, length);
    return chunk.length === length ? chunk : null;
  } catch {
    return null; // each codec has its own errors, and all of them mean this
  }
}

/** The codec in JavaScript: slower, the same on every platform. */
export const bundledZstd: Pick<ZstdCodec, 'decompress'> = {
  decompress(bytes, length) {
    const declared = frameContentSize(bytes);
    // It grows its output by what the frame declares, so that is bounded first.
    if (declared === null || declared > length) throw new RangeError('a frame beyond its bound');
    return decompressInJs(bytes, new Uint8Array(length));
  },
};

/** The content size a zstd frame declares (RFC 8878, section 3.1.1.1); null when there is none to read. */
function frameContentSize(bytes: Uint8Array): number | null {
  if (bytes.length < 18) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0xfd2f_b528) return null;
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (singleSegment ? 0 : 1) + dictionary;
  switch (descriptor >> 6) {
    case 0:
      return singleSegment ? view.getUint8(at) : null;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

/** Whether bytes sampled across the chunk are as even as noise: compressed media, archives, ciphertext. */
function looksRandom(chunk: Uint8Array): boolean {
  if (chunk.length < SAMPLE_FROM_BYTES) return false;
  const counts = new Uint16Array(256);
  const isWhole = chunk.length <= SAMPLE_BLOCKS * SAMPLE_BLOCK_BYTES;
  const [blocks, blockBytes] = isWhole ? [1, chunk.length] : [SAMPLE_BLOCKS, SAMPLE_BLOCK_BYTES];
  const stride = Math.floor((chunk.length - blockBytes) / Math.max(1, blocks - 1));
  for (let block = 0; block < blocks; block += 1) {
    const start = block * stride;
    for (let at = start; at < start + blockBytes; at += 1) {
      const byte = chunk[at] ?? 0;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
  }
  // Pairs of equal bytes: n + n(n-1)/256 for noise, more for anything a coder can gain from.
  const samples = blocks * blockBytes;
  let pairs = 0;
  for (const count of counts) pairs += count * count;
  return pairs < 1.06 * (samples + (samples * (samples - 1)) / 256);
}
