/**
 * kill -9 at every durable step of the engine and of the server, each by its name: the program is started again, and
 * everybody ends in sync with nothing lost and nothing left over.
 * `COFFRE_FAULT_POINTS=all npm test -- --only faults points` kills before and after each step, `=each` once at each,
 * `=setAttributes` at those alone that have it in their names; without it at each third.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BeginningLane, WorkLane } from './points/lane.ts';
import {
  BY_THE_WAY,
  IS_PART,
  LOGIN,
  RECOVERY,
  SERVER_BEGINNING,
  SERVER_WORK,
  START,
  WORK,
  type NamedPoint,
} from './points/names.ts';
import { Steps } from './points/steps.ts';

const LIVES: Readonly<Record<string, readonly NamedPoint[]>> = {
  'an engine at its work': WORK,
  'an engine that starts': START,
  'an engine that recovers': RECOVERY,
  'an engine that logs in': LOGIN,
  'a server at its work': SERVER_WORK,
  'a server at its beginning': SERVER_BEGINNING,
};
const ALL = Object.values(LIVES).flat();

describe('killed at a step by name', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'coffre-steps-'));
  const steps = ['server 1', 'engine 1', 'server 2', 'engine 2', 'engine 3'].map(
    (name) => new Steps(path.join(place, name)),
  ) as [Steps, Steps, Steps, Steps, Steps];
  const results = new Map<string, string | null>();

  async function inLane<L extends { results: typeof results; end(): Promise<void> }>(
    begin: Promise<L>,
    live: (lane: L) => Promise<void>,
  ): Promise<void> {
    const lane = await begin;
    try {
      await live(lane);
    } finally {
      await lane.end();
      for (const [point, wrong] of lane.results) results.set(point, wrong);
    }
  }

  // Two at a time, which for the most part wait for the start of a program.
  beforeAll(async () => {
    const [server1, engine1, server2, engine2, engine3] = steps;
    const work = inLane(WorkLane.begin(server1, engine1), async (lane) => {
      await lane.engineAtWork(WORK);
      await lane.serverAtWork(SERVER_WORK);
    });
    const others = (async () => {
      await inLane(WorkLane.begin(server2, engine2), async (lane) => {
        await lane.engineAtStart(START);
        await lane.engineAtRecovery(RECOVERY);
      });
      await inLane(BeginningLane.begin(server2, engine3), async (lane) => {
        await lane.engineAtLogin(LOGIN);
        await lane.serverAtBeginning(SERVER_BEGINNING);
      });
    })();
    await Promise.all([work, others]);
  }, 1_800_000);
  afterAll(() => {
    rmSync(place, { recursive: true, force: true });
  });

  describe.each(Object.entries(LIVES))('%s', (_, points) => {
    it.each(points.map(({ side, name }) => `${side} ${name}`))('%s', (point) => {
      expect(results.get(point) ?? null).toBe(null);
      expect(results.has(point)).toBe(true);
    });
  });

  // Runs with `each` or `all`: a part of the steps does not meet all files.
  it.skipIf(IS_PART)('no file of a program changes anything for good without a step here', () => {
    const fileOf = (name: string): string => name.split(/[ :]/)[0] ?? '';
    const named = new Set([...ALL.map(({ name }) => fileOf(name)), ...BY_THE_WAY]);
    const met = steps.flatMap((each) => [...each.met].map(fileOf));
    expect([...new Set(met)].filter((file) => !named.has(file))).toEqual([]);
  });
});
