import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFrame } from '../../protocol/commit.ts';
import type { Hash } from '../../protocol/ids.ts';
import { VaultLog } from '../../sync-engine/engine/vault-log.ts';
import { CloudError, type Cloud } from '../../sync-engine/remote/cloud.ts';
import { CLOCK, RANDOM } from './folder-device.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';
import { forge, sealed } from './insider.ts';
import { forgedPage, type Lies } from './lies.ts';
import { recordOf } from '../../sync-engine/engine/history.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('plan.txt', 'first');
  ann.write('kept.txt', 'kept');
  await ann.settle();
  bob = await world.another(ann);
});
afterEach(async () => {
  await world.close();
});

const headOf = (device: HostileDevice) => {
  const { seq, hash } = device.sync.log.cursor();
  return { seq, hash };
};
const gone = (): never => {
  throw new CloudError('gone', 'no longer kept: take the live state');
};
/** The vault as it was at an older head, in every answer. */
const asOf = (device: HostileDevice, head: { seq: number; hash: Hash }): Lies => ({
  changes: () => Promise.resolve(forgedPage(head, [])),
  vaults: () => Promise.resolve([{ vault: device.vault, head, createdAtMs: 1 }]),
});

describe('MS-11: an older head', () => {
  it.each([
    ['as such', {}],
    ['behind the pretext that the changes are no longer kept', { changes: async () => gone() }],
  ] satisfies [string, Lies][])(
    'is refused with an alarm, %s; nothing is overwritten or deleted',
    async (_, more) => {
      const old = headOf(bob);
      ann.write('plan.txt', 'second');
      ann.write('new.txt', 'new');
      await ann.settle();
      await bob.settle();
      const before = bob.files();
      expect(before['plan.txt']).toBe('second');

      bob.line.silent = true;
      bob.line.lies = { ...asOf(bob, old), ...more };
      const from = bob.line.asked.length;
      expect(await bob.look()).toEqual(['rolled-back']);
      expect(bob.files()).toEqual(before);
      // An edit made now stays here: nothing is built upon a state that was taken back.
      bob.write('plan.txt', 'third, by Bob');
      expect(await bob.look()).toEqual(['rolled-back']);
      expect(bob.told(from)).toEqual([]);
      expect(bob.files()).toEqual({ ...before, 'plan.txt': 'third, by Bob' });
    },
  );

  it('is refused when it is a number above everything, and not walked up to', async () => {
    const before = bob.files();
    bob.line.silent = true;
    const head = { ...headOf(bob), seq: Number.MAX_SAFE_INTEGER };
    bob.line.lies = { ...asOf(bob, head), changes: async () => gone() };
    const from = bob.line.asked.length;
    expect(await bob.look()).toEqual(['log-fault bad-object']);
    expect(bob.line.asked.slice(from).filter((method) => method === 'headers').length).toBeLessThan(200);
    expect(bob.files()).toEqual(before);
    expect(bob.told(from)).toEqual([]);
  });

  it('is refused after a restart too: what was seen is kept', async () => {
    const old = headOf(bob);
    ann.write('plan.txt', 'second');
    await ann.settle();
    await bob.settle();
    await bob.engine.stop();
    bob.line.lies = asOf(bob, old);
    const log = new VaultLog({
      vault: bob.vault,
      manifest: bob.manifest,
      cloud: bob.line.cloud,
      identity: bob.identity,
      clock: CLOCK,
      random: RANDOM,
      hooks: {
        changed: () => undefined,
        faults: () => undefined,
        rewinding: () => () => undefined,
        chainMoved: () => undefined,
      },
    });
    await expect(log.pull()).rejects.toMatchObject({ code: 'rolled-back' });
  });
});

describe('MS-11: a fork', () => {
  /** Ann's next commit is shown to all but Bob, Bob's to nobody; both believe theirs is the next. */
  async function fork(): Promise<Uint8Array> {
    const base = headOf(bob);
    let own: Uint8Array | null = null;
    bob.line.silent = true;
    bob.line.lies = {
      ...asOf(bob, base),
      commit: (_honest, _vault, frame) => {
        own = Uint8Array.from(frame);
        const { seq } = decodeFrame(frame).header;
        bob.line.lies = {};
        return Promise.resolve({ kind: 'committed', seq, receivedAtMs: 1 });
      },
    };
    ann.write('plan.txt', 'by Ann');
    await ann.settle();
    bob.write('plan.txt', 'by Bob');
    await bob.look();
    expect(own).not.toBeNull();
    return own!;
  }

  it('is found when the branches meet, and neither side loses anything', async () => {
    await fork();
    const from = bob.line.asked.length;
    expect(await bob.look()).toEqual(['forked']);
    expect(bob.files()).toEqual({ 'kept.txt': 'kept', 'plan.txt': 'by Bob' });
    expect(bob.told(from)).toEqual([]);
    expect(ann.files()).toEqual({ 'kept.txt': 'kept', 'plan.txt': 'by Ann' });
  });

  it('is found by the other device when it is shown the commit of the lost branch', async () => {
    const frame = await fork();
    const { seq } = headOf(ann);
    ann.line.silent = true;
    ann.line.lies = {
      changes: () => Promise.resolve(forgedPage({ seq: seq + 1, hash: '1'.repeat(64) as Hash }, [frame])),
    };
    expect(await ann.look()).toEqual(['log-fault bad-chain']);
    expect(ann.files()).toEqual({ 'kept.txt': 'kept', 'plan.txt': 'by Ann' });
  });

  it.each([1, 3])(
    'is not hidden by showing only the live state of the other branch, %i commits on',
    async (commits) => {
      await fork();
      for (let count = 1; count < commits; count += 1) {
        ann.write(`more-${count}.txt`, 'more');
        await ann.settle();
      }
      bob.line.lies = { changes: async () => gone() };
      expect(await bob.look()).toEqual(['forked']);
      expect(bob.files()).toEqual({ 'kept.txt': 'kept', 'plan.txt': 'by Bob' });
    },
  );

  it('is found by the hash of the commit before, though all else fits', async () => {
    const node = ann.node('plan.txt');
    const record = recordOf(ann.sync.log, ann.sync.log.store.remote.get(node)!, { mode: 0o600 });
    const nodes = [{ node, object: sealed(ann, node, record) }];
    const other = forge(ann, nodes, { previous: '4'.repeat(64) as Hash });
    bob.line.silent = true;
    bob.line.lies = {
      changes: () => Promise.resolve(forgedPage({ seq: other.header.seq, hash: other.hash }, [other.frame])),
    };
    expect(await bob.pull()).toBe('forked');
  });

  it('is found through the heads a commit says other devices were seen at', async () => {
    const node = ann.node('plan.txt');
    const record = recordOf(ann.sync.log, ann.sync.log.store.remote.get(node)!, { mode: 0o600 });
    const seen = { device: bob.identity.device, seq: headOf(ann).seq, hash: '2'.repeat(64) as Hash };
    const crossing = forge(ann, [{ node, object: sealed(ann, node, record) }], { heads: [seen] });
    bob.line.silent = true;
    bob.line.lies = {
      changes: () =>
        Promise.resolve(forgedPage({ seq: crossing.header.seq, hash: crossing.hash }, [crossing.frame])),
    };
    expect(await bob.pull()).toBe('forked');
  });
});

describe('MS-11: a stall', () => {
  it('loses nothing: the device works on, and what both changed is kept twice once it ends', async () => {
    const base = headOf(bob);
    bob.line.silent = true;
    const stalled: Lies = asOf(bob, base);
    const told = new Promise<void>((resolve) => {
      stalled.commit = async (honest: Cloud, vault, frame) => {
        const outcome = await honest.commit(vault, frame);
        expect(outcome.kind).toBe('stale-head');
        resolve();
        return outcome;
      };
    });
    bob.line.lies = stalled;
    ann.write('plan.txt', 'by Ann');
    await ann.settle();
    bob.write('plan.txt', 'by Bob');
    const waiting = bob.engine.wait(20_000, AbortSignal.timeout(30_000));
    await told;
    expect(bob.files()).toEqual({ 'kept.txt': 'kept', 'plan.txt': 'by Bob' });
    bob.line.lies = {};
    bob.line.silent = false;
    await waiting;
    await bob.settle();
    await ann.settle();
    expect(ann.files()).toEqual(bob.files());
    const contents = Object.values(bob.files()).sort();
    expect(contents).toEqual(['by Ann', 'by Bob', 'kept']);
  });
});
