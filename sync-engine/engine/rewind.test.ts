import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { epochCommit, PASSWORD } from '../../test/fakes/account-world.ts';
import { TreeWorld, type TreeUser } from '../../test/fakes/tree-world.ts';
import { revokeDevice } from '../account/revoke-device.ts';
import { voidLog } from '../account/void-log.ts';

// Real servers and sealing on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: TreeWorld;
let ann: TreeUser;
let eve: TreeUser;
/** The last good one. */
let good: number;

beforeEach(async () => {
  world = await TreeWorld.start();
  ann = await world.first();
  await ann.makeVault();
  await ann.write('plan.txt', 'the plan');
  await ann.write('photos/photo.jpg', 'a photo');
  eve = await world.another();
  good = ann.vault.log.cursor().seq;
  await eve.write('plan.txt', 'encrypted');
  await eve.delete('photos/photo.jpg');
  await eve.write('ransom.txt', 'pay');
  await ann.vault.log.pull();
});
afterEach(async () => {
  await world.close();
});

const heads = (user: TreeUser, cursor: string | null = null, limit = 200) =>
  user.handlers['vault.heads']({ vault: null, pair: null, cursor, limit }, user.context);
const rewind = (
  user: TreeUser,
  given: Partial<Parameters<TreeUser['handlers']['vault.rewind']>[0]> = {},
): ReturnType<TreeUser['handlers']['vault.rewind']> =>
  user.handlers['vault.rewind'](
    { vault: null, pair: null, to: good, includeLive: false, ...given },
    user.context,
  );
const remove = (user: TreeUser, by = ann): Promise<void> =>
  revokeDevice(by.device, { target: user.device.device, password: PASSWORD, verifiedHead: () => null });
const paths = (user: TreeUser): string[] =>
  ['plan.txt', 'photos/photo.jpg', 'ransom.txt'].filter((path) => {
    try {
      return user.node(path) !== '';
    } catch {
      return false;
    }
  });

it('lists commits newest first, with what this device verified of them', async () => {
  const { vault, heads: all, nextCursor } = await heads(ann);
  expect([vault, nextCursor]).toEqual(['Files', null]);
  expect(all.map(({ revision }) => revision)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  expect(all.map(({ deviceName }) => deviceName)).toEqual([
    ...['Laptop', 'Laptop', 'Laptop'],
    ...['Desk', 'Desk', 'Desk', 'Desk'],
  ]);
  expect(all.map(({ nodes }) => nodes)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  expect(all.filter(({ current }) => current).map(({ revision }) => revision)).toEqual([7]);
  const first = await heads(ann, null, 3);
  expect(first.heads).toEqual(all.slice(0, 3));
  expect((await heads(ann, first.nextCursor, 500)).heads).toEqual(all.slice(3));
});

it('shows no number where only the header was read: a device that joined later', async () => {
  const { heads: all } = await heads(eve);
  expect(all.map(({ nodes }) => nodes)).toEqual([1, 1, 1, null, null, null, null]);
  expect(all.map(({ hash }) => hash)).toEqual((await heads(ann)).heads.map(({ hash }) => hash));
});

it('refuses while the device that wrote is in the account, and says what to do', async () => {
  const refused = await rewind(ann, { password: PASSWORD }).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('Laptop (3)'),
    hint: expect.stringContaining(`coffre devices revoke ${eve.device.device}`),
  });
  expect(ann.device.chain().voids).toEqual([]);
});

it('says what it would take back, and takes it back with the password', async () => {
  await remove(eve);
  const seen = await rewind(ann);
  expect(seen).toMatchObject({ vault: 'Files', commits: 3, unverified: 0, done: false, touchedCount: 3 });
  expect(seen.to.revision).toBe(good);
  expect(seen.writers).toMatchObject([{ deviceName: 'Laptop', removed: true, current: false, commits: 3 }]);
  expect(seen.touched).toEqual([
    { path: '/photos/photo.jpg', type: 'file', change: 'comes-back', againBy: null },
    { path: '/plan.txt', type: 'file', change: 'content', againBy: null },
    { path: '/ransom.txt', type: 'file', change: 'goes-away', againBy: null },
  ]);
  await expect(rewind(ann, { password: 'wrong' })).rejects.toMatchObject({ code: 'refused' });
  expect(ann.vault.log.cursor().seq).toBe(good + 3);

  expect(await rewind(ann, { password: PASSWORD, hash: seen.to.hash })).toMatchObject({ done: true });
  expect(ann.vault.log.cursor().seq).toBe(good);
  expect(paths(ann)).toEqual(['plan.txt', 'photos/photo.jpg']);
  expect((await ann.read('plan.txt')).toString()).toBe('the plan');
  await expect(rewind(ann)).rejects.toMatchObject({ code: 'bad-input' });
});

it('takes back what devices wrote that stay only when that is said', async () => {
  const bob = await world.another();
  await bob.write('by-bob.txt', 'since');
  await remove(eve);
  await expect(rewind(ann, { password: PASSWORD })).rejects.toMatchObject({
    code: 'refused',
    hint: expect.stringContaining(bob.device.device),
  });
  const seen = await rewind(ann, { includeLive: true });
  expect(seen.touched.find(({ path }) => path === '/by-bob.txt')?.againBy).toBe('Laptop');
  expect(await rewind(ann, { includeLive: true, password: PASSWORD })).toMatchObject({ commits: 4 });
  expect(ann.vault.log.cursor().seq).toBe(good);
});

it('takes back what this device cannot verify, by whom the headers say it is', async () => {
  const { seq, hash } = eve.vault.log.cursor();
  const previousKey = eve.device.vaultKeys(eve.vault.vault).epochKey(0);
  const at = { vault: eve.vault.vault, epoch: 1, previous: { seq, hash }, previousKey };
  // Its root is none; the server cannot tell.
  expect(await eve.cloud.commit(at.vault, epochCommit(eve.device, at).frame)).toMatchObject({
    kind: 'committed',
  });
  await expect(ann.vault.log.pull()).rejects.toMatchObject({ code: 'bad-root' });
  await expect(rewind(ann, { to: seq })).rejects.toMatchObject({ code: 'refused' });
  await remove(eve);
  expect(await rewind(ann, { to: seq })).toMatchObject({ commits: 1, unverified: 1, touchedCount: 0 });
  expect(await rewind(ann)).toMatchObject({ commits: 4, unverified: 1, touchedCount: 3 });
  expect(await rewind(ann, { to: seq, password: PASSWORD })).toMatchObject({ done: true });
  expect(ann.vault.log.cursor().seq).toBe(seq);
  await ann.write('after.txt', 'goes on');
});

it('judges anew what came in while the password was proved', async () => {
  const bob = await world.another();
  await remove(eve);
  const prove = ann.device.prove.bind(ann.device);
  vi.spyOn(ann.device, 'prove').mockImplementationOnce(async (password) => {
    await bob.device.followChain();
    await bob.write('by-bob.txt', 'at this moment');
    return prove(password);
  });
  await expect(rewind(ann, { password: PASSWORD })).rejects.toMatchObject({
    code: 'refused',
    hint: expect.stringContaining(bob.device.device),
  });
  expect(ann.device.chain().voids).toEqual([]);
});

it('does not undo what only this device wrote', async () => {
  await remove(eve);
  await ann.write('own.txt', 'mine');
  const to = ann.vault.log.cursor().seq - 1;
  await expect(rewind(ann, { to })).rejects.toMatchObject({
    code: 'refused',
    hint: expect.stringContaining('coffre restore'),
  });
});

it('knows only the commit that was chosen, and only those there are', async () => {
  await remove(eve);
  const other = (await rewind(ann, { to: good - 1 })).to.hash;
  await expect(rewind(ann, { hash: other, password: PASSWORD })).rejects.toMatchObject({ code: 'not-found' });
  for (const to of [0, 99]) await expect(rewind(ann, { to })).rejects.toMatchObject({ code: 'not-found' });
  expect(ann.device.chain().voids).toEqual([]);
});

it('makes the entry anew when the device chain moved meanwhile', async () => {
  await remove(eve);
  const { seq, hash } = ann.vault.log.store.header(good)!;
  const lengths: number[] = [];
  await voidLog(ann.device, {
    password: PASSWORD,
    pinOn: async (chain) => {
      lengths.push(chain.length);
      // Another device joins between the reading of the chain and the entry onto it.
      if (lengths.length === 1) await world.account.login({ deviceName: 'Phone' });
      return { vault: ann.vault.vault, seq, hash };
    },
  });
  expect(lengths).toEqual([lengths[0], lengths[0]! + 1]);
  expect(ann.device.chain().voids).toMatchObject([{ at: lengths[1], pin: { seq } }]);
  await ann.vault.log.pull();
  expect(ann.vault.log.cursor().seq).toBe(good);
});

it('is one entry when two devices ask for the same', async () => {
  const bob = await world.another();
  await remove(eve);
  await bob.device.followChain();
  await bob.vault.log.pull();
  await Promise.all([rewind(ann, { password: PASSWORD }), rewind(bob, { password: PASSWORD })]);
  await ann.device.followChain();
  expect(ann.device.chain().voids).toHaveLength(1);
  for (const user of [ann, bob]) expect(user.vault.log.cursor().seq).toBe(good);
});
