/** The seeds of `npm test`: 200 in two files, which run side by side. */
import { describe, expect, it } from 'vitest';
import { simulate, told } from './simulation.ts';

const LAST = 200;
/** Seeds in one test: few enough to see where it went wrong, many enough that a list of them can be read. */
const TOGETHER = 10;

export function itKeepsPromises(which: string, first: number): void {
  describe(`two devices in ${which} worlds`, () => {
    const seeds = Array.from({ length: LAST / 2 }, (_, index) => first + 2 * index);
    for (let from = 0; from < seeds.length; from += TOGETHER) {
      const some = seeds.slice(from, from + TOGETHER);
      it(`keep the promises in ${some.join(', ')}`, async () => {
        for (const seed of some) {
          const outcome = await simulate(seed);
          expect(outcome.broken, told(outcome)).toEqual([]);
        }
      });
    }
  });
}
