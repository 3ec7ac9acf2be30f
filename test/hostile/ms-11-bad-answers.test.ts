import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeChangesPage } from '../../protocol/pages.ts';
import { CloudError, type CommitOutcome } from '../../sync-engine/remote/cloud.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';
import { overTheWire } from './lies.ts';

/** As if the answer of the server had been cut, or were not what it is said to be. */
function unreadable(): never {
  return overTheWire(() => {
    decodeChangesPage(Uint8Array.of(1, 2, 3));
    throw new Error('it decodes');
  });
}

describe('MS-11: answers that cannot be read', () => {
  let world: HostileWorld;
  let ann: HostileDevice;
  let bob: HostileDevice;

  beforeEach(async () => {
    world = await HostileWorld.start();
    ann = await world.signup();
    bob = await world.another(ann);
    bob.line.silent = true;
    ann.write('thesis.txt', 'the only copy');
    await ann.settle();
  });
  afterEach(() => world.close());

  /** The next `times` looks at the log are answered so; resolves when the last of them was asked for. */
  function answered(times: number, lie: () => never): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let left = times;
    bob.line.lies = {
      changes: async (honest, vault, after) => {
        if (left === 0) return honest.changes(vault, after);
        left -= 1;
        if (left === 0) resolve(undefined);
        return lie();
      },
    };
    bob.engine.nudge();
    return promise;
  }

  it('raise an alarm after three in a row, apply nothing, and the alarm ends with them', async () => {
    const before = bob.files();
    const from = bob.line.asked.length;
    void answered(Number.POSITIVE_INFINITY, unreadable);
    expect(await bob.alarmed()).toEqual(['bad-answers']);
    expect(bob.line.asked.slice(from).filter((method) => method === 'changes')).toHaveLength(3);
    expect(bob.engine.state()).toBe('attention');
    expect(await bob.look()).toEqual(['bad-answers']);
    expect(bob.files()).toEqual(before);
    expect(bob.told(from)).toEqual([]);
    bob.line.lies = {};
    await bob.until(() => bob.files()['thesis.txt'] === 'the only copy');
    await bob.settle();
    expect(bob.issues()).toEqual([]);
  });

  it('are no alarm when there are two of them, as after a broken transfer', async () => {
    await answered(2, unreadable);
    // An alarm would still stand at the first good look.
    await bob.until(() => bob.files()['thesis.txt'] === 'the only copy');
    expect(bob.issues()).toEqual([]);
  });

  it('are no alarm when what answers is no account server', async () => {
    await answered(4, () => {
      throw new CloudError('stranger', 'a captive portal');
    });
    await bob.until(() => bob.files()['thesis.txt'] === 'the only copy');
    expect(bob.issues()).toEqual([]);
  });

  it.each<[string, () => CommitOutcome]>([
    ['a head that is not there', () => ({ kind: 'stale-head', head: bob.sync.log.cursor() })],
    ['a device list that has not grown', () => ({ kind: 'stale-chain' })],
    ['packs that nobody offered', () => ({ kind: 'pack-missing', packs: [] })],
    [
      'packs that the log holds',
      () => ({ kind: 'pack-missing', packs: bob.sync.log.store.packs('live').map(({ name }) => name) }),
    ],
  ])('raise an alarm when commits are refused for %s, and are asked for no more', async (_, refusal) => {
    bob.write('held.txt', 'x'.repeat(300_000));
    await bob.settle();
    const live = bob.sync.log.store.packs('live');
    expect(live.length).toBeGreaterThan(0);
    const from = bob.line.asked.length;
    bob.line.lies = { commit: () => Promise.resolve(refusal()) };
    bob.write('mine.txt', 'mine');
    expect(await bob.look()).toEqual(['bad-answers']);
    expect(bob.line.asked.slice(from).filter((method) => method === 'commit').length).toBeLessThan(100);
    expect(bob.sync.log.store.packs('live')).toEqual(live);
    bob.line.lies = {};
    await bob.until(() => bob.engine.isOnline);
    await bob.settle();
    await ann.settle();
    expect(ann.files()['mine.txt']).toBe('mine');
  });

  it('raise an alarm when they are given to commits alone', async () => {
    bob.line.lies = { commit: () => Promise.resolve().then(unreadable) };
    bob.write('mine.txt', 'mine');
    expect(await bob.look()).toEqual(['bad-answers']);
    bob.line.lies = {};
    await bob.until(() => bob.engine.isOnline);
    await bob.settle();
    await ann.settle();
    expect(ann.files()['mine.txt']).toBe('mine');
  });
});
