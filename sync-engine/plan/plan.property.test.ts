import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOUND, scene, story, type Story } from '../../test/fakes/model-changes.ts';
import type { ModelWorld } from '../../test/fakes/model-world.ts';
import { TRASH_NODE, type ContentId, type NodeId } from '../../protocol/ids.ts';
import { plan } from './plan.ts';
import { Scope } from './scope.ts';

// A long run by hand: PLAN_RUNS=20000 npx vitest run sync-engine/plan/plan.property.test.ts
const numRuns = Number(process.env['PLAN_RUNS'] ?? 300);
const timeout = Math.max(20_000, numRuns * 100);
const MAX_ROUNDS = 200;
/** What leaves the same tree on both sides: in a swap or a move it matters which nodes there are, so no deletions. */
const ALIKE = ['create', 'edit', 'move', 'rename', 'swap', 'touch', 'chmod'] as const;
const OPTIONS = { deviceName: 'laptop', date: '2026-01-31' };

/** mulberry32 */
function chance(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Plans and executes random batches, dropping operations at random. */
class Schedule {
  readonly #on: ModelWorld;
  readonly #next: () => number;
  readonly #drops: number;

  constructor(on: ModelWorld, seed: number) {
    this.#on = on;
    this.#next = chance(seed);
    this.#drops = this.#next() < 0.5 ? 0.3 : 0;
  }

  rounds(count: number): void {
    for (let round = 0; round < count && this.#on.dirty.size > 0; round++) {
      const share = this.#next() < 0.4 ? 1 : this.#next();
      const batch = [...this.#on.dirty].filter(() => this.#next() < share);
      const { operations, clean } = plan(this.#on, shuffled(batch, this.#next), OPTIONS);
      for (const id of clean) this.#on.dirty.delete(id);
      this.#on.execute(operations, () => this.#next() < this.#drops);
    }
  }

  settle(): void {
    this.rounds(MAX_ROUNDS);
    expect([...this.#on.dirty], `dirty after ${MAX_ROUNDS} rounds`).toEqual([]);
  }
}

function shuffled<T>(items: T[], next: () => number): T[] {
  return items
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function allIds(on: ModelWorld): Set<NodeId> {
  return new Set([...on.local.all(), ...on.remote.all(), ...on.synced.all()].map(({ id }) => id));
}

function expectConverged(on: ModelWorld): void {
  const scope = new Scope(on);
  const names = new Set<string>();
  for (const id of allIds(on)) {
    const inside = id !== BOUND && scope.reach(id) === 'inside';
    expect(scope.reach(id), `chain of ${id}`).not.toBe('broken');
    const expected = inside && on.excluded(id) === null ? on.remote.get(id) : undefined;
    expect(on.local.get(id), `local ${id}`).toEqual(expected);
    expect(on.synced.get(id), `synced ${id}`).toEqual(expected);
    const { parent, name } = on.remote.get(id) ?? {};
    if (parent === undefined || parent === TRASH_NODE) continue;
    expect(names, `name of ${id}`).not.toContain(`${parent}/${name ?? ''}`);
    names.add(`${parent}/${name ?? ''}`);
  }
}

function expectQuiet(on: ModelWorld): void {
  const everything = allIds(on);
  everything.delete(BOUND);
  const { operations, clean } = plan(on, everything, OPTIONS);
  expect(operations).toEqual([]);
  expect(new Set(clean)).toEqual(everything);
}

interface Written {
  readonly local: Map<NodeId, ContentId>;
  readonly remote: Map<NodeId, ContentId>;
}

/** What each side holds that the other has not seen; and remote only where it can be seen. */
function written(on: ModelWorld): Written {
  const local = new Map<NodeId, ContentId>();
  for (const [id, content] of on.onDisk) if (on.synced.get(id)?.content !== content) local.set(id, content);
  const remote = new Map<NodeId, ContentId>();
  for (const { id, content } of on.remote.all()) {
    if (content !== null && on.synced.get(id)?.content !== content) remote.set(id, content);
  }
  return { local, remote };
}

function contents(states: Iterable<{ content: ContentId | null }>): Set<ContentId> {
  return new Set([...states].flatMap(({ content }) => (content === null ? [] : [content])));
}

function run(told: Story): void {
  const { world: on, touched, original, proceed } = scene(told);
  const schedule = new Schedule(on, told.schedule);
  schedule.rounds(told.pause);
  proceed();
  const before = written(on);
  const scope = new Scope(on);
  const editsInReach = [...before.remote].filter(([id]) => scope.reach(id) === 'inside');
  // The same edit made there before the deletion: that deletion knew it.
  const deletedKnowingly = new Set(
    [...before.local].flatMap(([id, content]) => (on.remote.get(id)?.content === content ? [id] : [])),
  );
  schedule.settle();
  expectConverged(on);
  expectQuiet(on);

  const account = contents(on.remote.all());
  for (const [id, content] of before.local) {
    expect([...account, ...on.removed, ...on.unseen], `lost here: ${id}`).toContain(content);
  }
  for (const [id, content] of before.remote) expect(account, `lost there: ${id}`).toContain(content);

  // An edit or a new file outlives any deletion.
  const live = contents([...on.remote.all()].filter(({ id }) => new Scope(on).reach(id) !== 'trash'));
  if (told.exclusions.length === 0) {
    for (const [id, content] of [...before.local, ...editsInReach]) {
      if (!deletedKnowingly.has(id)) expect(live, `edit of ${id} trashed`).toContain(content);
    }
  }

  // What nobody touched, in folders nobody touched, is as it was.
  const touchedIds = new Set([...touched.local, ...touched.remote]);
  if (told.exclusions.length > 0) return;
  const still = new Set<NodeId>([BOUND]);
  for (const state of original) {
    if (touchedIds.has(state.id) || !still.has(state.parent)) continue;
    still.add(state.id);
    expect(on.local.get(state.id)).toEqual(state);
  }
}

describe('the planner, on two sides changed at random', () => {
  it(
    'converges, loses nothing and comes to rest, whatever is dropped and however it is batched',
    () => {
      fc.assert(fc.property(story({ nodes: 8, changes: 4, exclusions: 0 }), run), { numRuns });
    },
    timeout,
  );

  it(
    'does so for larger trees and longer stories',
    () => {
      fc.assert(fc.property(story({ nodes: 30, changes: 15, exclusions: 0, least: 8 }), run), { numRuns });
    },
    timeout,
  );

  it(
    'does so when folders are moved into and past one another',
    () => {
      const size = {
        nodes: 8,
        changes: 6,
        exclusions: 0,
        least: 3,
        types: ['folder'],
        kinds: ['move', 'swap', 'rename'],
      } as const;
      fc.assert(fc.property(story(size), run), { numRuns });
    },
    timeout,
  );

  it(
    'does so with folders deselected and ignored',
    () => {
      fc.assert(fc.property(story({ nodes: 10, changes: 6, exclusions: 2 }), run), { numRuns });
    },
    timeout,
  );

  it(
    'never takes identical changes on two sides for a conflict',
    () => {
      const same = story({ nodes: 10, changes: 8, exclusions: 0, kinds: ALIKE });
      const mirrored = same.map((told) => ({
        ...told,
        remote: told.local,
        pause: 0,
        later: { local: [], remote: [] },
      }));
      const check = (told: Story) => {
        const { world: on } = scene(told);
        new Schedule(on, told.schedule).settle();
        expectConverged(on);
        expect(on.done.filter(({ kind }) => kind === 'conflict' || kind === 'fetch')).toEqual([]);
        expect([...on.remote.all()].filter(({ name }) => name.includes('conflict'))).toEqual([]);
      };
      fc.assert(fc.property(mirrored, check), { numRuns });
    },
    timeout,
  );
});
