/**
 * The seeds of `npm test`: 760 plain worlds and 240 of all shapes, in two files that run side by side. The worlds
 * are lived through in a process of their own, for the test runner makes them half as fast.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

const LAST = 760;
const LAST_SHAPED = 240;
/** Worlds of one process: few enough to see where it went wrong, many enough that its start is no matter. */
const TOGETHER = 60;

export function itKeepsPromises(which: string, first: number): void {
  for (const [plain, last] of [
    [true, LAST],
    [false, LAST_SHAPED],
  ] as const) {
    keep(`${plain ? 'two devices' : 'devices of all kinds'} in ${which} worlds`, plain, first, last / 2);
  }
}

function keep(title: string, plain: boolean, first: number, count: number): void {
  describe(title, () => {
    for (let done = 0; done < count; done += TOGETHER) {
      const from = first + 2 * done;
      const seeds = Math.min(TOGETHER, count - done);
      it(`keep the promises in ${seeds} from ${from} on`, async () => {
        const { code, told } = await live(seeds, from, plain);
        expect(code, told).toBe(0);
        expect(told).toContain(`${seeds} seeds in `);
      });
    }
  });
}

async function live(seeds: number, from: number, plain: boolean): Promise<{ code: unknown; told: string }> {
  const options = [
    '--seeds',
    String(seeds),
    '--from',
    String(from),
    '--step',
    '2',
    ...(plain ? ['--plain'] : []),
  ];
  const child = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), ...options], {
    // What ends it for another reason than a broken promise says so there.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [told, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { code, told };
}
