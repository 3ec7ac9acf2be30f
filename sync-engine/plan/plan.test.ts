import { describe, expect, it } from 'vitest';
import { ToldWorld } from '../../test/fakes/told-world.ts';
import { ELSEWHERE, contentId } from '../../test/fakes/model-changes.ts';
import type { OperationKind } from './operation.ts';
import { plan } from './plan.ts';
import { PARKED_NODE } from './tree.ts';

const BASE = { a: 1, d: null, 'd/x': 2, 'd/y': 3, e: null };
const COPY = ' (conflict, here, 2026-01-31)';

type Act = (on: ToldWorld) => void;
const here = {
  create: (path: string, content: number | null) => (on: ToldWorld) => void on.create('local', path, content),
  edit: (path: string, content: number) => (on: ToldWorld) => on.edit('local', path, content),
  move: (from: string, to: string) => (on: ToldWorld) => on.move('local', from, to),
  delete: (path: string) => (on: ToldWorld) => on.delete('local', path),
};
const there = {
  create: (path: string, content: number | null) => (on: ToldWorld) =>
    void on.create('remote', path, content),
  edit: (path: string, content: number) => (on: ToldWorld) => on.edit('remote', path, content),
  move: (from: string, to: string) => (on: ToldWorld) => on.move('remote', from, to),
  delete: (path: string) => (on: ToldWorld) => on.delete('remote', path),
};

/** What `BASE` becomes: paths that change, `undefined` for those that go. */
type Outcome = Record<string, number | null | undefined>;

function settled(acts: readonly Act[], base: Record<string, number | null> = BASE): ToldWorld {
  const on = new ToldWorld(base);
  for (const act of acts) act(on);
  on.settle();
  return on;
}

function becomes(outcome: Outcome): Record<string, number | null> {
  const all = Object.entries<number | null | undefined>({ ...BASE, ...outcome });
  const left = all.filter((entry): entry is [string, number | null] => entry[1] !== undefined);
  return Object.fromEntries(left.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const gone = undefined;

describe('one side changed', () => {
  it.each<[string, Act, Outcome]>([
    ['created here', here.create('n', 9), { n: 9 }],
    ['created there', there.create('n', 9), { n: 9 }],
    ['folder created there', there.create('n', null), { n: null }],
    ['edited here', here.edit('a', 9), { a: 9 }],
    ['edited there', there.edit('a', 9), { a: 9 }],
    ['moved here', here.move('a', 'd/a'), { a: gone, 'd/a': 1 }],
    ['moved there', there.move('a', 'd/a'), { a: gone, 'd/a': 1 }],
    [
      'folder moved here',
      here.move('d', 'e/d'),
      { d: gone, 'd/x': gone, 'd/y': gone, 'e/d': null, 'e/d/x': 2, 'e/d/y': 3 },
    ],
    [
      'folder moved there',
      there.move('d', 'e/d'),
      { d: gone, 'd/x': gone, 'd/y': gone, 'e/d': null, 'e/d/x': 2, 'e/d/y': 3 },
    ],
    ['deleted here', here.delete('a'), { a: gone }],
    ['deleted there', there.delete('a'), { a: gone }],
    ['folder deleted here', here.delete('d'), { d: gone, 'd/x': gone, 'd/y': gone }],
    ['folder deleted there', there.delete('d'), { d: gone, 'd/x': gone, 'd/y': gone }],
  ])('%s', (_, act, outcome) => {
    expect(settled([act]).paths()).toEqual(becomes(outcome));
  });
});

describe('names in motion', () => {
  it.each([
    ['swap here', here, ['a', 'b']],
    ['swap there', there, ['a', 'b']],
    ['rotation here', here, ['a', 'b', 'c']],
    ['rotation there', there, ['a', 'b', 'c']],
  ] as const)('%s', (_, side, names) => {
    const base = Object.fromEntries(names.map((name, index) => [name, index]));
    const acts = [side.move(names[0], 'aside')];
    for (const [index, name] of names.entries()) {
      const next = names[index + 1];
      acts.push(next === undefined ? side.move('aside', name) : side.move(next, name));
    }
    const turned = names.map((name, index): [string, number] => [name, (index + 1) % names.length]);
    expect(settled(acts, base).paths()).toEqual(Object.fromEntries(turned));
  });

  it('a folder goes into a new folder that takes its name there', () => {
    const on = settled([there.move('d', 'aside'), there.create('d', null), there.move('aside', 'd/d')]);
    expect(on.paths()).toEqual(becomes({ 'd/x': gone, 'd/y': gone, 'd/d': null, 'd/d/x': 2, 'd/d/y': 3 }));
  });

  it('a folder and what was in it change places here', () => {
    const acts = [here.move('o/i', 'i'), here.move('o', 'i/o')];
    expect(settled(acts, { o: null, 'o/i': null }).paths()).toEqual({ i: null, 'i/o': null });
  });
});

describe('few operations', () => {
  function kinds(acts: readonly Act[]): OperationKind[] {
    return settled(acts)
      .done.map(({ kind }) => kind)
      .filter((kind) => kind !== 'settle');
  }

  it('one trash for a folder deleted here, one removal for a folder deleted there', () => {
    expect(kinds([here.delete('d')])).toEqual(['trash']);
    expect(kinds([there.delete('d')])).toEqual(['remove']);
  });

  it('one put for a folder moved here, one move for one moved there', () => {
    expect(kinds([here.move('d', 'e/d')])).toEqual(['put']);
    expect(kinds([there.move('d', 'e/d')])).toEqual(['move']);
  });

  it('none for the same edit on both sides', () => {
    expect(kinds([here.edit('a', 9), there.edit('a', 9)])).toEqual([]);
  });

  it('puts folders before what is in them, though asked for the file alone', () => {
    const on = new ToldWorld(BASE);
    on.create('local', 'n', null);
    on.create('local', 'n/m', null);
    const file = on.create('local', 'n/m/f', 9);
    const { operations } = plan(on, [file], { deviceName: 'here', date: '2026-01-31' });
    expect(operations.map(({ kind, id }) => [kind, id])).toEqual([
      ['put', on.id('n', 'local')],
      ['put', on.id('n/m', 'local')],
      ['put', file],
    ]);
  });

  it('puts a replacement and trashes what it replaces in one run', () => {
    const on = new ToldWorld(BASE);
    on.delete('local', 'a');
    on.create('local', 'a', 9);
    const { operations } = plan(on, on.dirty, { deviceName: 'here', date: '2026-01-31' });
    expect(operations.map(({ kind }) => kind).sort()).toEqual(['put', 'trash']);
  });
});

describe('what is kept out', () => {
  it('is removed when deselected, and stays in the account', () => {
    const on = new ToldWorld(BASE);
    on.exclusions.set(on.id('d'), 'deselected');
    for (const path of ['d', 'd/x', 'd/y']) on.dirty.add(on.id(path));
    on.settle();
    expect(on.local.get(on.id('d'))).toBeUndefined();
    expect(on.id('d/x')).toBeDefined();
    expect(on.trash()).toEqual([]);
  });

  it('sends edits and new files before it goes', () => {
    const on = new ToldWorld(BASE);
    on.edit('local', 'd/x', 9);
    on.create('local', 'd/n', 8);
    on.exclusions.set(on.id('d'), 'deselected');
    for (const path of ['d', 'd/x', 'd/y']) on.dirty.add(on.id(path));
    on.settle();
    expect(on.remote.get(on.id('d/x'))?.size).toBe(9);
    expect(on.remote.get(on.id('d/n'))?.size).toBe(8);
    expect([...on.local.children(on.bound)].map(({ name }) => name)).toEqual(['a', 'e']);
  });

  it('is neither removed nor trashed when ignored', () => {
    const on = new ToldWorld(BASE);
    on.exclusions.set(on.id('a'), 'ignored');
    on.delete('local', 'a');
    on.settle();
    expect(on.trash()).toEqual([]);
    expect(on.done.map(({ kind }) => kind)).toEqual(['forget']);
  });

  it('keeps its name: a new file here takes another', () => {
    const on = new ToldWorld(BASE);
    const kept = on.id('a');
    on.exclusions.set(kept, 'deselected');
    on.delete('local', 'a');
    on.settle();
    on.create('local', 'a', 9);
    on.settle();
    expect(on.id('a')).toBe(kept);
    expect(on.remote.get(on.id(`a${COPY}`))?.size).toBe(9);
  });
});

describe('what was moved out of the bound folder elsewhere', () => {
  it('leaves the disk', () => {
    const on = new ToldWorld(BASE);
    const id = on.id('a');
    on.remote.set({ ...on.remote.get(id)!, parent: ELSEWHERE });
    on.dirty.add(id);
    on.settle();
    expect(on.local.get(id)).toBeUndefined();
    expect(on.remote.get(id)?.parent).toBe(ELSEWHERE);
  });

  it('takes along an edit made here, and is not pulled back', () => {
    const on = new ToldWorld(BASE);
    const id = on.id('a');
    on.edit('local', 'a', 9);
    on.remote.set({ ...on.remote.get(id)!, parent: ELSEWHERE });
    on.settle();
    expect(on.local.get(id)).toBeUndefined();
    expect(on.remote.get(id)).toMatchObject({ parent: ELSEWHERE, size: 9 });
  });
});

describe('content that was not read', () => {
  it.each<[string, Act]>([
    ['edited there', there.edit('a', 9)],
    ['deleted there', there.delete('a')],
    ['moved there', there.move('a', 'd/a')],
  ])('is read before anything is done to the file: %s', (_, act) => {
    const on = new ToldWorld(BASE);
    const id = on.id('a');
    on.local.set({ ...on.local.get(id)!, content: null });
    on.dirty.add(id);
    act(on);
    const { operations } = plan(on, on.dirty, { deviceName: 'here', date: '2026-01-31' });
    expect(operations).toEqual([{ kind: 'ingest', id, reason: 'edited-here' }]);
  });
});

describe('faults of the log', () => {
  it('an orphan in the account is left alone on the disk', () => {
    const on = new ToldWorld(BASE);
    const id = on.id('d/x');
    on.remote.delete(on.id('d'));
    const { operations, clean } = plan(on, [id], { deviceName: 'here', date: '2026-01-31' });
    expect({ operations, clean }).toEqual({ operations: [], clean: [] });
  });
});

describe('the same end, whatever is done first', () => {
  /** What there is in the end when the first plans cover these paths alone, in this order. */
  function inOrder(base: Record<string, number | null>, acts: readonly Act[], first: readonly string[]) {
    const on = new ToldWorld(base);
    const ids = first.map((path) => on.id(path));
    for (const act of acts) act(on);
    for (let turn = 0; turn < 3; turn++) {
      const { operations } = plan(on, ids, { deviceName: 'here', date: '2026-01-31' });
      on.execute(operations, () => false);
    }
    on.settle();
    return on.paths();
  }

  /** Seen to differ, but not read. */
  const unread = (path: string, content: number) => (on: ToldWorld) => {
    const id = on.id(path, 'local');
    on.onDisk.set(id, contentId(content));
    on.local.set({ ...on.local.get(id)!, content: null, size: content, mtimeUs: content });
    on.dirty.add(id);
  };

  it('a folder moved out of reach with an edit that was not read yet leaves no empty folder behind', () => {
    const leave = (on: ToldWorld) => {
      const id = on.id('d');
      on.remote.set({ ...on.remote.get(id)!, parent: ELSEWHERE });
      on.dirty.add(id);
    };
    const left = becomes({ d: gone, 'd/x': gone, 'd/y': gone });
    expect(inOrder(BASE, [unread('d/x', 9), leave], ['d', 'd/x'])).toEqual(left);
    expect(inOrder(BASE, [unread('d/x', 9), leave], ['d/x'])).toEqual(left);
  });

  it('the copy of a file that was also renamed there has the new name', () => {
    const acts = [here.edit('a', 8), there.edit('a', 9), there.move('a', 'b')];
    expect(settled(acts).paths()).toEqual(becomes({ a: gone, b: 9, [`b${COPY}`]: 8 }));
  });

  it('the copy of a file that was also moved there stands where it went, though its folder has yet to be made', () => {
    const acts = [
      here.edit('d/x', 8),
      here.create('n', 7),
      unread('n', 7),
      there.create('n', null),
      there.edit('d/x', 9),
      there.move('d/x', 'n/x'),
    ];
    const end = becomes({ 'd/x': gone, n: null, [`n${COPY}`]: 7, 'n/x': 9, [`n/x${COPY}`]: 8 });
    expect(settled(acts).paths()).toEqual(end);
  });

  it('a file moved here and edited on both sides stays moved, though its folder was deleted there', () => {
    const acts = [here.edit('a', 8), here.move('a', 'e/a'), there.edit('a', 9), there.delete('e')];
    expect(settled(acts).paths()).toEqual(becomes({ a: gone, 'e/a': 9, [`e/a${COPY}`]: 8 }));
  });

  it('a folder renamed here keeps its name when the folder around it is brought back from a ring', () => {
    const base = { a: null, 'a/i': null, b: null };
    const acts = [here.move('a', 'b/a'), here.move('b/a/i', 'b/a/j'), there.move('b', 'a/i/b')];
    const end = { a: null, 'a/j': null, 'a/j/b': null };
    for (const first of [['a'], ['a/i'], ['a/i', 'a', 'b'], ['a', 'a/i', 'b'], ['b', 'a', 'a/i']]) {
      expect(inOrder(base, acts, first)).toEqual(end);
    }
  });

  it('of a ring one move is given up, the same whichever is looked at first', () => {
    const base = { b: null, 'b/a': null, x: null };
    const acts = [here.move('b/a', 'x/a'), here.move('b', 'x/a/b'), there.move('x', 'b/x')];
    const end = { b: null, 'b/x': null, 'b/x/a': null };
    for (const first of [['b/a'], ['b'], ['x'], ['b/a', 'b', 'x'], ['b', 'b/a', 'x'], ['x', 'b/a', 'b']]) {
      expect(inOrder(base, acts, first)).toEqual(end);
    }
  });

  it('what the account retyped has its own place: no folder is kept for what was moved here', () => {
    const retype = (on: ToldWorld) => {
      const id = on.id('a');
      on.remote.set({ ...on.remote.get(id)!, type: 'symlink', mode: 0o777, content: contentId(9) });
      on.dirty.add(id);
    };
    const acts = [here.move('a', 'e/a'), retype, there.delete('e')];
    expect(settled(acts).paths()).toEqual(becomes({ a: 9, e: gone }));
  });
});

describe('what was left parked by a stop', () => {
  it.each([
    ['x', BASE],
    [`x${COPY}`, { ...BASE, x: 5 }],
  ])('edited here and deleted there, comes back at the top as %s', (name, base) => {
    const on = new ToldWorld(base);
    on.edit('local', 'd/x', 9);
    const edited = on.local.get(on.id('d/x', 'local'))!;
    on.local.set({ ...edited, parent: PARKED_NODE });
    on.delete('remote', 'd/x');
    on.settle();
    const { 'd/x': _, ...rest } = base;
    expect(on.paths()).toEqual({ ...rest, [name]: 9 });
    expect(on.trash()).toEqual([]);
  });

  it('is not waited for by what has the name it waits for and is to come into it', () => {
    const on = new ToldWorld({ docs: null, 'docs/x': 1, old: null });
    const [docs, old] = [on.id('docs'), on.id('old')];
    on.local.set({ ...on.local.get(old)!, parent: PARKED_NODE });
    on.move('remote', 'docs', 'old/docs');
    on.create('remote', 'docs', null);
    on.move('remote', 'old', 'docs/c');
    const expected = { docs: null, 'docs/c': null, 'docs/c/docs': null, 'docs/c/docs/x': 1 };
    for (const first of [docs, old, on.id('docs')]) {
      const { operations } = plan(on, [first], { deviceName: 'here', date: '2026-01-31' });
      expect(operations.map(({ kind, id }) => [kind, id])).toContainEqual(['park', docs]);
    }
    on.settle();
    expect(on.paths()).toEqual(expected);
  });

  it('is left by what belongs elsewhere, though it is to go into that', () => {
    const on = new ToldWorld({ a: null, 'a/q': null, 'a/q/x': 1 });
    on.local.set({ ...on.local.get(on.id('a'))!, parent: PARKED_NODE });
    on.move('remote', 'a/q', 'q');
    on.move('remote', 'a', 'q/a');
    on.settle();
    expect(on.paths()).toEqual({ q: null, 'q/a': null, 'q/x': 1 });
  });
});
