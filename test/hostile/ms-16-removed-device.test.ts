import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFrame } from '../../protocol/commit.ts';
import { ROOT_NODE, toHex, type Hash, type NodeId } from '../../protocol/ids.ts';
import { openVaultRing } from '../../sync-engine/account/vault-keys.ts';
import { openRecord } from '../../sync-engine/crypto/record.ts';
import { openSegment } from '../../sync-engine/crypto/segment.ts';
import { openWrap } from '../../sync-engine/crypto/wraps.ts';
import { FOLDER, RANDOM } from './folder-device.ts';
import { HostileDevice, HostileWorld } from './hostile-world.ts';
import { altered, forge, sealed } from './insider.ts';
import { forgedPage } from './lies.ts';
import { poisoned } from './poison.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;
let eve: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('plan.txt', 'first');
  await ann.settle();
  bob = await world.another(ann);
  eve = await world.another(ann, 'Eve');
  await bob.settle();
  await ann.settle();
});
afterEach(async () => {
  await world.close();
});

/** Eve is removed; the server keeps her on and hides it from her. */
async function removeEve(): Promise<void> {
  await eve.engine.stop();
  await world.server.revoke(ann.keys, eve.identity.device);
}

const folderBy = (device: HostileDevice) => {
  const node = toHex(RANDOM.bytes(16)) as NodeId;
  const record = { ...FOLDER, parent: ROOT_NODE, name: 'by-eve' };
  return forge(device, [{ node, object: sealed(device, node, record) }]);
};

async function shownToBob(built: { frame: Uint8Array; hash: Hash }): Promise<string[]> {
  const { seq } = decodeFrame(built.frame).header;
  bob.line.silent = true;
  bob.line.lies = {
    changes: (_honest, _vault, after) =>
      Promise.resolve(forgedPage({ seq, hash: built.hash }, after < seq ? [built.frame] : [])),
  };
  return bob.look();
}

/** What the server holds of a vault: every commit, every pack. */
async function everything() {
  const { commits } = await ann.line.cloud.changes(ann.vault, 0);
  const packs: Buffer[] = [];
  for (const row of ann.manifest.vault(ann.vault).packs('live')) {
    packs.push(Buffer.from(await ann.line.cloud.getPack(ann.vault, row.name, 0, row.size)));
  }
  return { commits, packs };
}

describe('MS-16: a removed device together with the server', () => {
  it('reads nothing that was written after, though it is given all the server has', async () => {
    await removeEve();
    ann.write('later.txt', 'not for Eve');
    await ann.settle();
    const keys = eve.identity.vaultKeys(eve.vault);
    const { commits } = await everything();
    const opening = commits.find(({ frame }) => frame.opening !== null && frame.header.epoch === 1)?.frame;
    expect(opening).toBeDefined();
    const wraps = opening!.wraps ?? (await ann.line.cloud.epochs(ann.vault))[1]!.wraps;
    for (const recipient of [
      eve.identity.device,
      ann.identity.device,
      bob.identity.device,
      'account',
    ] as const) {
      const opened = openWrap({
        bytes: wraps,
        vault: eve.vault,
        epoch: 1,
        recipient,
        boxSecret: eve.identity.boxSecret,
        keyCheck: opening!.opening!.keyCheck,
      });
      expect(opened.ok).toBe(false);
    }
    const later = commits.filter(({ frame }) => frame.header.seq >= opening!.header.seq);
    const objects = later.flatMap(({ frame }) =>
      frame.entries.map((entry, at) => ({ entry, object: frame.objects[at] })),
    );
    expect(objects.length).toBeGreaterThan(0);
    for (const { entry, object } of objects) {
      if (object) expect(openRecord(keys, entry.node, entry.revision, object).ok).toBe(false);
    }
    for (const row of ann.manifest
      .vault(ann.vault)
      .packs('live')
      .filter(({ epoch }) => epoch === 1)) {
      const chunk = ann.manifest.vault(ann.vault).remote.child(ROOT_NODE, 'later.txt')!;
      const [entry] = ann.manifest.vault(ann.vault).content(chunk.content!)!.list;
      const place = ann.manifest.vault(ann.vault).locate(entry!.chunk)!;
      const pack = await ann.line.cloud.getPack(ann.vault, row.name, 0, row.size);
      const segment = pack.subarray(place.segmentOffset, place.segmentOffset + place.segmentLength);
      expect(openSegment(ann.identity.vaultKeys(ann.vault), 1, segment).ok).toBe(true);
      expect(openSegment(keys, 0, segment).ok).toBe(false);
      expect(openSegment(keys, 1, segment).ok).toBe(false);
    }
  });

  it('is not given the key by a device that rejoins, nor through the account’s own key', async () => {
    await removeEve();
    ann.write('later.txt', 'not for Eve');
    await ann.settle();
    const chain = ann.identity.chain();
    const epochs = await ann.line.cloud.epochs(ann.vault);
    for (const recipient of [eve.identity.device, 'account'] as const) {
      expect(openVaultRing(eve.vault, epochs, chain, eve.identity.boxSecret, recipient).ok).toBe(false);
    }
    expect(openVaultRing(bob.vault, epochs, chain, bob.identity.boxSecret, bob.identity.device).ok).toBe(
      true,
    );
  });

  it('cannot write', async () => {
    await removeEve();
    const before = bob.files();
    const forged = folderBy(eve);
    const from = bob.line.asked.length;
    expect(await shownToBob(forged)).toEqual(['log-fault bad-device']);
    expect(bob.files()).toEqual(before);
    expect(bob.told(from)).toEqual([]);
  });

  it('cannot have a device that has not heard of the removal go on under the old key', async () => {
    await removeEve();
    // Ann's commit is as honest as can be, but names a list without the removal: the server hid it from her.
    const known = eve.identity.chain();
    const stale = altered(
      folderBy(ann).frame,
      { chainLength: known.length, chainHead: known.head },
      ann.identity.signSecret,
    );
    await bob.identity.followChain();
    expect(await shownToBob(stale)).toEqual(['log-fault bad-device-chain']);
  });

  it('cannot have it go on under the old key when only the live state is shown', async () => {
    await removeEve();
    const known = eve.identity.chain();
    const stale = altered(
      folderBy(ann).frame,
      { chainLength: known.length, chainHead: known.head },
      ann.identity.signSecret,
    );
    const { header, signed, entries, objects } = decodeFrame(stale.frame);
    const carol = await world.server.addDevice(ann.keys, 'Carol');
    const fresh = await carolsLook(carol, {
      head: { seq: header.seq, hash: stale.hash },
      signed,
      node: { node: entries[0]!.node, revision: 1, object: objects[0]! },
    });
    expect(fresh).toBe('bad-device-chain');
  });

  async function carolsLook(
    keys: Awaited<ReturnType<typeof world.server.addDevice>>,
    shown: {
      head: { seq: number; hash: Hash };
      signed: ReturnType<typeof decodeFrame>['signed'];
      node: {
        node: NodeId;
        revision: number;
        object: NonNullable<ReturnType<typeof decodeFrame>['objects'][number]>;
      };
    },
  ): Promise<string | null> {
    const carol = await HostileDevice.start(world, keys, `${world.root}/carol`);
    try {
      carol.line.lies = {
        vaults: () => Promise.resolve([{ vault: ann.vault, head: shown.head, createdAtMs: 1 }]),
        headers: () => Promise.resolve([{ receivedAtMs: 1, signed: shown.signed }]),
        state: async (honest, vault, at, cursor) => {
          const page = await honest.state(vault, at - 1, cursor);
          return { ...page, nodes: [...page.nodes, shown.node] };
        },
      };
      // Only now: from here on the engine may read the log at any time.
      const sync = await carol.engine.followVault(ann.vault);
      return await sync.log.pull().then(
        () => null,
        (error: unknown) => (error as { code: string }).code,
      );
    } finally {
      await carol.stop();
    }
  }

  it('cannot seal for the new epoch with the old key', async () => {
    await removeEve();
    ann.write('later.txt', 'not for Eve');
    await ann.settle();
    await bob.settle();
    const node = toHex(RANDOM.bytes(16)) as NodeId;
    const record = { ...FOLDER, parent: ROOT_NODE, name: 'old-key' };
    const object = sealed(eve, node, record, 1);
    expect(await shownToBob(forge(ann, [{ node, object }]))).toEqual(['log-fault bad-epoch']);
  });

  it('cannot make a device believe that content is stored which is not', async () => {
    // Eve's index says that her pack holds the chunk of a file Bob is about to add; it holds other bytes.
    const content = 'what Bob will write';
    bob.line.silent = true;
    const name = await poisoned(eve, Buffer.from(content), Buffer.from('something else indeed'));
    await removeEve();
    await bob.identity.followChain();
    await bob.settle();
    expect(bob.manifest.vault(bob.vault).pack(name)?.state).toBe('live');
    bob.write('new.txt', content);
    await bob.settle();
    // Where a chunk is read from is no matter of trust: Ann may try Eve's pack first, and then finds Bob's.
    await ann.until(() => ann.files()['new.txt'] === content);
  });

  it.each(['while it was one of them', 'with the live state, by a device that came before the removal'])(
    'is not relied on for what was learnt %s',
    async (how) => {
      const content = 'what will be written';
      const name = await poisoned(eve, Buffer.from(content), Buffer.from('something else indeed'));
      const writer = how.startsWith('while') ? bob : await world.another(ann, 'Carol');
      await writer.settle();
      const { store } = writer.sync.log;
      expect(store.pack(name)).toMatchObject({ state: 'live', trusted: true });
      await removeEve();
      writer.write('new.txt', content);
      await writer.settle();
      expect(store.pack(name)?.trusted).toBe(false);
      const reader = await world.joining(ann, 'Dave');
      await reader.until(() => reader.files()['new.txt'] === content);
    },
  );
});
