/**
 * Every endpoint that the client uses, answered a thousand times with what a fault, or somebody who means harm, makes
 * of the genuine answer. `MUTATE_RUNS` for more; `MUTATE_SEED` and `MUTATE_CASE` for the same again.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_ENDPOINTS } from './account-endpoints.ts';
import { wireOf, type Answer } from './answer.ts';
import { Dice } from './dice.ts';
import type { Asker, Endpoint } from './endpoint.ts';
import { DIRECT_ENDPOINTS } from './direct-endpoints.ts';
import { EVENT_ENDPOINT } from './event-endpoint.ts';
import { forward, keyOf, liveIt, type GenuineLife } from './genuine.ts';
import { outcomeOf } from './judge.ts';
import { Lane, type Lie } from './lane.ts';
import { LOG_ENDPOINTS } from './log-endpoints.ts';
import { mutate } from './mutate.ts';
import { eavesdrop } from './secrets.ts';

const { MUTATE_RUNS, MUTATE_SEED, MUTATE_CASE, MUTATE_TELL } = process.env;
const RUNS = Number(MUTATE_RUNS ?? 1000);
const SEED = MUTATE_SEED ?? randomBytes(4).toString('hex');
const LANES = 10;
const ENDPOINTS = [...ACCOUNT_ENDPOINTS, ...LOG_ENDPOINTS, ...DIRECT_ENDPOINTS, EVENT_ENDPOINT];
/** Cases that failed once. */
const KEPT = JSON.parse(readFileSync(join(import.meta.dirname, 'kept.json'), 'utf8')) as {
  readonly endpoint: string;
  readonly seed: string;
  readonly case: number;
}[];

let life: GenuineLife;
let all: Answer[];
const tally: string[] = [];

beforeAll(async () => {
  life = await liveIt();
  all = [...life.whole.values()].flat();
}, 60_000);

afterAll(async () => {
  await life.close();
  if (MUTATE_TELL !== undefined) process.stdout.write(`seed ${SEED}\n${tally.join('\n')}\n`);
});

/** Its lane, with what was not recorded. */
async function laneFor(endpoint: Endpoint): Promise<Lane> {
  const lane = await Lane.start(life);
  lane.live = async (heard) => {
    if (endpoint.on(heard) && endpoint.answer !== undefined) return endpoint.answer(life, heard);
    return heard.path.startsWith('/v1/login/') ? forward(life.world.account.server.address, heard) : null;
  };
  return lane;
}

/** What comes of the genuine answers, the older ones too. */
async function truthsOf(endpoint: Endpoint, lane: Lane, asker: Asker): Promise<Set<string>> {
  const truths = new Set(asker.also ?? []);
  const recorded = [...life.whole].filter(([key]) => {
    const [method = '', path = ''] = key.split(' ');
    return endpoint.on({ method, path, headers: {}, body: Buffer.alloc(0) });
  });
  const variants = endpoint.live === true ? [] : recorded.flatMap(([, answers]) => answers);
  const answers: (Answer | null)[] = [null, ...variants];
  let taken = 0;
  for (const answer of answers) {
    lane.lie = { on: endpoint.on, make: (now) => ({ ...wireOf(answer ?? now), end: 'cut' }) };
    const outcome = await outcomeOf(() => asker.ask());
    lane.lie = null;
    if ('took' in outcome) {
      truths.add(outcome.took);
      taken += 1;
    } else if (answer === null) throw new Error(`the genuine answer is refused: ${outcome.refused}`);
    await asker.renew?.();
  }
  expect(taken).toBeGreaterThan(0);
  return truths;
}

function lieOf(endpoint: Endpoint, seed: string, number: number, told: (what: string) => void): Lie {
  return {
    on: endpoint.on,
    make: (answer, heard) => {
      const dice = new Dice(`${seed}/${endpoint.name}/${number}`);
      const older = (life.whole.get(keyOf(heard)) ?? []).filter((one) => one !== answer);
      const { what, wire } = mutate({ dice, answer, others: all, older });
      told(what);
      return wire;
    },
  };
}

/** One altered answer. @throws saying how to see it again */
async function tryOne(
  endpoint: Endpoint,
  at: { lane: Lane; asker: Asker; truths: ReadonlySet<string> },
  seed: string,
  number: number,
): Promise<string> {
  const { lane, asker, truths } = at;
  let done = 'nothing';
  const before = asker.holds?.();
  try {
    lane.lie = lieOf(endpoint, seed, number, (what) => (done = what));
    const outcome = await outcomeOf(() => asker.ask());
    lane.lie = null;
    if (done === 'nothing') throw new Error('it was not asked');
    if ('took' in outcome && endpoint.rests === 'truth' && !truths.has(outcome.took)) {
      throw new Error(`it takes what never was: ${outcome.took.slice(0, 2000)}`);
    }
    const after = asker.holds?.();
    if (after !== undefined && !truths.has(after)) throw new Error('it holds what never was');
    asker.check?.(outcome);
    if ('took' in outcome || after !== before) await asker.renew?.();
    return 'took' in outcome ? 'taken' : outcome.refused;
  } catch (error) {
    const again = `MUTATE_SEED=${seed} MUTATE_CASE=${number}`;
    throw new Error(`${endpoint.name}, answer altered by "${done}": ${String(error)} (${again})`, {
      cause: error,
    });
  }
}

describe('an altered answer', () => {
  it.each(ENDPOINTS)(
    '$name: is refused, or taken as what it was; nothing is told, nothing hangs',
    async (endpoint) => {
      const kept = KEPT.filter((one) => one.endpoint === endpoint.name);
      const numbers =
        MUTATE_CASE === undefined ? Array.from({ length: RUNS }, (_, index) => index) : [Number(MUTATE_CASE)];
      const cases = [...kept, ...numbers.map((number) => ({ seed: SEED, case: number }))];
      const ends = new Map<string, number>();
      const work = async (): Promise<void> => {
        const lane = await laneFor(endpoint);
        const ear = eavesdrop(life);
        lane.line.told = ear.told;
        const asker = await endpoint.client(lane);
        try {
          const truths = await truthsOf(endpoint, lane, asker);
          for (let next = cases.pop(); next !== undefined; next = cases.pop()) {
            const end = await tryOne(endpoint, { lane, asker, truths }, next.seed, next.case);
            ends.set(end, (ends.get(end) ?? 0) + 1);
          }
          expect(ear.heard).toEqual([]);
        } finally {
          await asker.close?.();
          await lane.close();
        }
      };
      const total = cases.length;
      const began = performance.now();
      await Promise.all(Array.from({ length: Math.min(LANES, total) }, work));
      const counts = [...ends]
        .sort(([, one], [, other]) => other - one)
        .map(([end, count]) => `${end} ${count}`);
      tally.push(
        `${endpoint.name}: ${total} in ${Math.round(performance.now() - began)} ms: ${counts.join(', ')}`,
      );
      expect([...ends.values()].reduce((sum, count) => sum + count, 0)).toBe(total);
      // That nothing is ever refused would mean that nothing was altered.
      if (total >= 100) expect([...ends.keys()].length).toBeGreaterThan(2);
    },
    600_000,
  );
});
