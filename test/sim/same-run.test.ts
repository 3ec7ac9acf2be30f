import { describe, expect, it } from 'vitest';
import kept from './seeds.json' with { type: 'json' };
import { simulate, told } from './simulation.ts';

describe('a simulated world', () => {
  it.each([1, 2, 3, 4, 5])('is the same each time it is lived through (seed %i)', async (seed) => {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second).toEqual(first);
    expect(first.commits).toBeGreaterThan(1);
  });

  it('is another one for another seed', async () => {
    const [one, other] = [await simulate(6), await simulate(7)];
    expect(one.fingerprint).not.toBe(other.fingerprint);
  });

  it.each(kept.plain)('keeps the promises where they once broke (plain seed %i)', async (seed) => {
    const outcome = await simulate(seed, { plain: true, pace: 'prompt' });
    expect(outcome.broken, told(outcome)).toEqual([]);
  });

  it.each(kept.shaped)('keeps the promises where they once broke (seed %i of all shapes)', async (seed) => {
    const outcome = await simulate(seed, { pace: 'prompt' });
    expect(outcome.broken, told(outcome)).toEqual([]);
  });

  it.each(kept.any)(
    'keeps the promises where they once broke (seed %i, all work takes time)',
    async (seed) => {
      const outcome = await simulate(seed);
      expect(outcome.broken, told(outcome)).toEqual([]);
    },
  );

  it.each(kept.flushes)(
    'keeps the promises where they once broke (seed %i, flushes take time)',
    async (seed) => {
      const outcome = await simulate(seed, { pace: 'flushes' });
      expect(outcome.broken, told(outcome)).toEqual([]);
    },
  );
});
