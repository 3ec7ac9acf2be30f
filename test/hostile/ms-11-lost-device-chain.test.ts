/** A device chain that went back with a restored server, or is said to have: what a device gives back, and to whom. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeSignedEntry, encodeSignedEntry, type SignedChainEntry } from '../../protocol/device-chain.ts';
import type { OpenDevice } from '../../sync-engine/account/open-device.ts';
import { ChainRolledBack } from '../../sync-engine/account/chain-follow.ts';
import { noticeEntry } from '../../sync-engine/crypto/chain-entries.ts';
import { wipeAccountKeys } from '../../sync-engine/crypto/identity.ts';
import { verificationError } from '../../sync-engine/account/person-errors.ts';
import { PASSWORD } from '../fakes/account-world.ts';
import { HostileWorld } from './hostile-world.ts';
import { base64, LyingAccount } from './lying-account.ts';

const LOST = '/v1/chain/lost';

let lying: LyingAccount;
let ann: OpenDevice;

beforeEach(async () => {
  lying = await LyingAccount.start();
  ann = (await lying.world.signup(lying.through())).device;
});
afterEach(async () => {
  await lying.close();
});

const entriesOf = async (device = ann): Promise<SignedChainEntry[]> =>
  (await device.connection.cloud.chain(0)).entries;
const encoded = (entries: readonly SignedChainEntry[]): string[] =>
  entries.map((entry) => base64(encodeSignedEntry(entry)));
/** From now on the server shows this chain. */
function showing(entries: readonly SignedChainEntry[]): void {
  lying.proxy.tamper = ({ method, path }) => {
    if (method !== 'GET' || !path.startsWith('/v1/chain?')) return null;
    const from = Number(new URLSearchParams(path.split('?')[1]).get('from'));
    return {
      status: 200,
      body: JSON.stringify({ length: entries.length, entries: encoded(entries.slice(from)) }),
    };
  };
}
const given = (): SignedChainEntry[] =>
  lying.proxy.seen
    .filter(({ path }) => path === LOST)
    .flatMap(({ body }) => (JSON.parse(body) as { entries: string[] }).entries)
    .map((entry) => decodeSignedEntry(Buffer.from(entry, 'base64')));

/** An entry in the place of the last, as a person with the password made it on another branch. */
async function otherBranch(entries: readonly SignedChainEntry[]): Promise<SignedChainEntry[]> {
  const proof = await ann.prove(PASSWORD);
  const tip = { length: entries.length - 1, head: ann.chain().hashes[entries.length - 2]! };
  const other = noticeEntry(proof.account, tip, 'recovered', 1);
  wipeAccountKeys(proof.account);
  return [...entries.slice(0, -1), other];
}

describe('MS-11: a device chain that went back', () => {
  it('is an alarm; given back are the lost entries alone, and nothing is taken for it', async () => {
    await lying.world.login({ deviceName: 'Laptop' });
    await lying.world.login({ deviceName: 'Phone' });
    const before = await ann.followChain();
    const all = await entriesOf();
    showing(all.slice(0, -2));
    await expect(ann.followChain()).rejects.toMatchObject({
      code: 'verification',
      cause: expect.any(ChainRolledBack),
    });
    expect(given()).toEqual([]);
    await ann.giveBackChain();
    expect(encoded(given())).toEqual(encoded(all.slice(-2)));
    expect(ann.chain()).toBe(before);
    await expect(ann.followChain()).rejects.toMatchObject({ code: 'verification' });
  });

  it('is given nothing where it parts from the one that was seen', async () => {
    await lying.world.login({ deviceName: 'Laptop' });
    await lying.world.login({ deviceName: 'Phone' });
    await ann.followChain();
    const all = await entriesOf();
    const fork = await otherBranch(all);
    const shorter = await otherBranch(all.slice(0, -1));
    for (const shown of [fork, shorter, []]) {
      showing(shown);
      if (shown === fork) {
        // As long as its own: nothing is missing, and what follows refuses it.
        await ann.giveBackChain();
        await expect(ann.followChain()).rejects.toMatchObject({ code: 'verification' });
      } else await expect(ann.giveBackChain()).rejects.toMatchObject({ code: 'verification' });
    }
    expect(given()).toEqual([]);
  });

  it('takes nothing that does not stand on it, and not from a stranger', async () => {
    const laptop = await lying.world.login({ deviceName: 'Laptop' });
    await ann.followChain();
    const all = await entriesOf();
    const other = await otherBranch(all);
    const { api, session } = ann.connection;
    const token = await session.accessToken();
    const { length } = all;
    // What it has already is passed over; another entry in its place, a gap and a foreign signature are refused.
    expect(await api.giveBackChain(token, all)).toEqual({ length });
    await expect(api.giveBackChain(token, other)).rejects.toMatchObject({ fault: 'stale-chain' });
    const proof = await ann.prove(PASSWORD);
    const next = noticeEntry(proof.account, ann.chain(), 'recovered', 1);
    const later = noticeEntry(proof.account, { length: length + 1, head: ann.chain().head }, 'recovered', 1);
    wipeAccountKeys(proof.account);
    const signature = Uint8Array.from(next.signature);
    signature[0]! ^= 1;
    await expect(api.giveBackChain(token, [{ ...next, signature }])).rejects.toMatchObject({
      fault: 'refused',
    });
    await expect(api.giveBackChain(token, [later])).rejects.toMatchObject({ fault: 'stale-chain' });
    await expect(api.giveBackChain('x'.repeat(40), [next])).rejects.toMatchObject({ fault: 'unauthorized' });
    expect((await entriesOf()).length).toBe(length);
    expect((await laptop.followChain()).length).toBe(length);
  });

  it('leaves every device at the chain it saw, whatever it was given', async () => {
    const laptop = await lying.world.login({ ...lying.through(), deviceName: 'Laptop' });
    await ann.followChain();
    const all = await entriesOf();
    const fork = await otherBranch(all);
    // The server grafts what Ann gives back onto the other branch.
    showing(all.slice(0, -1));
    await ann.giveBackChain();
    showing([...fork, ...given()]);
    for (const device of [ann, laptop]) {
      const before = device.chain();
      await expect(device.followChain()).rejects.toMatchObject({ code: 'verification' });
      expect(device.chain()).toBe(before);
    }
  });
});

describe('MS-11: an engine that is told of such a chain', () => {
  it('raises the alarm and goes on once the chain is the one it saw', async () => {
    const world = await HostileWorld.start();
    try {
      const device = await world.signup();
      await device.settle();
      const older = verificationError('an older list', { cause: new ChainRolledBack('shorter') });
      const follow = vi.spyOn(device.identity, 'followChain').mockRejectedValue(older);
      world.server.announce(device.keys.account, { kind: 'chain', length: 1 });
      expect(await device.alarmed()).toEqual(['rolled-back']);
      expect(await device.look()).toEqual(['rolled-back']);
      follow.mockRestore();
      device.engine.nudge();
      await device.until(() => device.issues().length === 0);
      await device.settle();
    } finally {
      await world.close();
    }
  });
});
