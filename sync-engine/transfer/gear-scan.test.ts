import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBoundary, WINDOW_BYTES } from './gear-scan.ts';

const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16, 5), Buffer.alloc(16)).update(
  Buffer.alloc(400_000),
);

function tableOf(seed: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, index) => noise.readInt32BE(seed * 1024 + index * 4));
}

/** The definition in docs/format.md, a byte at a time. */
function slowly(bytes: Uint8Array, from: number, to: number, table: Int32Array, below: number): number {
  let hash = 0;
  for (let at = from - WINDOW_BYTES; at < to; at += 1) {
    hash = (Math.imul(hash, 2) + (table[bytes[at] ?? 0] ?? 0)) | 0;
    if (at >= from && hash < below) return at + 1;
  }
  return to;
}

describe('the scan for boundaries', () => {
  it('finds what the definition finds, wherever it begins and ends and however seldom boundaries are', () => {
    const below = fc.constantFrom(-0x7fff_0000, -0x7ff0_0000, -0x8000_0000 + 20_000, -0x8000_0000);
    const from = fc.integer({ min: WINDOW_BYTES, max: 100_000 });
    const length = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 200_000 }));
    fc.assert(
      fc.property(below, from, length, fc.constantFrom(1, 2), (boundary, start, size, seed) => {
        const table = tableOf(seed);
        const to = start + size;
        expect(findBoundary(noise, start, to, table, boundary)).toBe(
          slowly(noise, start, to, table, boundary),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('keeps two tables apart that take turns', () => {
    const [one, other] = [tableOf(1), tableOf(2)];
    const below = -0x7ff0_0000;
    for (let from = 1000; from < 200_000; from += 9973) {
      for (const table of [one, other]) {
        expect(findBoundary(noise, from, 300_000, table, below)).toBe(
          slowly(noise, from, 300_000, table, below),
        );
      }
    }
  });
});
