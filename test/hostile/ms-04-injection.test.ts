import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFrame } from '../../protocol/commit.ts';
import { ROOT_NODE, toHex, type Hash, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { makeDeviceKeys } from '../../sync-engine/crypto/identity.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { FOLDER, RANDOM } from './folder-device.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';
import { altered, forge, sealed } from './insider.ts';
import { forgedPage } from './lies.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('plan.txt', 'first');
  await ann.settle();
  bob = await world.another(ann);
});
afterEach(async () => {
  await world.close();
});

/** A commit that holds in every point: a folder `injected`, by a device of the account. */
function injection(device: HostileDevice) {
  const node = toHex(RANDOM.bytes(16)) as NodeId;
  const record = { ...FOLDER, parent: ROOT_NODE, name: 'injected' };
  return forge(device, [{ node, object: sealed(device, node, record) }]);
}

/** Shows Bob a commit by the way he asks, then lets his engine look. */
async function shown(built: { frame: Uint8Array; hash: Hash }): Promise<string[]> {
  const { seq } = decodeFrame(built.frame).header;
  bob.line.silent = true;
  bob.line.lies = {
    changes: (_honest, _vault, after) =>
      Promise.resolve(forgedPage({ seq, hash: built.hash }, after < seq ? [built.frame] : [])),
  };
  return bob.look();
}

async function refused(built: { frame: Uint8Array; hash: Hash }, code: string): Promise<void> {
  const before = bob.files();
  const from = bob.line.asked.length;
  expect(await shown(built)).toEqual([code]);
  // What Bob does from now on stays with him as well.
  bob.write('private.txt', 'mine');
  await bob.look();
  expect(bob.files()).toEqual({ ...before, 'private.txt': 'mine' });
  expect(bob.told(from)).toEqual([]);
}

describe('MS-04: a commit injected into the log', () => {
  it('is taken from a device of the account: what follows fails for its own reason alone', async () => {
    expect(await shown(injection(ann))).toEqual([]);
    expect(bob.files()).toHaveProperty('injected/');
  });

  it('is refused from a device that is on no list', async () => {
    const stranger = makeDeviceKeys(secureRandom);
    await refused(
      altered(injection(ann).frame, { device: stranger.device }, stranger.signSecret),
      'log-fault bad-device',
    );
  });

  it('is refused under the name of a device whose key did not sign it', async () => {
    const stranger = makeDeviceKeys(secureRandom);
    await refused(altered(injection(ann).frame, {}, stranger.signSecret), 'log-fault bad-signature');
  });

  it('is refused from a device that was not yet added at that place of the log', async () => {
    const eve = await world.another(ann, 'Eve');
    await bob.identity.followChain();
    const chain = bob.identity.chain();
    const { addedAt } = chain.devices.get(eve.identity.device)!;
    const early = { chainLength: addedAt, chainHead: chain.hashes[addedAt - 1]! };
    await refused(altered(injection(eve).frame, early, eve.identity.signSecret), 'log-fault bad-device');
  });

  it('is refused from another vault', async () => {
    const other = toHex(RANDOM.bytes(16)) as VaultId;
    await refused(
      altered(injection(ann).frame, { vault: other }, ann.identity.signSecret),
      'log-fault bad-chain',
    );
  });

  it('is refused on a list of devices that is not the account’s', async () => {
    const chainHead = '3'.repeat(64) as Hash;
    await refused(
      altered(injection(ann).frame, { chainHead }, ann.identity.signSecret),
      'log-fault bad-device-chain',
    );
  });

  it('is refused under Bob’s own key when Bob did not make it', async () => {
    await refused(
      altered(injection(ann).frame, { device: bob.identity.device }, bob.identity.signSecret),
      'copied-home',
    );
  });

  it('is refused when it is pushed, as when it is asked for', async () => {
    const stranger = makeDeviceKeys(secureRandom);
    const forged = altered(injection(ann).frame, { device: stranger.device }, stranger.signSecret);
    const before = bob.files();
    world.server.announceCommit(ann.keys.account, bob.vault, 1, forged.frame);
    expect(await bob.alarmed()).toEqual(['log-fault bad-device']);
    expect(bob.files()).toEqual(before);
  });
});
