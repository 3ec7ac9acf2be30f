import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOUND, VARIANTS, mirror, scene, story, type Story } from '../../test/fakes/model-changes.ts';
import {
  contents,
  expectConverged,
  expectMerged,
  expectQuiet,
  paths,
  shared,
  written,
} from '../../test/fakes/model-promises.ts';
import { OPTIONS, Schedule } from '../../test/fakes/model-schedule.ts';
import type { NodeId } from '../../protocol/ids.ts';
import { plan } from './plan.ts';
import { Scope } from './scope.ts';

// Eight properties, more than 10,000 cases. A long run by hand: PLAN_RUNS=50000 npm test -- --only unit plan.property
const numRuns = Number(process.env['PLAN_RUNS'] ?? 1500);
const timeout = Math.max(60_000, numRuns * 100);
const SMALL = { nodes: 8, changes: 4, exclusions: 0 } as const;
const LARGE = { nodes: 30, changes: 15, exclusions: 0, least: 8 } as const;
const FOLDERS = {
  nodes: 8,
  changes: 6,
  exclusions: 0,
  least: 3,
  types: ['folder'],
  kinds: ['move', 'swap', 'rename'],
} as const;
const NAMED_ALIKE = { ...SMALL, changes: 6, names: VARIANTS } as const;

function check(told: fc.Arbitrary<Story>, property: (told: Story) => void): void {
  fc.assert(fc.property(told, property), { numRuns });
}

function keepsItsPromises(told: Story): void {
  const { world: on, touched, original, proceed } = scene(told);
  const schedule = new Schedule(on, told.schedule, told.schedule % 2 === 0 ? 'drops' : 'none');
  schedule.rounds(told.pause);
  proceed();
  const before = written(on);
  const onBoth = shared(on);
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

  if (told.exclusions.length > 0) return;
  expectMerged(on, onBoth);
  // An edit or a new file outlives any deletion.
  const live = contents([...on.remote.all()].filter(({ id }) => new Scope(on).reach(id) !== 'trash'));
  for (const [id, content] of [...before.local, ...editsInReach]) {
    if (!deletedKnowingly.has(id)) expect(live, `edit of ${id} trashed`).toContain(content);
  }
  // What nobody touched, in folders nobody touched, is as it was.
  const touchedIds = new Set([...touched.local, ...touched.remote]);
  const still = new Set<NodeId>([BOUND]);
  for (const state of original) {
    if (touchedIds.has(state.id) || !still.has(state.parent)) continue;
    still.add(state.id);
    expect(on.local.get(state.id)).toEqual(state);
  }
}

/** Whether one plan after another, or parts of plans in any order and stopped anywhere: it ends in the same tree. */
function endsAlike(told: Story): void {
  const once = { ...told, pause: 0, later: { local: [], remote: [] } };
  const { world: straight } = scene(once);
  new Schedule(straight, 0, 'none').settle();
  const { world: broken } = scene(once);
  new Schedule(broken, told.schedule, 'stops').settle();
  expect(unnumbered(paths(broken))).toEqual(unnumbered(paths(straight)));
}

/** Which number a copy gets is up to the names still taken when it is made. */
function unnumbered(all: readonly string[]): string[] {
  return all.map((path) => path.replaceAll(/(\(conflict, [^)]*\)) \d+/gu, '$1')).sort();
}

describe('the planner, on two sides changed at random', () => {
  it(
    'converges, loses nothing, changes nothing nobody changed and comes to rest, whatever is dropped',
    () => check(story(SMALL), keepsItsPromises),
    timeout,
  );

  it('does so for larger trees and longer stories', () => check(story(LARGE), keepsItsPromises), timeout);

  it(
    'does so when folders are moved into and past one another',
    () => check(story(FOLDERS), keepsItsPromises),
    timeout,
  );

  it(
    'does so with folders deselected and ignored',
    () => check(story({ nodes: 10, changes: 6, exclusions: 2 }), keepsItsPromises),
    timeout,
  );

  it(
    'does so where names differ in case or composition alone, or look like those of conflict copies',
    () => check(story(NAMED_ALIKE), keepsItsPromises),
    timeout,
  );

  it(
    'ends in the same tree, whatever the order, the batches and the places where it was stopped',
    () => check(fc.oneof(story(SMALL), story(LARGE), story(FOLDERS), story(NAMED_ALIKE)), endsAlike),
    timeout,
  );

  it(
    'gives the same plan for the same trees, and leaves them as they are',
    () =>
      check(story(SMALL), (told) => {
        const { world: on } = scene(told);
        const before = [on.local, on.remote, on.synced].map((tree) => [...tree.all()]);
        const [first, second] = [plan(on, on.dirty, OPTIONS), plan(on, on.dirty, OPTIONS)];
        expect(second).toEqual(first);
        expect([on.local, on.remote, on.synced].map((tree) => [...tree.all()])).toEqual(before);
      }),
    timeout,
  );

  it(
    'never takes identical changes on two sides for a conflict, and has nothing to send for them',
    () =>
      check(story({ ...LARGE, least: 0 }), (told) => {
        const { world: on } = scene({ ...told, remote: [] });
        mirror(on);
        const before = paths(on);
        new Schedule(on, told.schedule, 'drops').settle();
        expectConverged(on);
        expect(paths(on)).toEqual(before);
        const idle = ['ingest', 'settle', 'adopt'];
        expect(on.done.filter(({ kind }) => !idle.includes(kind))).toEqual([]);
      }),
    timeout,
  );
});
