import { describe, expect, it } from 'vitest';
import { quantile, rankSum } from './statistics.ts';

describe('quantile', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2],
    [[1, 2, 3, 4], 0.99, 4],
    [[1, 2, 3, 4], 0, 1],
    [[7], 0.99, 7],
  ])('of %j at %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });

  it('of a hundred values at 0.99 is the last but one', () => {
    expect(
      quantile(
        Array.from({ length: 100 }, (_, index) => 100 - index),
        0.99,
      ),
    ).toBe(99);
  });

  it('of none is no number, and sorts nobody’s list', () => {
    expect(quantile([], 0.5)).toBeNaN();
    const given = [2, 1];
    quantile(given, 0.5);
    expect(given).toEqual([2, 1]);
  });
});

describe('rankSum', () => {
  const line = (count: number, from: number): number[] => Array.from({ length: count }, (_, i) => from + i);

  it('tells sets apart that do not overlap, whichever comes first', () => {
    expect(rankSum(line(30, 100), line(30, 0))).toMatchObject({ above: 1 });
    expect(rankSum(line(30, 0), line(30, 100))).toMatchObject({ above: 0 });
    expect(rankSum(line(30, 100), line(30, 0)).p).toBeLessThan(1e-6);
  });

  it('finds no difference between a set and itself, or where all are equal', () => {
    expect(rankSum(line(40, 0), line(40, 0))).toEqual({ above: 0.5, p: expect.closeTo(1, 5) as number });
    expect(rankSum([1, 1, 1], [1, 1])).toEqual({ above: 0.5, p: expect.closeTo(1, 5) as number });
  });

  it('agrees with a table: 20 and 20 shifted by 6 of 20', () => {
    // U = 14 * 14 / 2 + ties; by hand: the second set is above in 301, below in 85, equal in 14 pairs.
    const { above, p } = rankSum(line(20, 0), line(20, 6));
    expect(above).toBeCloseTo((91 + 14 / 2) / 400, 6);
    expect(p).toBeGreaterThan(0.004);
    expect(p).toBeLessThan(0.008);
  });
});
