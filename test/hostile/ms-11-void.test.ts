/** A vault wrecked by a device that was taken over, and taken back to the head before with the person's signature. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Head } from '../../protocol/cloud.ts';
import { ROOT_NODE, type Hash } from '../../protocol/ids.ts';
import { FOLDER } from './folder-device.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';
import { forge, sealed } from './insider.ts';
import { forgedPage } from './lies.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;
let eve: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  for (const name of ['plan.txt', 'letter.txt', 'photo.jpg']) ann.write(name, `${name}, whole`);
  await ann.settle();
  bob = await world.another(ann);
  eve = await world.another(ann, 'Eve');
  await ann.settle();
});
afterEach(async () => {
  await world.close();
});

const headOf = (device: HostileDevice): Head => {
  const { seq, hash } = device.sync.log.cursor();
  return { seq, hash };
};

/** Of whatever the account knows of it: the server cannot tell that this root is none. */
async function breakLog(device: HostileDevice): Promise<void> {
  const node = device.node('plan.txt');
  const record = { ...FOLDER, parent: ROOT_NODE, name: 'plan.txt' };
  const object = sealed(device, node, record);
  const { frame } = forge(device, [{ node, object }], { root: '5'.repeat(64) as Hash });
  expect(await device.line.cloud.commit(device.vault, frame)).toMatchObject({ kind: 'committed' });
}

/** Eve's device destroys everything; Bob adds something of his own. Returns the head before. */
async function wreck(): Promise<Head> {
  const good = headOf(ann);
  eve.write('plan.txt', 'encrypted by Eve');
  eve.remove('photo.jpg');
  eve.write('ransom.txt', 'pay');
  await eve.settle();
  await bob.settle();
  bob.write('by-bob.txt', 'written after');
  bob.write('letter.txt', 'edited by Bob after');
  await bob.settle();
  await ann.settle();
  expect(ann.files()).toMatchObject({ 'plan.txt': 'encrypted by Eve', 'ransom.txt': 'pay' });
  return good;
}

it('goes back on every device by itself; each proposes only its own later changes', async () => {
  const good = await wreck();
  await eve.engine.stop();
  await world.server.revoke(ann.keys, eve.identity.device);
  await world.server.rewind(ann.keys, ann.vault, good);
  await ann.settle();
  await bob.settle();
  await ann.settle();
  const expected = {
    'by-bob.txt': 'written after',
    'letter.txt': 'edited by Bob after',
    'photo.jpg': 'photo.jpg, whole',
    'plan.txt': 'plan.txt, whole',
  };
  expect(ann.files()).toEqual(expected);
  expect(bob.files()).toEqual(expected);
  // The keys that Eve knew do not return with the older head.
  expect(ann.sync.log.cursor().epoch).toBe(1);
  const carol = await world.another(ann, 'Carol');
  expect(carol.files()).toEqual(expected);
});

it('sets a log going again that stopped at a commit which does not hold', async () => {
  const good = headOf(ann);
  await eve.engine.stop();
  await breakLog(eve);
  for (const device of [ann, bob]) expect(await device.alarmed()).toEqual(['log-fault bad-root']);
  await world.server.revoke(ann.keys, eve.identity.device);
  await world.server.rewind(ann.keys, ann.vault, good);
  for (const device of [ann, bob]) await device.until(() => device.issues().length === 0);
  bob.write('plan.txt', 'goes on');
  await bob.settle();
  await ann.settle();
  expect(ann.files()).toMatchObject({ 'plan.txt': 'goes on' });
});

it('is no alarm where the head is read before the entry', async () => {
  const good = await wreck();
  await world.server.revoke(ann.keys, eve.identity.device);
  await bob.settle();
  bob.line.silent = true;
  await world.server.rewind(ann.keys, ann.vault, good);
  expect(bob.identity.chain().voids).toEqual([]);
  expect(await bob.pull()).toBeNull();
  expect(headOf(bob)).toEqual(good);
  await bob.settle();
});

it('is refused without the entry, and what it voided does not return', async () => {
  const good = await wreck();
  const before = bob.files();
  const voided = await bob.line.cloud.changes(bob.vault, good.seq);
  bob.line.silent = true;
  bob.line.lies = {
    changes: () => Promise.resolve(forgedPage(good, [])),
    vaults: () => Promise.resolve([{ vault: bob.vault, head: good, createdAtMs: 1 }]),
  };
  expect(await bob.look()).toEqual(['rolled-back']);
  expect(bob.files()).toEqual(before);
  // With it the device goes back; shown the voided commits again it stops.
  bob.line.lies = { commit: () => Promise.resolve({ kind: 'stale-head', head: good }) };
  await world.server.rewind(ann.keys, ann.vault, good);
  await bob.identity.followChain();
  expect(await bob.pull()).toBeNull();
  expect(headOf(bob)).toEqual(good);
  bob.line.lies.changes = () => Promise.resolve(voided);
  expect(await bob.pull()).toBe('bad-device-chain');
});
