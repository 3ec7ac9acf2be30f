import { describe, expect, it } from 'vitest';
import { nodeId } from '../../test/fakes/model-world.ts';
import { diffFolder, type Known, type Seen } from './diff.ts';

function row(id: number, name: string, changes: Partial<Known> = {}): Known {
  const times = { mtimeUs: 5_000, ctimeUs: 6_000, birthUs: 4_000 };
  return {
    id: nodeId(id),
    mtimeGranularityUs: 1,
    name,
    type: 'file',
    mode: 0o644,
    size: 100,
    ...times,
    ino: id,
    dev: 1,
    ...changes,
  };
}

function entryOf({ id: _, ...seen }: Known, changes: Partial<Seen> = {}): Seen {
  return { ...seen, ...changes };
}

interface Given {
  known: Known[];
  entries: Seen[];
  /** Rows of other folders. */
  elsewhere?: Known[];
  /** Of those, what still stands where it was. */
  linked?: Known[];
}

function run({ known, entries, elsewhere = [], linked = [] }: Given) {
  const stands = (one: Known) => entries.some(({ name, ino }) => name === one.name && ino === one.ino);
  return diffFolder({
    known,
    entries,
    identity: (dev, ino) => [...known, ...elsewhere].filter((one) => one.dev === dev && one.ino === ino),
    stillThere: (one) => linked.includes(one) || (known.includes(one) && stands(one)),
  });
}

describe('a file on a disk that keeps whole seconds', () => {
  const known = row(1, 'a', { mtimeUs: 5_278_000, mtimeGranularityUs: 1_000_000 });
  const shown = { mtimeUs: 5_000_000 };

  it('is not mentioned when its time is shown as well as the disk can', () => {
    expect(run({ known: [known], entries: [entryOf(known, shown)] })).toEqual([]);
  });

  it.each([
    ['in the same second', { ...shown, ctimeUs: 6_001 }, 'edited'],
    ['in the same second, and given another mode', { ...shown, mode: 0o600, ctimeUs: 6_001 }, 'edited'],
    ['a second later', { mtimeUs: 6_278_000, ctimeUs: 6_001 }, 'edited'],
  ] as const)('that was written %s is read', (_, changes, kind) => {
    const changed = run({ known: [known], entries: [entryOf(known, changes)] });
    expect(changed.map((change) => change.kind)).toEqual([kind]);
  });

  it('that was moved is read', () => {
    const entry = entryOf(known, { ...shown, name: 'b' });
    expect(run({ known: [], elsewhere: [known], entries: [entry] })).toEqual([
      { kind: 'moved', known, entry, edited: true },
    ]);
  });
});

describe('a file at its path', () => {
  const known = row(1, 'a');

  it('is not mentioned when nothing changed', () => {
    expect(run({ known: [known], entries: [entryOf(known)] })).toEqual([]);
  });

  it.each([
    ['size', { size: 101 }, 'edited'],
    ['mtime', { mtimeUs: 5_001 }, 'edited'],
    ['inode (saved by a new file over the name)', { ino: 99, birthUs: 4_500 }, 'edited'],
    ['ctime alone', { ctimeUs: 6_001 }, 'edited'],
    ['mode and with it ctime', { mode: 0o600, ctimeUs: 6_001 }, 'touched'],
    ['mode, ctime and mtime', { mode: 0o600, ctimeUs: 6_001, mtimeUs: 5_001 }, 'edited'],
    ['device number, as after a new mount', { dev: 2 }, 'touched'],
  ] as const)('that changed in %s', (_, changes, kind) => {
    const entry = entryOf(known, changes);
    expect(run({ known: [known], entries: [entry] })).toEqual([{ kind, known, entry }]);
  });

  it('stays the same node when another known file took its name, whose own node is then missing', () => {
    const other = row(2, 'b');
    const entry = entryOf(other, { name: 'a' });
    expect(run({ known: [known, other], entries: [entry] })).toEqual([
      { kind: 'edited', known, entry },
      { kind: 'missing', known: other },
    ]);
  });

  it('is a new node when its type changed', () => {
    const entry = entryOf(known, { type: 'symlink' });
    expect(run({ known: [known], entries: [entry] })).toEqual([
      { kind: 'created', entry },
      { kind: 'missing', known },
    ]);
  });
});

describe('a file that moved', () => {
  const known = row(1, 'a');

  it('keeps its node and content under its new name, though ctime changed', () => {
    const entry = entryOf(known, { name: 'b', ctimeUs: 9_000 });
    expect(run({ known: [known], entries: [entry] })).toEqual([
      { kind: 'moved', known, entry, edited: false },
    ]);
  });

  it('is found in another folder', () => {
    const entry = entryOf(known);
    expect(run({ known: [], elsewhere: [known], entries: [entry] })).toEqual([
      { kind: 'moved', known, entry, edited: false },
    ]);
  });

  it('is read again when its mtime changed too', () => {
    const entry = entryOf(known, { name: 'b', mtimeUs: 1 });
    expect(run({ known: [known], entries: [entry] })).toMatchObject([{ kind: 'moved', edited: true }]);
  });

  it.each([
    ['size', { size: 1 }],
    ['birth time', { birthUs: 8_000 }],
    ['device', { dev: 2 }],
  ])('is taken for another file on a used inode when the %s differs', (_, changes) => {
    const entry = entryOf(known, { name: 'b', ...changes });
    expect(run({ known: [known], entries: [entry] })).toEqual([
      { kind: 'created', entry },
      { kind: 'missing', known },
    ]);
  });

  it('needs its mtime where the file system keeps no birth time', () => {
    const ageless = row(1, 'a', { birthUs: 0 });
    const same = entryOf(ageless, { name: 'b' });
    expect(run({ known: [ageless], entries: [same] })).toMatchObject([{ kind: 'moved' }]);
    const other = entryOf(ageless, { name: 'b', mtimeUs: 1 });
    expect(run({ known: [ageless], entries: [other] })).toMatchObject([
      { kind: 'created' },
      { kind: 'missing' },
    ]);
  });
});

describe('hard links', () => {
  const known = row(1, 'a');
  const link = entryOf(known, { name: 'b' });

  it('are nodes of their own while the old path is there', () => {
    const created = [{ kind: 'created', entry: link }];
    expect(run({ known: [known], entries: [entryOf(known), link] })).toEqual(created);
    expect(run({ known: [], elsewhere: [known], linked: [known], entries: [link] })).toEqual(created);
  });

  it('claim a node that is gone from its path once', () => {
    const entries = [link, entryOf(known, { name: 'c' })];
    expect(run({ known: [known], entries })).toMatchObject([
      { kind: 'moved', entry: { name: 'b' } },
      { kind: 'created', entry: { name: 'c' } },
    ]);
  });
});

describe('folders', () => {
  const one = row(1, 'one', { type: 'folder' });
  const two = row(2, 'two', { type: 'folder' });

  it('that exchanged their names are two moves', () => {
    const entries = [entryOf(two, { name: 'one' }), entryOf(one, { name: 'two' })];
    expect(run({ known: [one, two], entries })).toMatchObject([
      { kind: 'moved', known: two, entry: { name: 'one' } },
      { kind: 'moved', known: one, entry: { name: 'two' } },
    ]);
  });

  it('renamed, with a new one made at the old name, are a move and a new node', () => {
    const entries = [entryOf(one, { ino: 50, birthUs: 9_000 }), entryOf(one, { name: 'kept' })];
    expect(run({ known: [one], entries })).toMatchObject([
      { kind: 'created', entry: { name: 'one' } },
      { kind: 'moved', known: one, entry: { name: 'kept' } },
    ]);
  });

  it('keep their node by their path when all inodes are new', () => {
    const entry = entryOf(one, { ino: 50, birthUs: 9_000 });
    expect(run({ known: [one], entries: [entry] })).toEqual([{ kind: 'touched', known: one, entry }]);
  });

  it('are not moved on the word of an inode alone', () => {
    const ageless = row(1, 'one', { type: 'folder', birthUs: 0 });
    const entry = entryOf(ageless, { name: 'other' });
    expect(run({ known: [ageless], entries: [entry] })).toMatchObject([
      { kind: 'created' },
      { kind: 'missing' },
    ]);
  });

  it('are not mentioned for times that their entries changed', () => {
    const entry = entryOf(one, { mtimeUs: 1, ctimeUs: 1, size: 4_096 });
    expect(run({ known: [one], entries: [entry] })).toEqual([]);
  });
});
