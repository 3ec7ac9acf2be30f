import { describe, expect, it } from 'vitest';
import type { ChunkId, PackName } from '../../protocol/ids.ts';
import { KIB, MAX_PACK_BYTES, MIB, RANGE_ALIGNMENT } from '../../protocol/limits.ts';
import { MAX_RANGE_BYTES, planRanges } from './range-plan.ts';
import type { LocatedChunk } from './sealing-jobs.ts';

let last = 0;
function chunk(pack: string, segmentOffset: number, segmentLength: number, offset = 0): LocatedChunk {
  last += 1;
  return {
    id: String(last) as ChunkId,
    pack: pack as PackName,
    epoch: 0,
    segmentOffset,
    segmentLength,
    method: 0,
    offset,
    storedLength: 1,
    length: 1,
  };
}
const shape = (chunks: readonly LocatedChunk[]) =>
  planRanges(chunks).map(({ pack, start, end, segments }) => [pack, start, end, segments.length]);

describe('range plan', () => {
  it('reads a segment once for all its chunks', () => {
    const chunks = [chunk('a', 10, 100), chunk('a', 10, 100, 5), chunk('a', 10, 100, 9)];
    const [range, ...rest] = planRanges(chunks);
    expect(rest).toEqual([]);
    expect(range!.segments).toEqual([{ offset: 10, length: 100, epoch: 0, chunks }]);
    expect([range!.start, range!.end]).toEqual([0, RANGE_ALIGNMENT]);
  });

  it('merges what is near, not what is far, in the order of the pack', () => {
    const far = 2 * MIB + 1;
    expect(shape([chunk('a', far, 10), chunk('a', 300 * KIB, 10), chunk('a', 5, 10)])).toEqual([
      ['a', 0, 320 * KIB, 2],
      ['a', 2 * MIB, 2 * MIB + RANGE_ALIGNMENT, 1],
    ]);
  });

  it('keeps packs in the order they are met', () => {
    expect(shape([chunk('b', 0, 10), chunk('a', 0, 10), chunk('b', 20, 10)])).toEqual([
      ['b', 0, RANGE_ALIGNMENT, 2],
      ['a', 0, RANGE_ALIGNMENT, 1],
    ]);
  });

  it('bounds a read, and covers every segment whole', () => {
    const chunks: LocatedChunk[] = [];
    for (let at = 0; at + 250_000 <= MAX_PACK_BYTES; at += 250_000) chunks.push(chunk('a', at, 250_000));
    const ranges = planRanges(chunks);
    expect(ranges.length).toBeGreaterThan(3);
    for (const { start, end, segments } of ranges) {
      expect(end - start).toBeLessThanOrEqual(MAX_RANGE_BYTES);
      expect(end).toBeLessThanOrEqual(MAX_PACK_BYTES);
      for (const { offset, length } of segments) {
        expect(offset).toBeGreaterThanOrEqual(start);
        expect(offset + length).toBeLessThanOrEqual(end);
      }
    }
    expect(ranges.reduce((sum, { segments }) => sum + segments.length, 0)).toBe(chunks.length);
  });

  it('reads a segment larger than a read whole', () => {
    expect(shape([chunk('a', 0, 9 * MIB)])).toEqual([['a', 0, 9 * MIB, 1]]);
  });
});
