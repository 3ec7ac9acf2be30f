import { expect, it } from 'vitest';
import { PairRun, type PairRunParts } from './pair-run.ts';
import { Signal } from './signal.ts';

/** A pair in which nothing happens but scans, which a hint or a person asks for. */
function restingPair(asleep: (run: PairRun, ms: number) => void) {
  const stop = new AbortController();
  const scans: boolean[] = [];
  const observer = { hasHints: false, hintEverything: () => undefined };
  const sync = {
    observer,
    paused: null,
    busy: false,
    isSettled: true,
    vault: { stopped: null, reaches: () => true, commits: { hasWork: false } },
    disk: { check: () => ({ state: 'ok' }) },
    rootWrites: { isRefused: false, look: () => undefined, lookAnew: () => undefined },
    pair: { nextRelease: () => null, unsettled: () => [], meta: () => null, setMeta: () => undefined },
    putBack: () => Promise.resolve(),
    retryDelayed: () => undefined,
    retryForRoom: () => undefined,
    turn: () => Promise.resolve(false),
    scan: (everything: boolean) => {
      scans.push(everything);
      observer.hasHints = false;
      return Promise.resolve({ outcome: 'done' });
    },
  };
  const wake = new Signal();
  const parts = {
    record: { config: { id: 'p', folder: '/', bound: '0'.repeat(32) } },
    sync,
    wake,
    stop,
    signal: stop.signal,
    watcher: { start: () => Promise.resolve(), close: () => Promise.resolve() },
    clock: {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sleep: (ms: number, signal: AbortSignal) => {
        asleep(run, ms);
        // What is waited for is asked for meanwhile; only a rest lasts.
        if (ms < 1000) return Promise.resolve();
        return new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        });
      },
    },
    scanIntervalMs: 3_600_000,
    issues: { clear: () => undefined },
    quota: { isFull: false, state: null },
    connection: { isOnline: true, hasCaughtUp: true },
    isPaused: () => false,
    rested: () => undefined,
    crashed: (error: unknown) => {
      throw error;
    },
  };
  const run: PairRun = new PairRun(parts as unknown as PairRunParts);
  return { run, scans, observer };
}

it('a whole scan that is asked for while a hint waits for the rest of a change is made', async () => {
  let isAsked = false;
  const { run, scans, observer } = restingPair((pair, ms) => {
    if (scans.length === 1 && ms < 1000 && observer.hasHints && !isAsked) {
      isAsked = true;
      pair.lookAnew();
    }
  });
  run.start(true);
  await expect.poll(() => scans).toEqual([true]);
  observer.hasHints = true;
  run.wake();
  await expect.poll(() => isAsked).toBe(true);
  await expect.poll(() => scans.length).toBe(2);
  expect(scans).toEqual([true, true]);
  await run.end();
});
