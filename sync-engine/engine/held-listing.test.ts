import { describe, expect, it } from 'vitest';
import { ROOT_NODE, type NodeId } from '../../protocol/ids.ts';
import { MemoryTree } from '../../test/fakes/memory-tree.ts';
import type { NodeState, NodeType } from '../plan/tree.ts';
import { listHeld } from './held-listing.ts';

const idOf = (path: string): NodeId => Buffer.from(path).toString('hex').padEnd(32, '0') as NodeId;

/** A folder ends in a slash. */
function tree(...paths: string[]): MemoryTree {
  return new MemoryTree(
    paths.map((text): NodeState => {
      const path = text.replace(/\/$/, '');
      const at = path.lastIndexOf('/');
      const type: NodeType = text === path ? 'file' : 'folder';
      return {
        id: idOf(path),
        parent: at < 0 ? ROOT_NODE : idOf(path.slice(0, at)),
        name: path.slice(at + 1),
        type,
        mode: 0o644,
        mtimeUs: 0,
        size: 0,
        content: null,
      };
    }),
  );
}

const synced = tree('kept', 'b/', 'b/two', 'b/one', 'b/sub/', 'b/sub/three', 'a', 'z');
const list = (local: MemoryTree, held: string[], limit = 100) =>
  listHeld({ local, synced, bound: ROOT_NODE }, new Set(held.map(idOf)), limit);

describe('what a held removal would take', () => {
  it('is every file at and beneath what is held, in order, each once', () => {
    expect(list(tree('kept'), ['z', 'b/sub', 'b', 'a'])).toEqual({
      files: 5,
      paths: ['a', 'b/one', 'b/sub/three', 'b/two', 'z'],
      deleted: 'here',
    });
  });

  it('is counted whole and named as far as was asked', () => {
    expect(list(tree('kept'), ['b', 'a', 'z'], 2)).toMatchObject({ files: 5, paths: ['a', 'b/one'] });
  });

  it('was deleted where it is missing', () => {
    expect(list(synced, ['a', 'z']).deleted).toBe('elsewhere');
    expect(list(tree('kept', 'a'), ['a', 'z']).deleted).toBe('both');
  });

  it('leaves out what is gone on both sides by now', () => {
    expect(list(tree('kept'), ['a', 'settled meanwhile'])).toMatchObject({ files: 1, paths: ['a'] });
  });

  it('is named only as far as one answer holds', () => {
    const names = Array.from(
      { length: 30 },
      (_, index) => `${String(index).padStart(2, '0')}${'x'.repeat(9_998)}`,
    );
    const many = tree(...names);
    const held = new Set(names.map(idOf));
    const found = listHeld({ local: tree(), synced: many, bound: ROOT_NODE }, held, 100);
    expect([found.files, found.paths.length]).toEqual([30, 20]);
  });
});
