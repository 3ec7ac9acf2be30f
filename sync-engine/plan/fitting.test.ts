import { describe, expect, it } from 'vitest';
import { ToldWorld } from '../../test/fakes/told-world.ts';
import { fitting, mayRemove, type RemoteOperation } from './fitting.ts';
import { plan } from './plan.ts';

const OPTIONS = { deviceName: 'here', date: '2026-01-31' };

function account(on: ToldWorld): RemoteOperation[] {
  const { operations } = plan(on, on.dirty, OPTIONS);
  return operations.filter(({ kind }) => kind === 'put' || kind === 'trash') as RemoteOperation[];
}

describe('what fits one commit', () => {
  it('is not the trash of a folder without the move of what was taken out of it', () => {
    const on = new ToldWorld({ d: null, 'd/x': 1, 'd/y': 2 });
    on.move('local', 'd/x', 'x');
    on.delete('local', 'd');
    const whole = account(on);
    expect(whole.map(({ kind }) => kind)).toEqual(['put', 'trash']);
    expect(fitting(on, whole)).toEqual(whole);
    expect(fitting(on, whole.slice(1))).toEqual([]);
  });

  it('is a swap as a whole, and neither half of it', () => {
    const on = new ToldWorld({ a: 1, b: 2 });
    on.move('local', 'a', 'c');
    on.move('local', 'b', 'a');
    on.move('local', 'c', 'b');
    const whole = account(on);
    expect(whole).toHaveLength(2);
    expect(fitting(on, whole)).toEqual(whole);
    for (const half of whole) expect(fitting(on, [half])).toEqual([]);
  });

  it('is not a file without its new folder', () => {
    const on = new ToldWorld({});
    on.create('local', 'n', null);
    on.create('local', 'n/f', 1);
    expect(fitting(on, account(on).slice(1))).toEqual([]);
  });

  it('is not a ring', () => {
    const on = new ToldWorld({ a: null, b: null });
    const into = (id: string, parent: string): RemoteOperation => {
      const state = { ...on.remote.get(on.id(id))!, parent: on.id(parent) };
      return { kind: 'put', id: state.id, state, reason: 'moved-here' };
    };
    expect(fitting(on, [into('a', 'b')])).toHaveLength(1);
    expect(fitting(on, [into('a', 'b'), into('b', 'a')])).toEqual([]);
  });

  it('is one claim to a name, the first', () => {
    const on = new ToldWorld({ a: 1, b: 2 });
    const renamed = (id: string): RemoteOperation => {
      const state = { ...on.remote.get(on.id(id))!, name: 'n' };
      return { kind: 'put', id: state.id, state, reason: 'moved-here' };
    };
    const [first, second] = [renamed('a'), renamed('b')];
    expect(fitting(on, [first, second])).toEqual([first]);
  });
});

describe('a folder gone elsewhere', () => {
  function world(): ToldWorld {
    const on = new ToldWorld({ d: null, 'd/x': 1, 'd/s': null, 'd/s/y': 2 });
    on.delete('remote', 'd');
    return on;
  }

  it('may go with all that is in it', () => {
    const on = world();
    expect(mayRemove(on, on.id('d', 'local'))).toBe(true);
  });

  it.each<[string, (on: ToldWorld) => void]>([
    ['a new file is deep in it', (on) => void on.create('local', 'd/s/n', 9)],
    ['a file in it was edited', (on) => on.edit('local', 'd/s/y', 9)],
    [
      'a file in it is not read yet',
      (on) => on.local.set({ ...on.local.get(on.id('d/x', 'local'))!, content: null }),
    ],
    [
      'a file in it belongs elsewhere now',
      (on) => on.remote.set({ ...on.remote.get(on.id('d/x', 'local'))!, parent: on.bound }),
    ],
  ])('may not when %s', (_, change) => {
    const on = world();
    change(on);
    expect(mayRemove(on, on.id('d', 'local'))).toBe(false);
  });
});

describe('order', () => {
  it('clears a name on the disk before it is taken, and removes the rest last', () => {
    const on = new ToldWorld({ a: 1, z: 2 });
    on.delete('remote', 'z');
    on.delete('remote', 'a');
    on.create('remote', 'a', 9);
    const [z, a] = [on.id('z', 'local'), on.id('a', 'local')];
    const { operations } = plan(on, on.dirty, OPTIONS);
    expect(operations.map(({ kind, id }) => [kind, id])).toEqual([
      ['remove', a],
      ['fetch', on.id('a')],
      ['remove', z],
    ]);
  });

  it('keeps a trash beside the put that takes its name, and the other trashes after', () => {
    const on = new ToldWorld({ a: 1, z: 2 });
    const [z, a] = [on.id('z'), on.id('a')];
    on.delete('local', 'z');
    on.delete('local', 'a');
    const fresh = on.create('local', 'a', 9);
    expect(account(on).map(({ kind, id }) => [kind, id])).toEqual([
      ['trash', a],
      ['put', fresh],
      ['trash', z],
    ]);
  });
});

describe('a touch', () => {
  it.each(['local', 'remote'] as const)('alone travels: %s', (side) => {
    const on = new ToldWorld({ a: 1 });
    const id = on.id('a');
    on[side].set({ ...on[side].get(id)!, mtimeUs: 99 });
    on.dirty.add(id);
    on.settle();
    for (const tree of [on.local, on.remote, on.synced]) expect(tree.get(id)?.mtimeUs).toBe(99);
  });
});
