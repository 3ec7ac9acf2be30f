import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY_MS, RETENTION_MS } from '../../protocol/limits.ts';
import { TRASH_NODE, type ChunkId } from '../../protocol/ids.ts';
import { PASSWORD } from '../../test/fakes/account-world.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { TreeWorld, type TreeUser } from '../../test/fakes/tree-world.ts';
import { CloudError } from '../remote/cloud.ts';
import { ChunkSet } from './chunk-set.ts';
import { keepVaults } from './keep-vaults.ts';

// Real servers and sealing on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: TreeWorld;
let ann: TreeUser;

beforeEach(async () => {
  world = await TreeWorld.start();
  ann = await world.first();
  await ann.makeVault();
});
afterEach(async () => {
  await world.close();
});

const bytes = (name: string, size: number): Buffer => Buffer.from(seededRandom(name)(size));
const live = (user = ann): number => user.vault.log.store.packs('live').length;

describe('housekeeping', () => {
  it('does nothing, and asks nothing, when nothing changed', async () => {
    await ann.write('a', bytes('a', 200_000));
    expect(await ann.keepHouse()).toMatchObject({ result: 'kept', droppedPacks: 0, addedPacks: 0 });
    const bob = await world.another();
    const { seq } = ann.vault.log.cursor();
    world.pass(11 * 60_000); // Ann's lease is over
    expect((await bob.cloud.lease(bob.vault.vault)).granted).toBe(true);
    expect((await ann.keepHouse()).result).toBe('kept');
    expect(ann.vault.log.cursor().seq).toBe(seq);
    await ann.write('b', 'b');
    expect((await ann.keepHouse()).result).toBe('leased-elsewhere');
  });

  it('buries what lay in the trash for its time, and drops what only that needed', async () => {
    await ann.write('work/a', bytes('a', 200_000));
    await ann.write('b', bytes('b', 200_000));
    await ann.delete('work');
    world.pass(RETENTION_MS - DAY_MS);
    expect(await ann.keepHouse()).toMatchObject({ tombstones: 0, droppedPacks: 0 });
    world.pass(2 * DAY_MS);
    expect(await ann.keepHouse()).toMatchObject({ tombstones: 2, droppedPacks: 1 });
    expect([...ann.vault.log.store.remote.children(TRASH_NODE)]).toEqual([]);
    expect(live()).toBe(1);
    expect(Buffer.compare(await ann.read('b'), bytes('b', 200_000))).toBe(0);
  });

  it('copies what lives out of a pack that is mostly dead', async () => {
    const whole = bytes('mixed', 3_000_000);
    await ann.write('a', whole);
    const kept = whole.subarray(0, 900_000);
    await ann.write('a', kept);
    const before = ann.vault.log.store.packs('live');
    const outcome = await ann.keepHouse();
    expect(outcome).toMatchObject({ result: 'kept', addedPacks: 1 });
    expect(outcome.droppedPacks).toBeGreaterThan(0);
    const after = ann.vault.log.store.packs('live');
    const size = (packs: typeof after): number => packs.reduce((sum, pack) => sum + pack.size, 0);
    expect(size(after)).toBeLessThan(size(before) / 2);
    expect(Buffer.compare(await ann.read('a'), kept)).toBe(0);
    // Another device reads the copy, and the older version is still to be had.
    const bob = await world.another();
    expect(Buffer.compare(await bob.read('a'), kept)).toBe(0);
    await ann.handlers.restore({ path: 'a', version: 1 }, ann.context);
    expect(Buffer.compare(await ann.read('a'), whole)).toBe(0);
  });

  it('keeps the lists of a large file', async () => {
    // Twice as many chunks as a record lists, wherever the boundaries fall.
    const large = randomBytes(40_000_000);
    await ann.write('large', large);
    const node = ann.vault.log.store.remote.get(ann.node('large'));
    expect(ann.vault.log.store.content(node!.content!)?.depth).toBe(1);
    await ann.write('gone', bytes('gone', 200_000));
    await ann.write('gone', 'now small');
    expect((await ann.keepHouse()).droppedPacks).toBe(1);
    expect(Buffer.compare(await ann.read('large'), large)).toBe(0);
  });

  it('merges many small packs', async () => {
    for (let index = 0; index < 18; index += 1) await ann.write(`f${index}`, `content ${index}`);
    expect(live()).toBe(18);
    expect(await ann.keepHouse()).toMatchObject({ addedPacks: 1, droppedPacks: 18 });
    expect(live()).toBe(1);
    for (const index of [0, 9, 17]) expect((await ann.read(`f${index}`)).toString()).toBe(`content ${index}`);
  });

  it('drops nothing that a change which came in between needs again', async () => {
    const content = bytes('again', 300_000);
    await ann.write('a', content);
    const bob = await world.another();
    await ann.write('a', 'small');
    await bob.vault.log.pull();
    // Between Ann's decision and her commit Bob writes the same content, from the pack that seems unneeded.
    const commit = ann.cloud.commit.bind(ann.cloud);
    let tries = 0;
    ann.cloud.commit = async (vault, frame) => {
      tries += 1;
      if (tries === 1) await bob.write('b', content);
      return commit(vault, frame);
    };
    expect(await ann.keepHouse()).toMatchObject({ result: 'kept', droppedPacks: 0 });
    expect(tries).toBe(1);
    ann.cloud.commit = commit;
    expect(Buffer.compare(await ann.read('b'), content)).toBe(0);
  });

  it('forgets dropped packs only when the server has', async () => {
    await ann.write('a', bytes('a', 200_000));
    await ann.write('a', 'small');
    await ann.keepHouse();
    expect(ann.vault.log.store.packs('dropped')).toHaveLength(1);
    await ann.keepHouse();
    world.pass(RETENTION_MS);
    await ann.keepHouse();
    expect(ann.vault.log.store.packs('dropped')).toHaveLength(1);
    world.pass(2 * DAY_MS);
    await ann.keepHouse();
    expect(ann.vault.log.store.packs('dropped')).toEqual([]);
  });
});

describe('housekeeping of all vaults', () => {
  it('goes on round by round while the engine is idle, and not otherwise', async () => {
    for (let index = 0; index < 18; index += 1) await ann.write(`f${index}`, `content ${index}`);
    const { clock, random } = ann;
    const { signal } = ann.context;
    expect(await keepVaults(ann.running, { clock, random, signal, isIdle: () => false })).toBe(false);
    expect(live()).toBe(18);
    expect(await keepVaults(ann.running, { clock, random, signal, isIdle: () => true })).toBe(true);
    expect(live()).toBe(1);
  });

  it('tries again later when the server cannot be reached', async () => {
    const { clock, random } = ann;
    const { signal } = ann.context;
    ann.cloud.account = () => Promise.reject(new CloudError('offline', 'no line'));
    expect(await keepVaults(ann.running, { clock, random, signal, isIdle: () => true })).toBe(false);
  });
});

describe('trash empty --now', () => {
  it('gives the stored bytes up after a proof of the password', async () => {
    await ann.write('a', bytes('a', 400_000));
    await ann.write('b', bytes('b', 200_000));
    await ann.delete('a');
    const refused = ann.handlers['trash.empty']({ now: true, password: 'wrong password' }, ann.context);
    await expect(refused).rejects.toMatchObject({ code: 'refused' });
    expect([...ann.vault.log.store.remote.children(TRASH_NODE)]).toHaveLength(1);
    await expect(ann.handlers['trash.empty']({ now: true }, ann.context)).rejects.toMatchObject({
      code: 'bad-input',
    });
    const before = (await ann.cloud.account()).quota;
    const emptied = await ann.handlers['trash.empty']({ now: true, password: PASSWORD }, ann.context);
    expect(emptied).toEqual({ items: 1, bytes: 400_000 });
    const after = (await ann.cloud.account()).quota;
    expect(before.liveBytes - after.liveBytes).toBeGreaterThan(400_000);
    expect(after.retainedBytes).toBeLessThan(100_000);
    expect(Buffer.compare(await ann.read('b'), bytes('b', 200_000))).toBe(0);
  });
});

describe('ChunkSet', () => {
  it('has all it was given, and hardly anything else', () => {
    const random = seededRandom('chunks');
    const id = (): ChunkId => Buffer.from(random(32)).toString('hex') as ChunkId;
    const given = Array.from({ length: 20_000 }, id);
    const set = new ChunkSet();
    for (const chunk of given) set.add(chunk);
    for (const chunk of given) set.add(chunk);
    expect(set.size).toBe(given.length);
    expect(given.every((chunk) => set.has(chunk))).toBe(true);
    expect(Array.from({ length: 20_000 }, id).filter((chunk) => set.has(chunk))).toEqual([]);
    expect(set.has('0'.repeat(64) as ChunkId)).toBe(false);
    set.add('0'.repeat(64) as ChunkId);
    expect(set.has('0'.repeat(64) as ChunkId)).toBe(true);
  });
});
