/** What every Cloud must do. Called from a test file with a maker of a server and three devices. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  commitHash,
  decodeHeader,
  NO_PACKS,
  type CommitEntry,
  type PackEntry,
} from '../../protocol/commit.ts';
import type { Head } from '../../protocol/cloud.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type DeviceId, type Hash, type NodeId, type PackName } from '../../protocol/ids.ts';
import type { SealedObject, SealedPack, VaultId } from '../../protocol/ids.ts';
import type { CloudEvent } from '../../protocol/pages.ts';
import { hashOf } from '../../protocol/signing.ts';
import { buildCommit, type BuiltCommit, type CommitDraft } from '../crypto/commit-sign.ts';
import type { Cloud, CloudFault } from './cloud.ts';

export interface CloudParty {
  readonly cloud: Cloud;
  readonly device: DeviceId;
  /** Ed25519 secret key of the device. */
  readonly signSecret: Uint8Array;
  chain(): Promise<DeviceChain>;
}

export interface CloudWorld {
  /** Two devices of one account, and one of another. */
  readonly first: CloudParty;
  readonly second: CloudParty;
  readonly stranger: CloudParty;
  /** A fresh proof of the password of the first account. */
  grant(): Promise<string>;
  discard(): Promise<void>;
}

/** What the account of the world may hold. */
export const ACCEPTANCE_QUOTA_BYTES = 4_000_000;

/** As the branded id the caller names. */
function id<T extends string>(size: 16 | 32): Extract<T, string> {
  return randomBytes(size).toString('hex') as Extract<T, string>;
}

const sealed = (size = 60): SealedObject => Uint8Array.from(randomBytes(size)) as SealedObject;

interface Pack extends PackEntry {
  readonly bytes: Uint8Array;
  readonly index: SealedObject;
}

function makePack(size: number): Pack {
  const bytes = Uint8Array.from(randomBytes(size));
  const index = sealed();
  return { name: hashOf(bytes) as string as PackName, size, bytes, index, indexHash: hashOf(index) };
}

const bodyOf = ({ bytes }: { readonly bytes: Uint8Array }) => ({
  size: bytes.length,
  *chunks() {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  },
});

/** A vault as one test writes it. */
class Writer {
  readonly vault = id<VaultId>(16);
  head: Head = { seq: 0, hash: ZERO_HASH };
  readonly #party: CloudParty;

  constructor(party: CloudParty) {
    this.#party = party;
  }

  async build(change: Partial<CommitDraft> = {}): Promise<BuiltCommit> {
    const chain = await this.#party.chain();
    const wraps = this.head.seq === 0 ? sealed(200) : null;
    const opening = wraps === null ? null : { keyCheck: id<Hash>(32), wrapsHash: hashOf(wraps) };
    const draft: CommitDraft = {
      vault: this.vault,
      epoch: 0,
      seq: this.head.seq + 1,
      previous: this.head.hash,
      device: this.#party.device,
      chainLength: chain.length,
      chainHead: chain.head,
      root: id<Hash>(32),
      entries: [],
      packs: NO_PACKS,
      heads: [],
      opening,
      rejoin: null,
      objects: [],
      indexes: [],
      inline: [],
      wraps,
      ...change,
    };
    return buildCommit(draft, this.#party.signSecret);
  }

  async commit(change: Partial<CommitDraft> = {}): Promise<BuiltCommit> {
    const built = await this.build(change);
    const outcome = await this.#party.cloud.commit(this.vault, built.frame);
    expect(outcome).toMatchObject({ kind: 'committed', seq: this.head.seq + 1 });
    this.head = { seq: this.head.seq + 1, hash: built.hash };
    return built;
  }
}

function nodes(...entries: [NodeId, number][]): Pick<CommitDraft, 'entries' | 'objects'> {
  const objects = entries.map(() => sealed());
  return {
    objects,
    entries: entries.map(([node, revision], index): CommitEntry => ({
      node,
      revision,
      objectHash: hashOf(objects[index]!),
    })),
  };
}

function adding(...packs: Pack[]): Pick<CommitDraft, 'packs' | 'indexes'> {
  return { packs: { ...NO_PACKS, added: packs }, indexes: packs.map((pack) => pack.index) };
}

async function faultOf(work: Promise<unknown>): Promise<CloudFault | 'none'> {
  return work.then(
    () => 'none' as const,
    (error: unknown) => (error as { fault: CloudFault }).fault,
  );
}

export function cloudAcceptance(make: () => Promise<CloudWorld>): void {
  describe('a cloud', () => {
    let world: CloudWorld;
    let first: Cloud;
    let second: Cloud;

    beforeAll(async () => {
      world = await make();
      first = world.first.cloud;
      second = world.second.cloud;
    }, 60_000);
    afterAll(async () => {
      await world.discard();
    });

    const newVault = async (): Promise<Writer> => {
      const writer = new Writer(world.first);
      await writer.commit();
      return writer;
    };

    it('knows the account, its devices and its chain', async () => {
      const { account, quota, devices } = await first.account();
      expect(quota.limitBytes).toBe(ACCEPTANCE_QUOTA_BYTES);
      expect(devices.map(({ device }) => device)).toContain(world.first.device);
      const chain = await world.first.chain();
      expect(chain.account).toBe(account);
      const whole = await second.chain(0);
      expect([whole.length, whole.entries.length]).toEqual([chain.length, chain.length]);
      expect(hashOf(whole.entries.at(-1)!.bytes)).toBe(chain.head);
      expect((await second.chain(chain.length)).entries).toEqual([]);
    });

    it('makes a vault with its first commit, and shows it to the other device', async () => {
      const writer = await newVault();
      const seen = (await second.vaults()).find(({ vault }) => vault === writer.vault);
      expect(seen?.head).toEqual(writer.head);
      const [epoch, ...more] = await second.epochs(writer.vault);
      expect([epoch?.epoch, more.length]).toEqual([0, 0]);
      expect(commitHash(epoch!.header)).toBe(writer.head.hash);
      expect(decodeHeader(epoch!.header).openingHash).toBe(hashOf(epoch!.opening));
      expect(epoch!.wraps).toHaveLength(200);
    });

    it('takes the same commit again as the one it is, and another in its place not', async () => {
      const writer = await newVault();
      const before = writer.head;
      const built = await writer.commit(nodes([id<NodeId>(16), 1]));
      const again = await first.commit(writer.vault, built.frame);
      expect(again).toMatchObject({ kind: 'committed', seq: 2 });
      const late = new Writer(world.second);
      Object.assign(late, { vault: writer.vault, head: before });
      const stale = await second.commit(writer.vault, (await late.build()).frame);
      expect(stale).toEqual({ kind: 'stale-head', head: writer.head });
    });

    it('refuses a commit signed by nobody of the account', async () => {
      const writer = await newVault();
      const { frame } = await writer.build();
      frame[320] = frame[320]! ^ 1;
      expect(await faultOf(first.commit(writer.vault, frame))).toBe('refused');
      expect(await faultOf(first.commit(writer.vault, frame.subarray(0, 390)))).toBe('bad-request');
    });

    it('asks for packs a commit names, takes them once, and gives parts of them', async () => {
      const writer = await newVault();
      const pack = makePack(10_000);
      const { frame } = await writer.build(adding(pack));
      const missing = await first.commit(writer.vault, frame);
      expect(missing).toEqual({ kind: 'pack-missing', packs: [pack.name] });
      expect(await first.putPack(writer.vault, pack.name, bodyOf(pack))).toEqual({ kind: 'stored' });
      expect(await first.putPack(writer.vault, pack.name, bodyOf(pack))).toEqual({ kind: 'stored' });
      expect(await first.commit(writer.vault, frame)).toMatchObject({ kind: 'committed' });
      const part = await second.getPack(writer.vault, pack.name, 5000, 6000);
      expect(Buffer.from(part).equals(pack.bytes.subarray(5000, 6000))).toBe(true);
      const end = await second.getPack(writer.vault, pack.name, 9000, 65_536);
      expect(Buffer.from(end).equals(pack.bytes.subarray(9000))).toBe(true);
      // Moved to a worker, they are detached here: nothing else may live in the same memory.
      expect([part.byteOffset, part.buffer.byteLength]).toEqual([0, 1000]);
    });

    it('refuses a pack whose bytes are not those of its name, and does not know it afterwards', async () => {
      const writer = await newVault();
      const [pack, other] = [makePack(3000), makePack(3000)];
      expect(await faultOf(first.putPack(writer.vault, pack.name, bodyOf(other)))).toBe('bad-request');
      expect(await faultOf(first.getPack(writer.vault, pack.name, 0, 10))).toBe('not-found');
    });

    it('takes a small pack inside its commit', async () => {
      const writer = await newVault();
      const pack = makePack(2000);
      await writer.commit({
        ...adding(pack),
        inline: [{ name: pack.name, bytes: pack.bytes as SealedPack }],
      });
      expect(Buffer.from(await second.getPack(writer.vault, pack.name, 0, 2000)).equals(pack.bytes)).toBe(
        true,
      );
    });

    it('pages through changes, headers, state and history', async () => {
      const writer = await newVault();
      const [kept, gone] = [id<NodeId>(16), id<NodeId>(16)];
      const pack = makePack(1000);
      await first.putPack(writer.vault, pack.name, bodyOf(pack));
      await writer.commit({ ...nodes([kept, 1], [gone, 1]), ...adding(pack) });
      const third = await writer.commit(nodes([kept, 2]));
      const tombstone = { entries: [{ node: gone, revision: 2, objectHash: ZERO_HASH }], objects: [null] };
      await writer.commit(tombstone);

      const page = await second.changes(writer.vault, 1);
      expect([page.headSeq, page.headHash]).toEqual([4, writer.head.hash]);
      expect(page.commits.map(({ frame }) => frame.header.seq)).toEqual([2, 3, 4]);
      expect(page.commits[1]?.frame.objects[0]).toHaveLength(60);
      expect((await second.changes(writer.vault, 4)).commits).toEqual([]);

      const headers = await second.headers(writer.vault, 2, 3);
      expect(headers.map(({ signed }) => commitHash(signed.bytes))).toEqual([
        page.commits[2]?.frame.header.previous === third.hash ? page.commits[1]?.frame.header.previous : '',
        third.hash,
      ]);

      const state = await second.state(writer.vault, 4, null);
      expect(state.nodes).toMatchObject([{ node: kept, revision: 2 }]);
      expect(state.packs).toMatchObject([{ name: pack.name, size: 1000 }]);
      expect(state.nextCursor).toBeNull();

      const history = await second.history(writer.vault, kept);
      expect(history.map(({ revision }) => revision)).toEqual([2, 1]);
      const { receivedAtMs } = page.commits[2]!;
      expect(await second.headAt(writer.vault, receivedAtMs + 1)).toEqual(writer.head);
      expect(await second.headAt(writer.vault, 1)).toBeNull();
    });

    it('drops and revives packs', async () => {
      const writer = await newVault();
      const pack = makePack(4000);
      await first.putPack(writer.vault, pack.name, bodyOf(pack));
      await writer.commit(adding(pack));
      await writer.commit({ packs: { ...NO_PACKS, dropped: [pack] } });
      expect((await second.state(writer.vault, 3, null)).packs).toEqual([]);
      await writer.commit({ packs: { ...NO_PACKS, revived: [pack] } });
      expect((await second.state(writer.vault, 4, null)).packs).toMatchObject([{ name: pack.name }]);
    });

    it('purges dropped packs with a grant, and not without', async () => {
      const writer = await newVault();
      const pack = makePack(4000);
      await first.putPack(writer.vault, pack.name, bodyOf(pack));
      await writer.commit(adding(pack));
      await writer.commit({ packs: { ...NO_PACKS, dropped: [pack] } });
      expect(await faultOf(first.purge(writer.vault, [pack.name], 'not-a-grant-at-all-0000'))).toBe(
        'unauthorized',
      );
      expect(await first.getPack(writer.vault, pack.name, 0, 10)).toHaveLength(10);
      await first.purge(writer.vault, [pack.name], await world.grant());
      expect(['gone', 'not-found']).toContain(await faultOf(first.getPack(writer.vault, pack.name, 0, 10)));
      const revival = await writer.build({ packs: { ...NO_PACKS, revived: [pack] } });
      const refused = await first.commit(writer.vault, revival.frame).catch((error: unknown) => error);
      expect(['pack-missing', 'pack-deleting']).toContain(
        (refused as { kind?: string; fault?: string }).kind ?? (refused as { fault?: string }).fault,
      );
    });

    it('says when the account is full', async () => {
      const writer = await newVault();
      const [one, two] = [makePack(3_000_000), makePack(3_000_000)];
      expect(await first.putPack(writer.vault, one.name, bodyOf(one))).toEqual({ kind: 'stored' });
      expect(await first.putPack(writer.vault, two.name, bodyOf(two))).toMatchObject({
        kind: 'quota',
        limitBytes: ACCEPTANCE_QUOTA_BYTES,
      });
      await writer.commit(adding(one));
      const { quota } = await first.account();
      expect(quota.liveBytes).toBeGreaterThanOrEqual(3_000_000);
      await writer.commit({ packs: { ...NO_PACKS, dropped: [one] } });
      expect((await first.account()).quota.liveBytes).toBeLessThan(quota.liveBytes - 2_999_999);
    });

    it('leases housekeeping to one device at a time', async () => {
      const writer = await newVault();
      const lease = await first.lease(writer.vault);
      expect(lease.granted && lease.seconds > 0).toBe(true);
      expect((await second.lease(writer.vault)).granted).toBe(false);
      expect((await first.lease(writer.vault)).granted).toBe(true);
    });

    it('pushes what happens, whole when it is small', async () => {
      const heard: CloudEvent[] = [];
      const opened = Promise.withResolvers<undefined>();
      const commit = Promise.withResolvers<undefined>();
      const connection = second.events({
        opened: () => opened.resolve(undefined),
        lost: (fault) => commit.reject(new Error(fault)),
        event: (event) => {
          heard.push(event);
          if (event.kind === 'commit') commit.resolve(undefined);
        },
      });
      await opened.promise;
      const writer = await newVault();
      await commit.promise;
      connection.close();
      expect(heard.map(({ kind }) => kind)).toEqual(['vaults', 'commit']);
      const [, event] = heard;
      expect(event?.kind === 'commit' && event.vault).toBe(writer.vault);
      expect(event?.kind === 'commit' && commitHash(event.commit.frame.signed.bytes)).toBe(writer.head.hash);
    });

    it('shows a stranger nothing, not even that it exists', async () => {
      const writer = await newVault();
      const pack = makePack(1000);
      await first.putPack(writer.vault, pack.name, bodyOf(pack));
      const { cloud } = world.stranger;
      const { vault } = writer;
      const attempts = [
        cloud.changes(vault, 0),
        cloud.state(vault, 1, null),
        cloud.headers(vault, 1, 1),
        cloud.history(vault, id<NodeId>(16)),
        cloud.headAt(vault, Date.now()),
        cloud.epochs(vault),
        cloud.lease(vault),
        cloud.getPack(vault, pack.name, 0, 10),
        cloud.changes(id<VaultId>(16), 0),
      ];
      expect(new Set(await Promise.all(attempts.map(faultOf)))).toEqual(new Set(['not-found']));
      expect(await cloud.vaults()).toEqual([]);
    });
  });
}
