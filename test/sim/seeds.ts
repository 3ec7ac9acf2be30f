/** The seeds of `npm test`: 760 plain worlds and 240 of all shapes, in two files that run side by side. */
import { describe, expect, it } from 'vitest';
import { simulate, told } from './simulation.ts';

const LAST = 760;
const LAST_SHAPED = 240;
/** Seeds in one test: few enough to see where it went wrong, many enough that a list of them can be read. */
const TOGETHER = 10;

export function itKeepsPromises(which: string, first: number): void {
  for (const [plain, last] of [
    [true, LAST],
    [false, LAST_SHAPED],
  ] as const) {
    keep(`${plain ? 'two devices' : 'devices of all kinds'} in ${which} worlds`, plain, first, last);
  }
}

function keep(title: string, plain: boolean, first: number, last: number): void {
  describe(title, () => {
    const seeds = Array.from({ length: last / 2 }, (_, index) => first + 2 * index);
    for (let from = 0; from < seeds.length; from += TOGETHER) {
      const some = seeds.slice(from, from + TOGETHER);
      it(`keep the promises in ${some.join(', ')}`, async () => {
        for (const seed of some) {
          const outcome = await simulate(seed, { plain });
          expect(outcome.broken, told(outcome)).toEqual([]);
        }
      });
    }
  });
}
