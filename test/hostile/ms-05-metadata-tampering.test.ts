import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFrame, encodeEntries, encodeFrame } from '../../protocol/commit.ts';
import { ROOT_NODE, type Hash, type NodeId, type SealedObject, type VaultId } from '../../protocol/ids.ts';
import type { StatePage } from '../../protocol/pages.ts';
import { hashOf } from '../../protocol/signing.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { openRecord, sealRecord } from '../../sync-engine/crypto/record.ts';
import { makeEpochKey, VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { nodeVersions, recordOf } from '../../sync-engine/engine/history.ts';
import { FOLDER } from './folder-device.ts';
import { HostileDevice, HostileWorld } from './hostile-world.ts';
import { altered, forge, rehashed, sealed } from './insider.ts';
import { forgedPage, framesOf, type Lies } from './lies.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('a.txt', 'first of a');
  ann.write('b.txt', 'first of b');
  ann.write('sub/c.txt', 'first of c');
  await ann.settle();
  bob = await world.another(ann);
  bob.line.silent = true;
});
afterEach(async () => {
  await world.close();
});

/** The commits Bob is about to ask for, altered on their way. */
function rewriting(change: (frame: Uint8Array) => Uint8Array): Lies {
  return {
    changes: async (honest, vault, after) => {
      const page = await honest.changes(vault, after);
      return forgedPage({ seq: page.headSeq, hash: page.headHash }, framesOf(page).map(change));
    },
  };
}

/** One commit, as the next. */
const showing = (built: { frame: Uint8Array; hash: Hash }): Lies => ({
  changes: () =>
    Promise.resolve(
      forgedPage({ seq: decodeFrame(built.frame).header.seq, hash: built.hash }, [built.frame]),
    ),
});

/** With other objects under the same signature. */
const withObjects =
  (change: (objects: readonly (SealedObject | null)[]) => (SealedObject | null)[]) => (bytes: Uint8Array) => {
    const frame = decodeFrame(bytes);
    return encodeFrame({ ...frame, objects: change(frame.objects) });
  };

describe('MS-05: records altered on their way', () => {
  let old: SealedObject;

  beforeEach(async () => {
    const [first] = await ann.line.cloud.history(ann.vault, ann.node('a.txt'));
    old = first!.object!;
    ann.write('a.txt', 'second of a');
    ann.write('b.txt', 'second of b');
    await ann.settle();
  });

  it.each([
    ['swapped between two files', withObjects((objects) => [...objects].reverse())],
    ['replaced by an older revision', withObjects((objects) => objects.map(() => old))],
    [
      'cut short',
      withObjects((objects) => objects.map((object) => object && (object.subarray(0, 200) as SealedObject))),
    ],
  ])('are refused when %s', async (_, change) => {
    const before = bob.files();
    bob.line.lies = rewriting(change);
    await expect(bob.pull()).rejects.toMatchObject({ fault: 'malformed' });
    expect(bob.files()).toEqual(before);
  });

  it('are refused when kept back', async () => {
    const before = bob.files();
    bob.line.lies = rewriting(withObjects((objects) => objects.map(() => null)));
    expect(await bob.look()).toEqual(['log-fault bad-object']);
    expect(bob.files()).toEqual(before);
  });

  it('are refused when the lists are rewritten to match: the signature covers them', async () => {
    const before = bob.files();
    bob.line.lies = rewriting((bytes) => {
      const { objects, entries, ...rest } = decodeFrame(bytes);
      return rehashed({ ...rest, entries: entries.slice(1), objects: objects.slice(1) });
    });
    expect(await bob.look()).toEqual(['log-fault bad-signature']);
    expect(bob.files()).toEqual(before);
  });
});

describe('MS-05: a device’s key without the vault’s', () => {
  it('cannot sign an older record back into place: the root covers all that lives', async () => {
    const node = ann.node('a.txt');
    const [first] = await ann.line.cloud.history(ann.vault, node);
    const forged = forge(ann, [{ node, object: first!.object! }], { root: '5'.repeat(64) as Hash });
    bob.line.lies = showing(forged);
    const before = bob.files();
    expect(await bob.look()).toEqual(['log-fault bad-root']);
    expect(bob.files()).toEqual(before);
  });

  it('cannot skip or repeat a revision', async () => {
    const node = ann.node('a.txt');
    const record = recordOf(ann.sync.log, ann.sync.log.store.remote.get(node)!, { name: 'renamed' });
    for (const revision of [1, 3]) {
      const forged = forge(ann, [{ node, revision, object: sealed(ann, node, record, revision) }]);
      bob.line.lies = showing(forged);
      expect(await bob.pull()).toBe('bad-revision');
    }
    expect(Object.keys(bob.files())).toContain('a.txt');
  });

  it('cannot graft one file’s record onto another, with everything else in order', async () => {
    const [a, b] = [ann.node('a.txt'), ann.node('b.txt')];
    const record = recordOf(ann.sync.log, ann.sync.log.store.remote.get(b)!, { name: 'grafted.txt' });
    const forged = forge(ann, [{ node: a, object: sealed(ann, b, record) }]);
    bob.line.lies = showing(forged);
    const before = bob.files();
    expect(await bob.look()).toEqual(['tree-fault']);
    expect(bob.files()).toEqual(before);
  });

  it('opens a record for its vault, epoch, node and revision alone', () => {
    const vault = '1'.repeat(32) as VaultId;
    const node = '2'.repeat(32) as NodeId;
    const key = makeEpochKey(secureRandom);
    const keys = new VaultKeys(vault, [
      [0, key],
      [1, makeEpochKey(secureRandom)],
    ]);
    const other = new VaultKeys('3'.repeat(32) as VaultId, [[0, key]]);
    const object = sealRecord(keys, 0, node, 4, { ...FOLDER, parent: ROOT_NODE, name: 'x' }, secureRandom);
    const relabelled = Uint8Array.from(object);
    relabelled[7] = 1; // the epoch
    expect(openRecord(keys, node, 4, object).ok).toBe(true);
    expect(openRecord(keys, node, 5, object).ok).toBe(false);
    expect(openRecord(keys, node, 3, object).ok).toBe(false);
    expect(openRecord(keys, '4'.repeat(32) as NodeId, 4, object).ok).toBe(false);
    expect(openRecord(other, node, 4, object).ok).toBe(false);
    expect(openRecord(keys, node, 4, relabelled).ok).toBe(false);
  });
});

describe('MS-05: the live state shown to a new device', () => {
  const swap = (page: StatePage): StatePage => {
    const [first, second] = page.nodes.filter(({ node }) => node !== ROOT_NODE);
    const nodes = page.nodes.map((one) =>
      one.node === first!.node
        ? { ...one, object: second!.object }
        : one.node === second!.node
          ? { ...one, object: first!.object }
          : one,
    );
    return { ...page, nodes };
  };

  it.each([
    ['with two records swapped', swap],
    ['without a file', (page: StatePage) => ({ ...page, nodes: page.nodes.slice(0, -1) })],
    ['with a file twice', (page: StatePage) => ({ ...page, nodes: [...page.nodes, page.nodes[0]!] })],
    [
      'with another revision',
      (page: StatePage) => ({
        ...page,
        nodes: page.nodes.map((one) => ({ ...one, revision: one.revision + 1 })),
      }),
    ],
    ['without a pack', (page: StatePage) => ({ ...page, packs: page.packs.slice(1) })],
    [
      'with another size of a pack',
      (page: StatePage) => ({ ...page, packs: page.packs.map((one) => ({ ...one, size: one.size + 8 })) }),
    ],
  ])('is refused %s, and nothing is written', async (_, change) => {
    ann.write('d.txt', 'x'.repeat(200_000));
    await ann.settle();
    const keys = await world.server.addDevice(ann.keys, 'Carol');
    const carol = await HostileDevice.start(world, keys, `${world.root}/carol`);
    try {
      carol.line.lies = {
        state: async (honest, vault, at, cursor) => change(await honest.state(vault, at, cursor)),
      };
      carol.bind(ann.vault);
      expect(await carol.look()).toEqual(['log-fault bad-root']);
      expect(carol.files()).toEqual({});
    } finally {
      await carol.stop();
    }
  });
});

describe('MS-05: live state without an end', () => {
  let page = 0;
  it.each([
    [
      'with nothing in it',
      'bad-object',
      (_: StatePage) => ({ nodes: [], packs: [], nextCursor: `${page++}` }),
    ],
    ['that begins again', 'bad-root', (honest: StatePage) => ({ ...honest, nextCursor: `${page++}` })],
  ])('is given up %s', async (_, code, change) => {
    const keys = await world.server.addDevice(ann.keys, 'Carol');
    const carol = await HostileDevice.start(world, keys, `${world.root}/carol`);
    try {
      carol.line.lies = {
        state: async (honest, vault, at) => change(await honest.state(vault, at, null)),
      };
      carol.bind(ann.vault);
      expect(await carol.look()).toEqual([`log-fault ${code}`]);
      expect(carol.files()).toEqual({});
    } finally {
      await carol.stop();
    }
  });
});

describe('MS-05: versions of a file', () => {
  it('are refused with a typed fault when the list behind them is none, or one comes twice', async () => {
    const node = ann.node('a.txt');
    ann.write('a.txt', 'second of a');
    await ann.settle();
    const honest = await ann.line.cloud.history(ann.vault, node);
    const asked = () => nodeVersions(ann.sync.log, ann.line.cloud, ann.identity, node);
    const [newest] = honest;
    const garbage = Buffer.from('ffff', 'hex');
    const bytes = Buffer.from(newest!.signed.bytes);
    bytes.set(Buffer.from(hashOf(garbage), 'hex'), bytes.indexOf(hashOf(newest!.entries), 0, 'hex'));
    const signed = { ...newest!.signed, bytes };
    ann.line.lies = { history: () => Promise.resolve([{ ...newest!, signed, entries: garbage }]) };
    await expect(asked()).rejects.toMatchObject({ code: 'bad-signature' });
    ann.line.lies = { history: () => Promise.resolve([newest!, newest!]) };
    await expect(asked()).rejects.toMatchObject({ code: 'bad-object' });
    ann.line.lies = {};
    expect((await asked()).map(({ version }) => version)).toEqual([2, 1]);
  });

  it('are refused when they are not from the log this device verified', async () => {
    const node = ann.node('a.txt');
    ann.write('a.txt', 'second of a');
    await ann.settle();
    const forged = altered(
      forge(ann, [
        { node, object: sealed(ann, node, recordOf(ann.sync.log, ann.sync.log.store.remote.get(node)!)) },
      ]).frame,
      { seq: 2 },
      ann.identity.signSecret,
    );
    const frame = decodeFrame(forged.frame);
    const honest = await ann.line.cloud.history(ann.vault, node);
    ann.line.lies = {
      history: () => {
        const [newest] = honest;
        const item = {
          ...newest!,
          signed: frame.signed,
          entries: encodeEntries(frame.entries),
          revision: frame.entries[0]!.revision,
          object: frame.objects[0]!,
        };
        return Promise.resolve([item]);
      },
    };
    await expect(nodeVersions(ann.sync.log, ann.line.cloud, ann.identity, node)).rejects.toMatchObject({
      code: 'forked',
    });
    ann.line.lies = {
      history: () => Promise.resolve(honest.map((item) => ({ ...item, object: honest.at(-1)!.object }))),
    };
    await expect(nodeVersions(ann.sync.log, ann.line.cloud, ann.identity, node)).rejects.toMatchObject({
      code: 'bad-object',
    });
  });
});
