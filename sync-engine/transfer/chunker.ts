/**
 * Content-defined chunking: where a chunk ends depends on the bytes around it and on the vault's key, so an
 * insertion moves the boundaries near it and no others. A gear hash (Xia et al., "Ddelta", 2014) with a secret
 * table. The numbers are for life, since they decide what deduplicates. Bytes: docs/format.md, "Chunker".
 */
import { hkdf } from '../crypto/hmac.ts';
import { KIB, MIB } from '../../protocol/limits.ts';
import { findBoundary } from './gear-scan.ts';

/** Content of at most this size is one chunk; no boundary is looked for within it. */
export const MIN_CHUNK_BYTES = 64 * KIB;
export const MAX_CHUNK_BYTES = 1 * MIB;
/** Bytes beyond the minimum before a boundary is met, on average: chunks of other than tiny files average 256 KiB. */
const MEAN_GAP_BYTES = 192 * KIB;
/** Signed, so that the comparison in the loop is of machine integers: true for one hash in MEAN_GAP_BYTES. */
const BOUNDARY_BELOW = -0x8000_0000 + Math.floor(0x1_0000_0000 / MEAN_GAP_BYTES);
const TABLE_INFO = 'coffre/gear\0';

export class Chunker {
  readonly #table = new Int32Array(256);

  /** @param key K_cdc, 32 bytes */
  constructor(key: Uint8Array) {
    const bytes = hkdf(key, new Uint8Array(0), TABLE_INFO, 4 * 256);
    for (let index = 0; index < 256; index += 1) this.#table[index] = bytes.readInt32BE(index * 4);
  }

  /**
   * Where the chunk that begins at `start` ends. The caller gives either all that is left of the content or at
   * least MAX_CHUNK_BYTES of it, so the answer does not depend on how the content was read.
   */
  cut(bytes: Uint8Array, start: number, end: number): number {
    if (end - start <= MIN_CHUNK_BYTES) return end;
    const stop = Math.min(end, start + MAX_CHUNK_BYTES);
    return findBoundary(bytes, start + MIN_CHUNK_BYTES, stop, this.#table, BOUNDARY_BELOW);
  }

  /** The same for content that is entries of `unit` bytes: the boundary moves back to where its entry begins. */
  cutEntries(bytes: Uint8Array, start: number, end: number, unit: number): number {
    const cut = this.cut(bytes, start, end);
    return cut - ((cut - start) % unit);
  }
}
