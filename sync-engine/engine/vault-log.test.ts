/** What the log of a vault and those that look at its nodes agree on, whatever ends the process in between. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TreeUser, TreeWorld } from '../../test/fakes/tree-world.ts';

// Real servers and sealing on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: TreeWorld;
let ann: TreeUser;

beforeEach(async () => {
  world = await TreeWorld.start();
  ann = await world.first();
  await ann.makeVault();
  await ann.write('a', 'from the first day');
});
afterEach(async () => {
  await world.close();
});

function failsOnce(user: TreeUser): void {
  user.onChanged = () => {
    user.onChanged = () => undefined;
    throw new Error('the disk is full');
  };
}

it('does not move past a commit whose nodes could not be marked', async () => {
  const bob = await world.another();
  await ann.write('b', 'later');
  const { seq } = bob.vault.log.cursor();
  failsOnce(bob);
  await expect(bob.vault.log.pull()).rejects.toThrow('the disk is full');
  expect(bob.vault.log.cursor().seq).toBe(seq);
  await bob.vault.log.pull();
  expect(bob.vault.log.cursor().seq).toBe(ann.vault.log.cursor().seq);
  expect(bob.node('b')).toBe(ann.node('b'));
});

it('does not take a live state whose nodes could not be marked', async () => {
  const bob = await TreeUser.start(world, await world.account.login({ deviceName: 'Laptop' }));
  failsOnce(bob);
  await expect(bob.join()).rejects.toThrow('the disk is full');
  expect(bob.vault.log.cursor().seq).toBe(0);
  await bob.join();
  expect(bob.node('a')).toBe(ann.node('a'));
});

it('knows a commit of its own again that was taken though the answer said otherwise', async () => {
  const { cloud } = ann;
  const commit = cloud.commit.bind(cloud);
  const answers = vi.spyOn(cloud, 'commit');
  // Taken, and denied; the next one was sealed anew, so it has another hash.
  answers.mockImplementationOnce(async (...args) => {
    await commit(...args);
    return { kind: 'stale-chain' };
  });
  await expect(ann.write('b', 'said to be refused')).rejects.toThrow('stale-chain');
  await expect(ann.write('c', 'sent on the same head')).rejects.toThrow('stale-head');
  await ann.vault.log.pull();
  expect(ann.node('b')).toBeDefined();
  await ann.write('d', 'after it');
  const bob = await world.another();
  for (const name of ['b', 'd']) expect(bob.node(name)).toBe(ann.node(name));
  expect(answers).toHaveBeenCalledTimes(3);
});
