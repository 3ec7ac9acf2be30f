import { describe, expect, it } from 'vitest';
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { NodeState } from '../plan/tree.ts';
import type { PairStore } from './manifest.ts';
import { contentId, file, folder, inLog, nodeId, onDisk, sample } from '../../test/fakes/sample-manifest.ts';

describe('the local tree', () => {
  it('returns a node as it was put', () => {
    const { pair } = sample();
    const node = onDisk(file('a', { content: null }), { localName: 'a~1', ino: 2 ** 64, dev: 2 ** 40 });
    pair.putLocal(node);
    expect(pair.local.get(node.id)).toEqual(node);
    expect(pair.localChildren(ROOT_NODE)).toEqual([node]);
    expect(pair.localByIdentity(2 ** 40, 2 ** 64)).toEqual([node]);
    expect(pair.localByIdentity(1, 2 ** 64)).toEqual([]);
  });

  it('looks up by the account name and by the name on disk', () => {
    const { pair } = sample();
    // Two names the disk cannot tell apart; the alias of one looks like the name of nobody.
    pair.putLocal(onDisk(file('Read')));
    pair.putLocal(onDisk(file('read'), { localName: 'read (case)' }));
    expect(pair.local.child(ROOT_NODE, 'read')?.id).toBe(nodeId('read'));
    expect(pair.local.child(ROOT_NODE, 'read (case)')).toBeUndefined();
    expect(pair.localByDiskName(ROOT_NODE, 'read (case)')?.id).toBe(nodeId('read'));
    expect(pair.localByDiskName(ROOT_NODE, 'read')).toBeUndefined();
    expect(pair.local.child(ROOT_NODE, 'Read')?.id).toBe(nodeId('Read'));
  });

  it('finds a name that is also the alias of another', () => {
    const { pair } = sample();
    pair.putLocal(onDisk(file('x'), { localName: 'y' }));
    pair.putLocal(onDisk(file('y'), { localName: 'z' }));
    expect(pair.local.child(ROOT_NODE, 'y')?.id).toBe(nodeId('y'));
    expect(pair.local.child(ROOT_NODE, 'x')?.id).toBe(nodeId('x'));
  });

  it('holds one node for a name on disk, unless parked', () => {
    const { pair } = sample();
    pair.putLocal(onDisk(file('a')));
    const second = onDisk(file('b', { name: 'a' }));
    expect(() => pair.putLocal(second)).toThrow('UNIQUE');
    pair.putLocal(onDisk(file('a'), { parked: true }));
    pair.putLocal(second);
    expect(pair.local.child(ROOT_NODE, 'a')?.id).toBe(nodeId('b'));
    expect(
      pair
        .localChildren(ROOT_NODE)
        .map((node) => node.id)
        .sort(),
    ).toEqual([nodeId('a'), nodeId('b')].sort());
    expect(pair.localCount()).toBe(2);
  });

  it('finds a path and the node at a path, through aliases', () => {
    const { pair } = sample();
    pair.putLocal(onDisk(folder('top'), { localName: 'top~' }));
    pair.putLocal(onDisk(folder('mid', { parent: nodeId('top') })));
    pair.putLocal(onDisk(file('leaf', { parent: nodeId('mid') }), { localName: 'leaf~' }));
    expect(pair.diskPath(nodeId('leaf'))).toBe('top~/mid/leaf~');
    expect(pair.localAt('top~/mid/leaf~')).toBe(nodeId('leaf'));
    expect(pair.localAt('top/mid')).toBeNull();
    expect(pair.diskPath(ROOT_NODE)).toBe('');
    expect(pair.localAt('')).toBe(ROOT_NODE);
    pair.putLocal(onDisk(folder('mid', { parent: ROOT_NODE })));
    expect(pair.diskPath(nodeId('leaf'))).toBe('mid/leaf~');
    pair.putLocal(onDisk(folder('mid'), { parked: true }));
    expect(pair.diskPath(nodeId('leaf'))).toBeNull();
    expect(pair.localAt('mid/leaf~')).toBeNull();
    pair.deleteLocal(nodeId('mid'));
    expect(pair.diskPath(nodeId('leaf'))).toBeNull();
  });

  it('throws at a cycle', () => {
    const { pair } = sample();
    pair.putLocal(onDisk(folder('a', { parent: nodeId('b') })));
    pair.putLocal(onDisk(folder('b', { parent: nodeId('a') })));
    expect(() => pair.diskPath(nodeId('a'))).toThrow('cycle');
  });

  it('relabels a node with its children and marks', () => {
    const { pair } = sample();
    const from = nodeId('d');
    const to = nodeId('its id in the log');
    pair.putLocal(onDisk(folder('d')));
    pair.putLocal(onDisk(file('in', { parent: from })));
    pair.putLocal(onDisk(file('aside', { parent: from }), { parked: true }));
    pair.markDirty(from);
    pair.markUnsettled(from, null);
    pair.quarantine(from, 50);
    pair.relabelLocal(from, to);
    expect(pair.local.get(from)).toBeUndefined();
    expect(pair.local.get(to)?.name).toBe('d');
    expect([...pair.local.children(to)]).toHaveLength(2);
    expect(pair.localChildren(from)).toEqual([]);
    expect(pair.diskPath(nodeId('in'))).toBe('d/in');
    expect([pair.isDirty(from), pair.isDirty(to)]).toEqual([false, true]);
    expect(pair.unsettled(9)).toEqual([{ id: to, put: null, before: null }]);
    expect(pair.attempts(to)).toBe(1);
    expect(pair.dirtyCount()).toBe(1);
    expect(pair.localCount()).toBe(3);
  });

  it('relabels onto a node that is marked already, and never onto another row', () => {
    const { pair } = sample();
    pair.putLocal(onDisk(file('a')));
    pair.putLocal(onDisk(file('b')));
    expect(() => pair.relabelLocal(nodeId('a'), nodeId('b'))).toThrow('UNIQUE');
    expect(() => pair.relabelLocal(nodeId('nobody'), nodeId('c'))).toThrow('not there');
    pair.markDirty(nodeId('a'));
    pair.markDirty(nodeId('c'));
    pair.relabelLocal(nodeId('a'), nodeId('c'));
    expect(pair.dirty(9, 0, 0).ids).toEqual([nodeId('c')]);
    expect(pair.dirtyCount()).toBe(1);
  });
});

describe('the synced tree', () => {
  it('counts files and their bytes through every change', () => {
    const { pair } = sample();
    const counts = () => [pair.syncedFileCount(), pair.syncedBytes()];
    pair.putSynced(folder('d'));
    pair.putSynced(file('a', { size: 100 }));
    pair.putSynced(file('b', { size: 5, parent: nodeId('d') }));
    expect(counts()).toEqual([2, 105]);
    pair.putSynced(file('a', { size: 40, content: contentId('new') }));
    expect(counts()).toEqual([2, 45]);
    pair.putSynced(file('b', { type: 'symlink', size: 5 }));
    expect(counts()).toEqual([1, 40]);
    pair.putSynced(file('b', { size: 6 }));
    expect(counts()).toEqual([2, 46]);
    pair.deleteSynced(nodeId('b'));
    pair.deleteSynced(nodeId('b'));
    pair.deleteSynced(nodeId('d'));
    expect(counts()).toEqual([1, 40]);
    expect(pair.synced.child(ROOT_NODE, 'a')).toEqual(file('a', { size: 40, content: contentId('new') }));
    expect([...pair.synced.children(ROOT_NODE)]).toHaveLength(1);
    expect(pair.synced.get(nodeId('b'))).toBeUndefined();
  });
});

describe('dirty nodes', () => {
  it('come oldest first, page by page, once each', () => {
    const { pair } = sample();
    const ids = Array.from({ length: 10 }, (_, index) => nodeId(`n${index}`));
    for (const id of ids) pair.markDirty(id);
    pair.markDirty(ids[0]!);
    expect(pair.dirtyCount()).toBe(10);
    const seen = [];
    let after = 0;
    while (true) {
      const page = pair.dirty(4, after, 0);
      if (page.ids.length === 0) break;
      seen.push(...page.ids);
      after = page.cursor;
      // A mark set while the pass runs is met by the same pass; one renewed is not met again.
      if (seen.length === 4) pair.markDirty(nodeId('late'));
      pair.markDirty(ids[1]!);
    }
    expect(seen).toEqual([...ids, nodeId('late')]);
    expect(pair.dirty(4, after, 0)).toEqual({ ids: [], cursor: after });
    pair.clearDirty(ids[0]!);
    expect(pair.isDirty(ids[0]!)).toBe(false);
    expect(pair.dirty(1, 0, 0).ids).toEqual([ids[1]]);
  });

  it('marked after all were cleared, are behind an old cursor no more', () => {
    const { pair } = sample();
    pair.markDirty(nodeId('a'));
    const { cursor } = pair.dirty(9, 0, 0);
    pair.clearDirty(nodeId('a'));
    pair.markDirty(nodeId('a'));
    expect(pair.dirty(9, cursor, 0).ids).toEqual([nodeId('a')]);
  });

  it('in quarantine wait for their time', () => {
    const { pair } = sample();
    for (const name of ['a', 'b', 'c']) pair.markDirty(nodeId(name));
    expect(pair.nextRelease()).toBeNull();
    expect(pair.quarantine(nodeId('a'), 1_000)).toBe(1);
    expect(pair.quarantine(nodeId('b'), 2_000)).toBe(1);
    expect(pair.dirty(9, 0, 500).ids).toEqual([nodeId('c')]);
    expect(pair.nextRelease()).toBe(1_000);
    expect(pair.dirty(9, 0, 1_000).ids).toEqual([nodeId('a'), nodeId('c')]);
    expect(pair.nextRelease()).toBe(2_000);
    expect(pair.quarantine(nodeId('a'), 4_000)).toBe(2);
    expect(pair.attempts(nodeId('a'))).toBe(2);
    pair.release(nodeId('b'));
    expect(pair.dirty(9, 0, 1_500).ids).toEqual([nodeId('b'), nodeId('c')]);
    expect(pair.attempts(nodeId('b'))).toBe(0);
    expect(pair.dirtyCount()).toBe(3);
    // The mark comes and goes; the attempts and the time stay.
    pair.clearDirty(nodeId('a'));
    expect(pair.nextRelease()).toBeNull();
    pair.markDirty(nodeId('a'));
    expect(pair.dirty(9, 0, 1_500).ids).not.toContain(nodeId('a'));
    expect(pair.nextRelease()).toBe(4_000);
    expect(pair.attempts(nodeId('a'))).toBe(2);
    pair.quarantine(nodeId('c'), 5_000);
    pair.releaseAll(1, 4_000);
    expect(pair.dirty(9, 0, 1_500).ids).toEqual([nodeId('b'), nodeId('a')]);
  });

  it('weigh what has to travel', () => {
    const { pair, vault } = sample();
    const pending = (id: string) => {
      pair.markDirty(nodeId(id));
      return pair.pending();
    };
    pair.putLocal(onDisk(file('up', { size: 7, content: null })));
    expect(pending('up')).toEqual({ files: 1, bytes: 7 });
    vault.putRemote(inLog(file('down', { size: 20 })));
    expect(pending('down')).toEqual({ files: 2, bytes: 27 });
    pair.putLocal(onDisk(folder('folder')));
    expect(pending('folder')).toEqual({ files: 2, bytes: 27 });
    // Renamed: a file waits, none of its bytes do.
    pair.putLocal(onDisk(file('moved', { name: 'new name' })));
    pair.putSynced(file('moved'));
    vault.putRemote(inLog(file('moved')));
    expect(pending('moved')).toEqual({ files: 3, bytes: 27 });
    // Marked again with more bytes.
    pair.putLocal(onDisk(file('up', { size: 9, content: null })));
    expect(pending('up')).toEqual({ files: 3, bytes: 29 });
    // The same change on both sides.
    pair.putLocal(onDisk(file('down', { size: 20 })));
    expect(pending('down')).toEqual({ files: 3, bytes: 9 });
    pair.clearDirty(nodeId('up'));
    expect(pair.pending()).toEqual({ files: 2, bytes: 0 });
    expect(pending('nobody')).toEqual({ files: 2, bytes: 0 });
  });
});

describe('other marks', () => {
  it('unsettled nodes are cleared one by one, and what was marked again meanwhile stays', () => {
    const { pair } = sample();
    const put = { content: contentId('x'), mtimeUs: 5, ino: 7 };
    for (const name of ['a', 'b', 'c', 'a']) pair.markUnsettled(nodeId(name), name === 'c' ? null : put);
    expect(pair.unsettled(9)).toHaveLength(3);
    expect(pair.unsettled(2)).toHaveLength(2);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({
      id: nodeId(name),
      put: name === 'c' ? null : put,
      before: null,
    }));
    expect(new Set(pair.unsettled(9))).toEqual(new Set([a, b, c]));
    pair.markUnsettled(nodeId('b'), { ...put, mtimeUs: 6 });
    for (const mark of [a, b, c]) if (mark !== undefined) pair.clearUnsettled(mark);
    expect(pair.unsettled(9)).toEqual([{ id: nodeId('b'), put: { ...put, mtimeUs: 6 }, before: null }]);
  });

  it('an unsettled node remembers what was marked before', () => {
    const { pair } = sample();
    const [old, next] = [
      { content: contentId('old'), mtimeUs: 5, ino: 7 },
      { content: contentId('new'), mtimeUs: 6, ino: 8 },
    ];
    for (const put of [old, next, next]) pair.markUnsettled(nodeId('a'), put);
    const before = { content: old.content, mtimeUs: 5 };
    expect(pair.unsettled(9)).toEqual([{ id: nodeId('a'), put: next, before }]);
  });

  it('deselection is a set', () => {
    const { pair } = sample();
    pair.deselect(nodeId('a'), true);
    pair.deselect(nodeId('a'), true);
    pair.deselect(nodeId('b'), true);
    pair.deselect(nodeId('b'), false);
    expect(pair.deselected()).toEqual(new Set([nodeId('a')]));
  });
});

describe('what nothing marked though the trees differ', () => {
  const all = (pair: PairStore): readonly NodeId[] => pair.unmarked(0, 255);
  const everywhere = (world: ReturnType<typeof sample>, node: NodeState): void => {
    world.pair.putLocal(onDisk(node));
    world.pair.putSynced(node);
    world.vault.putRemote(inLog(node));
  };

  it('is nothing where all three agree, whatever the name on disk', () => {
    const world = sample();
    everywhere(world, folder('top'));
    everywhere(world, file('a', { parent: nodeId('top') }));
    world.pair.putLocal(onDisk(file('a', { parent: nodeId('top') }), { localName: 'a~1' }));
    expect(all(world.pair)).toEqual([]);
  });

  it.each([
    ['another content', { content: contentId('other') }],
    ['a content that was not read', { content: null }],
    ['another name', { name: 'b' }],
    ['another folder', { parent: nodeId('elsewhere') }],
    ['another mode', { mode: 0o600 }],
    ['another time', { mtimeUs: 1 }],
  ])('is a node that has %s on disk, until it is dirty', (_, change) => {
    const world = sample();
    everywhere(world, file('a'));
    world.pair.putLocal(onDisk(file('a', change)));
    expect(all(world.pair)).toEqual([nodeId('a')]);
    world.pair.markDirty(nodeId('a'));
    expect(all(world.pair)).toEqual([]);
  });

  it('is a node that only one tree has, and not what lies beneath one that is missing', () => {
    const world = sample();
    const { pair, vault } = world;
    pair.putLocal(onDisk(file('only here')));
    pair.putSynced(file('in neither'));
    vault.putRemote(inLog(folder('only there')));
    vault.putRemote(inLog(file('beneath it', { parent: nodeId('only there') })));
    vault.putRemote(inLog(file('thrown away', { parent: TRASH_NODE })));
    const found = new Set([nodeId('only here'), nodeId('in neither'), nodeId('only there')]);
    expect(new Set(all(pair))).toEqual(found);
  });

  it('is told by the first byte of its id', () => {
    const { pair } = sample();
    pair.putLocal(onDisk(file('only here')));
    const byte = parseInt(nodeId('only here').slice(0, 2), 16);
    expect(pair.unmarked(byte, byte)).toEqual([nodeId('only here')]);
    expect([...pair.unmarked(0, byte - 1), ...pair.unmarked(byte + 1, 255)]).toEqual([]);
  });
});
