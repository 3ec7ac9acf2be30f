import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIB, MIB } from '../../protocol/limits.ts';
import { Chunker, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from './chunker.ts';

const chunker = new Chunker(new Uint8Array(32).fill(7));

/** Bytes like noise, the same for the same seed. */
function noise(size: number, seed: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

function ends(bytes: Uint8Array, by: Chunker = chunker): number[] {
  const found: number[] = [];
  for (let at = 0; at < bytes.length; found.push(at)) at = by.cut(bytes, at, bytes.length);
  return found;
}

/** The same through a window that is filled by reads of the given sizes, as a file is. */
function endsWhenRead(bytes: Uint8Array, reads: readonly number[]): number[] {
  const found: number[] = [];
  let start = 0;
  let filled = 0;
  for (let read = 0; start < bytes.length; read += 1) {
    filled = Math.min(bytes.length, filled + (reads[read % reads.length] ?? 1));
    const last = filled === bytes.length;
    while (filled - start >= (last ? 1 : MAX_CHUNK_BYTES)) {
      start = chunker.cut(bytes, start, filled);
      found.push(start);
    }
  }
  return found;
}

/** Chunks of `after` that are not chunks of `before`, in bytes. */
function changedBytes(before: Buffer, after: Buffer): number {
  const pieces = (bytes: Buffer) => {
    let from = 0;
    return ends(bytes).map((end) => bytes.subarray(from, (from = end)).toString('latin1'));
  };
  const known = new Set(pieces(before));
  return pieces(after).reduce((sum, piece) => sum + (known.has(piece) ? 0 : piece.length), 0);
}

describe('chunker', { timeout: 30_000 }, () => {
  it('makes one chunk of content up to the minimum', () => {
    expect(chunker.cut(noise(1, 1), 0, 1)).toBe(1);
    const least = noise(MIN_CHUNK_BYTES, 2);
    expect(chunker.cut(least, 0, least.length)).toBe(MIN_CHUNK_BYTES);
  });

  it('cuts where the frozen vector says', () => {
    expect(ends(noise(3 * MIB, 42))).toEqual(FROZEN);
  });

  it('keeps its bounds and an average of 256 KiB', () => {
    const bytes = noise(48 * MIB, 3);
    const found = ends(bytes);
    const sizes = found.map((end, index) => end - (found[index - 1] ?? 0));
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(MIN_CHUNK_BYTES);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
    const average = bytes.length / sizes.length;
    expect(average).toBeGreaterThan(215 * KIB);
    expect(average).toBeLessThan(300 * KIB);
  });

  it('cuts even content at the maximum', () => {
    expect(ends(Buffer.alloc(2.5 * MIB))).toEqual([MIB, 2 * MIB, 2.5 * MIB]);
  });

  it('finds the same boundaries whatever the sizes of the reads', () => {
    const bytes = noise(5 * MIB, 4);
    const expected = ends(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 * MIB }), { minLength: 1, maxLength: 8 }), (reads) => {
        fc.pre(Math.max(...reads) > 64 * KIB);
        expect(endsWhenRead(bytes, reads)).toEqual(expected);
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('changes few chunks on an insertion, a removal and an edit, wherever they are', () => {
    const bytes = noise(12 * MIB, 5);
    fc.assert(
      fc.property(
        fc.nat({ max: 11 * MIB }),
        fc.integer({ min: 1, max: 100 * KIB }),
        fc.nat({ max: 50 * KIB }),
        (at, removed, added) => {
          const edited = Buffer.concat([
            bytes.subarray(0, at),
            noise(added, at + 1),
            bytes.subarray(at + removed),
          ]);
          expect(changedBytes(bytes, edited)).toBeLessThan(4 * MIB);
        },
      ),
      { numRuns: 12, seed: 2 },
    );
  });

  it('cuts at other places under another key', () => {
    const bytes = noise(8 * MIB, 6);
    const other = new Chunker(new Uint8Array(32).fill(8));
    const shared = ends(bytes).filter((end) => end < bytes.length && ends(bytes, other).includes(end));
    expect(shared).toEqual([]);
  });

  it('cuts lists between entries', () => {
    const list = noise(36 * 60_000, 7);
    let at = 0;
    const cuts: number[] = [];
    while (at < list.length) {
      at = chunker.cutEntries(list, at, list.length, 36);
      cuts.push(at);
    }
    expect(cuts.length).toBeGreaterThan(2);
    expect(cuts.every((cut) => cut % 36 === 0)).toBe(true);
    expect(cuts.at(-1)).toBe(list.length);
  });
});

const FROZEN = [
  207141, 317077, 677445, 759976, 966285, 1433222, 1525189, 1624637, 1709532, 1812217, 2064612, 2132286,
  2218255, 2769795, 2997101, 3083005, 3145728,
];
