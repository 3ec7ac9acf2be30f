/** A server restored from a backup, one that only says so, and rejoin commits that do not hold. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitHash, decodeFrame, type SignedHeader } from '../../protocol/commit.ts';
import type { Head } from '../../protocol/cloud.ts';
import { hashOf } from '../../protocol/signing.ts';
import { sign } from '../../sync-engine/crypto/sign.ts';
import { LiveSum } from '../../sync-engine/crypto/root.ts';
import { ZERO_HASH } from '../../protocol/ids.ts';
import { openEpoch } from '../../sync-engine/engine/log-epochs.ts';
import { RANDOM } from './folder-device.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';
import { altered, forge } from './insider.ts';
import { forgedPage } from './lies.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('plan.txt', 'first');
  ann.write('kept.txt', 'kept');
  ann.write('gone.txt', 'to be deleted');
  await ann.settle();
  bob = await world.another(ann);
  await ann.settle();
});
afterEach(async () => {
  await world.close();
});

const headOf = (device: HostileDevice): Head => {
  const { seq, hash } = device.sync.log.cursor();
  return { seq, hash };
};

async function alarmOf(device: HostileDevice, code = 'rolled-back'): Promise<number> {
  const codes = await device.look();
  expect(codes).toEqual([code]);
  return device.engine.issues()[0]!.id;
}

/** Both have newer things than the backup. */
async function newer(): Promise<Record<string, string>> {
  ann.write('plan.txt', 'second, by Ann');
  ann.write('new/by-ann.txt', 'new, by Ann');
  await ann.settle();
  await bob.settle();
  bob.write('by-bob.txt', 'new, by Bob');
  await bob.settle();
  await ann.settle();
  return ann.files();
}

describe('MS-11: a server restored from a backup', () => {
  it('asks one person on one device, and ends with every newer thing on both', async () => {
    const backup = headOf(ann);
    const expected = await newer();
    const mark = headOf(ann);
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    const issue = await alarmOf(ann);
    expect(await bob.look()).toEqual(['rolled-back']);
    expect(bob.files()).toEqual(expected);

    await ann.engine.resolveIssue(issue, 'rejoin');
    await ann.settle();
    await bob.settle();
    expect(ann.files()).toEqual(expected);
    expect(bob.files()).toEqual(expected);
    expect(headOf(ann)).toEqual(headOf(bob));
    expect(headOf(ann).seq).toBeGreaterThan(mark.seq);
    expect(ann.sync.log.cursor().epoch).toBe(1);
    const carol = await world.another(ann, 'Carol');
    expect(carol.files()).toEqual(expected);
  });

  it('is taken up by a device that saw nothing newer as if nothing had been', async () => {
    const backup = headOf(bob);
    bob.line.silent = true;
    bob.line.lies = { changes: () => Promise.resolve(forgedPage(backup, [])) };
    ann.write('plan.txt', 'second, by Ann');
    await ann.settle();
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    bob.line.lies = {};
    bob.line.silent = false;
    await bob.settle();
    await ann.engine.resolveIssue(await alarmOf(ann), 'rejoin');
    await ann.settle();
    await bob.settle();
    expect(bob.files()).toEqual(ann.files());
    expect(bob.files()['plan.txt']).toBe('second, by Ann');
  });

  it('keeps what another device wrote on it meanwhile beside what was lost', async () => {
    const backup = headOf(ann);
    bob.line.silent = true;
    await bob.engine.stop();
    ann.write('plan.txt', 'second, by Ann');
    await ann.settle();
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    const carol = await world.another(ann, 'Carol');
    carol.write('plan.txt', 'by Carol, who saw nothing newer');
    carol.write('more.txt', 'more');
    await carol.settle();
    await ann.engine.resolveIssue(await alarmOf(ann, 'forked'), 'rejoin');
    await ann.settle();
    await carol.settle();
    expect(carol.files()).toEqual(ann.files());
    expect(Object.values(ann.files()).sort()).toEqual(
      ['by Carol, who saw nothing newer', 'kept', 'more', 'second, by Ann', 'to be deleted'].sort(),
    );
  });

  it('deletes again what was deleted since, and takes nothing that had not come down for deleted', async () => {
    const backup = headOf(ann);
    ann.remove('gone.txt');
    await ann.settle();
    await bob.settle();
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    await ann.engine.resolveIssue(await alarmOf(ann), 'rejoin');
    await ann.settle();
    await bob.settle();
    for (const device of [ann, bob]) {
      expect(device.files()).toEqual({ 'kept.txt': 'kept', 'plan.txt': 'first' });
    }
  });

  it('is asked about on each device whose mark the rejoin does not carry', async () => {
    const backup = headOf(ann);
    ann.line.silent = true;
    bob.write('by-bob.txt', 'seen by Bob alone');
    await bob.settle();
    const ours = headOf(bob);
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    // Ann goes on: she saw nothing newer, and her commit has the number of Bob's.
    ann.line.silent = false;
    ann.write('by-ann.txt', 'on the restored head');
    await ann.settle();
    expect(headOf(ann).seq).toBe(ours.seq);
    const issue = await alarmOf(bob, 'forked');
    await bob.engine.resolveIssue(issue, 'rejoin');
    await bob.settle();
    await ann.settle();
    expect(bob.files()).toEqual(ann.files());
    expect(bob.files()).toMatchObject({
      'by-bob.txt': 'seen by Bob alone',
      'by-ann.txt': 'on the restored head',
    });
  });

  it('finishes its rejoin after a crash between the restored head and the commit', async () => {
    const backup = headOf(ann);
    const expected = await newer();
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    const issue = await alarmOf(ann);
    ann.line.lies = { commit: () => Promise.reject(new Error('the process ends here')) };
    await expect(ann.engine.resolveIssue(issue, 'rejoin')).rejects.toThrow('the process ends here');
    ann.line.lies = {};
    await ann.settle();
    await bob.settle();
    expect(bob.files()).toEqual(expected);
    expect(ann.files()).toEqual(expected);
  });
});

describe('MS-11: a rejoin that does not hold', () => {
  interface Wanted {
    /** `next` stands on the newest of them, in epoch 1: what Ann wrote and Bob never saw. */
    readonly lost?: (lost: readonly SignedHeader[], next: SignedHeader) => readonly SignedHeader[];
    readonly seq?: (seq: number) => number;
    readonly epoch?: number;
  }

  /** Ann's rejoin on the restored head, but for one thing as she would write it; Bob is shown it. */
  async function shownToBob(wanted: Wanted): Promise<{ issues: string[]; before: Record<string, string> }> {
    const backup = headOf(ann);
    await newer();
    const lost = ann.sync.log.store.headersFrom(backup.seq + 1, 100).map(({ signed }) => signed!);
    const mark = headOf(ann);
    await world.server.restoreTo(ann.keys, ann.vault, backup);
    const before = bob.files();
    bob.line.silent = true;
    const { line, identity, manifest, vault } = ann;
    const epoch = wanted.epoch ?? 1;
    const { opening, wraps } = await openEpoch({ vault, identity, random: RANDOM }, 1, 0);
    const state = await line.cloud.state(vault, backup.seq, null);
    const sum = new LiveSum(identity.vaultKeys(vault).rootKey(epoch), ZERO_HASH);
    for (const { node, revision, object } of state.nodes) {
      sum.add({ kind: 'node', node, revision, objectHash: hashOf(object) });
    }
    for (const { name, index } of state.packs) sum.add({ kind: 'pack', name, indexHash: hashOf(index) });
    const seq = wanted.seq?.(mark.seq) ?? mark.seq + 1;
    const next = forge(ann, [], { seq: mark.seq + 1, epoch: 1, previous: mark.hash, opening, wraps });
    const rejoin = { lost: wanted.lost?.(lost, decodeFrame(next.frame).signed) ?? lost };
    const root = sum.root(seq);
    const built = forge(ann, [], { seq, epoch, previous: backup.hash, opening, wraps, rejoin, root });
    expect(manifest.vault(vault).cursor().seq).toBe(mark.seq);
    const head = { seq, hash: built.hash };
    const { signed } = decodeFrame(built.frame);
    bob.line.lies = {
      vaults: () => Promise.resolve([{ vault, head, createdAtMs: 1 }]),
      changes: (_honest, _vault, after) =>
        Promise.resolve(forgedPage(head, after < seq ? [built.frame] : [])),
      headers: async (honest, of, from, to) => [
        ...(await honest.headers(of, from, Math.min(to, backup.seq))),
        ...(from <= seq && seq <= to ? [{ receivedAtMs: 1, signed }] : []),
      ],
      state: () => Promise.resolve(state),
      commit: () => Promise.resolve({ kind: 'stale-head', head }),
    };
    return { issues: await bob.look(), before };
  }

  it('is refused when it does not carry the mark: the device asks, and nothing is applied', async () => {
    const { issues, before } = await shownToBob({ lost: (lost) => lost.slice(0, -1) });
    expect(issues).toEqual(['forked']);
    expect(bob.files()).toEqual(before);
  });

  it.each([
    [
      'the signature of a header it carries is forged',
      'bad-signature',
      {
        lost: ([first, ...rest]: readonly SignedHeader[]) => [
          { bytes: first!.bytes, signature: new Uint8Array(64) },
          ...rest,
        ],
      },
    ],
    [
      'a header it carries was never in the log',
      'bad-rejoin',
      {
        lost: ([first, ...rest]: readonly SignedHeader[]) => {
          const bytes = Uint8Array.from(first!.bytes);
          bytes[319]! ^= 1;
          return [{ bytes, signature: sign('commit', bytes, ann.identity.signSecret) }, ...rest];
        },
      },
    ],
    ['its epoch is no higher than the last this device saw', 'bad-epoch', { epoch: 0 }],
    [
      'its epoch is no higher than that of a commit it carries and this device never saw',
      'bad-epoch',
      {
        lost: (lost: readonly SignedHeader[], next: SignedHeader) => [...lost, next],
        seq: (mark: number) => mark + 2,
      },
    ],
  ] satisfies [string, string, Wanted][])('stops the vault when %s', async (_, code, wanted) => {
    const { issues, before } = await shownToBob(wanted);
    expect(issues).toEqual([`log-fault ${code}`]);
    expect(bob.files()).toEqual(before);
  });

  it('is refused when its number is no higher than those it names', async () => {
    const { issues, before } = await shownToBob({ seq: (mark) => mark });
    expect(issues).toEqual(['forked']);
    expect(bob.files()).toEqual(before);
  });

  it('is refused from a removed device, whatever it names', async () => {
    const eve = await world.another(ann, 'Eve');
    const backup = headOf(ann);
    await newer();
    await eve.settle();
    const lost = eve.sync.log.store.headersFrom(backup.seq + 1, 100).map(({ signed }) => signed!);
    await eve.engine.stop();
    await world.server.revoke(ann.keys, eve.identity.device);
    await bob.identity.followChain();
    const seq = headOf(eve).seq + 1;
    const forged = forge(eve, [], { seq, previous: backup.hash, rejoin: { lost } });
    const before = bob.files();
    bob.line.silent = true;
    bob.line.lies = {
      vaults: () => Promise.resolve([{ vault: bob.vault, head: { seq, hash: forged.hash }, createdAtMs: 1 }]),
      changes: (_honest, _vault, after) =>
        Promise.resolve(forgedPage({ seq, hash: forged.hash }, after < seq ? [forged.frame] : [])),
      headers: () => Promise.resolve([{ receivedAtMs: 1, signed: decodeFrame(forged.frame).signed }]),
    };
    expect((await bob.look())[0]).toMatch(/^log-fault bad-(device|epoch)|forked/);
    expect(bob.files()).toEqual(before);
  });

  it('is not taken up with commits of a removed device on the restored head', async () => {
    const eve = await world.another(ann, 'Eve');
    await ann.settle();
    const backup = headOf(ann);
    await newer();
    await eve.engine.stop();
    const known = eve.identity.chain();
    await world.server.revoke(ann.keys, eve.identity.device);
    await ann.settle();
    const seq = backup.seq + 1;
    const byEve = altered(
      forge(eve, []).frame,
      { seq, previous: backup.hash, chainLength: known.length, chainHead: known.head },
      eve.identity.signSecret,
    );
    const { signed } = decodeFrame(byEve.frame);
    expect(commitHash(signed.bytes)).toBe(byEve.hash);
    const head = { seq, hash: byEve.hash };
    ann.line.silent = true;
    ann.line.lies = {
      vaults: () => Promise.resolve([{ vault: ann.vault, head, createdAtMs: 1 }]),
      changes: () => Promise.resolve(forgedPage(head, [])),
      headers: async (honest, of, from, to) => [
        ...(await honest.headers(of, from, Math.min(to, backup.seq))),
        ...(from <= seq && seq <= to ? [{ receivedAtMs: 1, signed }] : []),
      ],
    };
    const before = ann.files();
    const issue = await alarmOf(ann);
    await expect(ann.engine.resolveIssue(issue, 'rejoin')).rejects.toMatchObject({ code: 'bad-device' });
    expect(ann.files()).toEqual(before);
  });
});
