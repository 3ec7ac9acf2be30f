/** Every pair of changes that two sides can make at once, parents and children included, and what comes of it. */
import { describe, expect, it } from 'vitest';
import { ToldWorld } from '../../test/fakes/told-world.ts';

/** `a` is a file, `d` a folder with the files `x` and `y`, `e` an empty folder. */
const BASE = { a: 1, d: null, 'd/x': 2, 'd/y': 3, e: null };
const HERE = 8;
const THERE = 9;
const ALIKE = 7;
const gone = undefined;
const emptied = { d: gone, 'd/x': gone, 'd/y': gone };

type Tree = Readonly<Record<string, number | null | undefined>>;

interface Pair {
  readonly here: string;
  readonly there: string;
  /** What `BASE` becomes on both sides: paths that change, with their content. */
  readonly ends: Tree;
  /** Conflict copies, by the path they are copies of. Given none, there must be none. */
  readonly conflict?: Tree;
  /** What lies in the account's trash, by name; a folder stands for what it held. */
  readonly trash?: readonly string[];
  /** The contents this device put into its local trash. */
  readonly aside?: readonly number[];
}

const pairs: Record<string, readonly Pair[]> = {
  'create, create': [
    { here: 'creates n', there: 'creates m', ends: { n: HERE, m: THERE } },
    { here: 'creates n', there: 'creates n', ends: { n: THERE }, conflict: { n: HERE } },
    { here: 'creates n alike', there: 'creates n alike', ends: { n: ALIKE } },
    { here: 'creates n', there: 'creates folder n', ends: { n: null }, conflict: { n: HERE } },
    { here: 'creates folder n', there: 'creates n', ends: { n: THERE }, conflict: { n: null } },
    { here: 'creates folder n', there: 'creates folder n', ends: { n: null } },
    {
      here: 'creates folder n, creates n/p',
      there: 'creates folder n, creates n/q',
      ends: { n: null, 'n/p': HERE, 'n/q': THERE },
    },
    {
      here: 'creates folder n, creates n/p',
      there: 'creates folder n, creates n/p',
      ends: { n: null, 'n/p': THERE },
      conflict: { 'n/p': HERE },
    },
  ],
  'create, edit': [
    { here: 'creates d/n', there: 'edits d/x', ends: { 'd/n': HERE, 'd/x': THERE }, aside: [2] },
    { here: 'edits d/x', there: 'creates d/n', ends: { 'd/n': THERE, 'd/x': HERE } },
  ],
  'create, move': [
    { here: 'creates n', there: 'moves a to n', ends: { a: gone, n: 1 }, conflict: { n: HERE } },
    { here: 'moves a to n', there: 'creates n', ends: { a: gone, n: THERE }, conflict: { n: 1 } },
    { here: 'creates n', there: 'moves d to n', ends: moved('n'), conflict: { n: HERE } },
    { here: 'creates d/n', there: 'moves d to f', ends: { ...moved('f'), 'f/n': HERE } },
    { here: 'moves d to f', there: 'creates d/n', ends: { ...moved('f'), 'f/n': THERE } },
    { here: 'creates e/n', there: 'moves e to d/e', ends: { e: gone, 'd/e': null, 'd/e/n': HERE } },
  ],
  'create, delete': [
    { here: 'creates n', there: 'deletes a', ends: { n: HERE, a: gone }, trash: ['a'], aside: [1] },
    { here: 'deletes a', there: 'creates n', ends: { n: THERE, a: gone }, trash: ['a'] },
    {
      here: 'creates d/n',
      there: 'deletes d',
      ends: { 'd/n': HERE, 'd/x': gone, 'd/y': gone },
      trash: ['d'],
      aside: [2, 3],
    },
    {
      here: 'deletes d',
      there: 'creates d/n',
      ends: { 'd/n': THERE, 'd/x': gone, 'd/y': gone },
      trash: ['x', 'y'],
    },
    {
      here: 'creates folder d/n',
      there: 'deletes d',
      ends: { 'd/n': null, 'd/x': gone, 'd/y': gone },
      trash: ['d'],
      aside: [2, 3],
    },
  ],
  'edit, edit': [
    { here: 'edits a', there: 'edits a', ends: { a: THERE }, conflict: { a: HERE } },
    { here: 'edits a alike', there: 'edits a alike', ends: { a: ALIKE } },
    { here: 'edits d/x', there: 'edits d/y', ends: { 'd/x': HERE, 'd/y': THERE }, aside: [3] },
  ],
  'edit, move': [
    { here: 'edits a', there: 'moves a to d/a', ends: { a: gone, 'd/a': HERE } },
    { here: 'moves a to d/a', there: 'edits a', ends: { a: gone, 'd/a': THERE }, aside: [1] },
    { here: 'edits d/x', there: 'moves d to f', ends: { ...moved('f'), 'f/x': HERE } },
    { here: 'moves d to f', there: 'edits d/x', ends: { ...moved('f'), 'f/x': THERE }, aside: [2] },
    {
      here: 'edits a',
      there: 'edits a, moves a to d/a',
      ends: { a: gone, 'd/a': THERE },
      conflict: { 'd/a': HERE },
    },
    {
      here: 'edits a, moves a to d/a',
      there: 'edits a',
      ends: { a: gone, 'd/a': THERE },
      conflict: { 'd/a': HERE },
    },
  ],
  'edit, delete': [
    { here: 'edits a', there: 'deletes a', ends: { a: HERE } },
    { here: 'deletes a', there: 'edits a', ends: { a: THERE } },
    {
      here: 'edits d/x',
      there: 'deletes d',
      ends: { 'd/x': HERE, 'd/y': gone },
      trash: ['d'],
      aside: [3],
    },
    { here: 'deletes d', there: 'edits d/x', ends: { 'd/x': THERE, 'd/y': gone }, trash: ['y'] },
    {
      here: 'edits a',
      there: 'deletes a, creates a',
      ends: { a: THERE },
      conflict: { a: HERE },
    },
    { here: 'deletes a, creates a', there: 'edits a', ends: { a: THERE }, conflict: { a: HERE } },
    { here: 'edits a', there: 'deletes a, moves d to a', ends: moved('a'), conflict: { a: HERE } },
    {
      here: 'deletes d, creates d',
      there: 'edits d/x',
      ends: { 'd/x': THERE, 'd/y': gone },
      conflict: { d: HERE },
      trash: ['y'],
    },
    {
      here: 'edits d/x',
      there: 'deletes d, creates d',
      ends: { d: THERE, 'd/x': gone, 'd/y': gone, [`${copy('d')}/x`]: HERE },
      conflict: { d: null },
      trash: ['d'],
      aside: [3],
    },
  ],
  'move, move': [
    { here: 'moves a to d/a', there: 'moves a to e/a', ends: { a: gone, 'e/a': 1 } },
    { here: 'moves a to d/a', there: 'moves a to d/a', ends: { a: gone, 'd/a': 1 } },
    {
      here: 'moves d/x to n',
      there: 'moves d/y to n',
      ends: { 'd/x': gone, 'd/y': gone, n: 3 },
      conflict: { n: 2 },
    },
    { here: 'moves d to e/d', there: 'moves e to d/e', ends: { e: gone, 'd/e': null } },
    { here: 'moves d/x to x', there: 'moves d to e/d', ends: { ...moved('e/d'), 'e/d/x': gone, x: 2 } },
    { here: 'moves d to e/d', there: 'moves d/x to x', ends: { ...moved('e/d'), 'e/d/x': gone, x: 2 } },
    { here: 'moves a to e/a', there: 'moves e to d/e', ends: { a: gone, e: gone, 'd/e': null, 'd/e/a': 1 } },
  ],
  'move, delete': [
    { here: 'moves a to d/a', there: 'deletes a', ends: { a: gone }, trash: ['a'], aside: [1] },
    { here: 'deletes a', there: 'moves a to d/a', ends: { a: gone }, trash: ['a'] },
    { here: 'moves d to f', there: 'deletes d', ends: emptied, trash: ['d'], aside: [2, 3] },
    { here: 'deletes d', there: 'moves d to f', ends: emptied, trash: ['f'] },
    {
      here: 'moves a to d/a',
      there: 'deletes d',
      ends: { a: gone, 'd/a': 1, 'd/x': gone, 'd/y': gone },
      trash: ['d'],
      aside: [2, 3],
    },
    {
      here: 'deletes d',
      there: 'moves a to d/a',
      ends: { a: gone, 'd/a': 1, 'd/x': gone, 'd/y': gone },
      trash: ['x', 'y'],
    },
    { here: 'moves d/x to e/x', there: 'deletes d', ends: emptied, trash: ['d'], aside: [2, 3] },
    { here: 'deletes d', there: 'moves d/x to e/x', ends: emptied, trash: ['d', 'x'] },
    {
      here: 'moves e to d/e',
      there: 'deletes d',
      ends: { e: gone, 'd/e': null, 'd/x': gone, 'd/y': gone },
      trash: ['d'],
      aside: [2, 3],
    },
    {
      here: 'moves d to f',
      there: 'deletes d/x',
      ends: { ...moved('f'), 'f/x': gone },
      trash: ['x'],
      aside: [2],
    },
    { here: 'deletes d/x', there: 'moves d to f', ends: { ...moved('f'), 'f/x': gone }, trash: ['x'] },
  ],
  'delete, delete': [
    { here: 'deletes a', there: 'deletes a', ends: { a: gone }, trash: ['a'] },
    { here: 'deletes d', there: 'deletes d', ends: emptied, trash: ['d'] },
    { here: 'deletes d', there: 'deletes d/x', ends: emptied, trash: ['d', 'x'] },
    { here: 'deletes d/x', there: 'deletes d', ends: emptied, trash: ['d'], aside: [3] },
    {
      here: 'deletes a, creates a alike',
      there: 'deletes a, creates a alike',
      ends: { a: ALIKE },
      trash: ['a'],
    },
    {
      here: 'deletes a, creates folder a',
      there: 'deletes a, creates a',
      ends: { a: THERE },
      conflict: { a: null },
      trash: ['a'],
    },
  ],
};

describe.each(Object.entries(pairs))('%s', (_, rows) => {
  it.each(rows)('one $here, the other $there', (pair) => {
    for (const [first, second] of [['local', 'remote'] as const, ['remote', 'local'] as const]) {
      const on = new ToldWorld(BASE);
      for (const side of [first, second]) act(on, side, side === 'local' ? pair.here : pair.there);
      on.settle();
      expect(on.paths()).toEqual(expected(pair));
      expect(on.trash()).toEqual(pair.trash ?? []);
      const aside = [...on.removed].map((content) => Number.parseInt(content, 16));
      expect(aside.sort()).toEqual(pair.aside ?? []);
    }
  });
});

const SENTENCE =
  /^(?<verb>creates|edits|moves|deletes) (?<what>folder )?(?<path>\S+)(?: to (?<to>\S+))?(?<alike> alike)?$/u;

function act(on: ToldWorld, side: 'local' | 'remote', told: string): void {
  for (const sentence of told.split(', ')) {
    const { verb, what, path = '', to = '', alike } = SENTENCE.exec(sentence)?.groups ?? {};
    const content = alike !== undefined ? ALIKE : side === 'local' ? HERE : THERE;
    if (verb === 'creates') on.create(side, path, what === undefined ? content : null);
    else if (verb === 'edits') on.edit(side, path, content);
    else if (verb === 'moves') on.move(side, path, to);
    else if (verb === 'deletes') on.delete(side, path);
    else throw new Error(`not a sentence: ${sentence}`);
  }
}

function expected({ ends, conflict = {} }: Pair): Record<string, number | null> {
  const copies = Object.entries(conflict).map(([path, content]) => [copy(path), content] as const);
  const all = Object.entries<number | null | undefined>({ ...BASE, ...ends, ...Object.fromEntries(copies) });
  return Object.fromEntries(all.filter((entry): entry is [string, number | null] => entry[1] !== undefined));
}

function copy(path: string): string {
  return `${path} (conflict, here, 2026-01-31)`;
}

/** The folder `d` with all in it, elsewhere. */
function moved(to: string): Tree {
  return { ...emptied, [to]: null, [`${to}/x`]: 2, [`${to}/y`]: 3 };
}
