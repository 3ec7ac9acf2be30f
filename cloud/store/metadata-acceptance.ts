/** What every implementation of the metadata store's port must do. Called from a test file with a maker of fresh stores. */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, Hash, NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import { ZERO_HASH } from '../../protocol/ids.ts';
import { decodeFrame } from '../../protocol/commit.ts';
import {
  decodeChainEntry,
  decodeSignedEntry,
  replayChain,
  type DeviceChain,
} from '../../protocol/device-chain.ts';
import {
  makeKey,
  packed,
  packName,
  Person,
  randomId,
  TestDevice,
} from '../../test/fakes/hand-made-client.ts';
import type { Change, VaultView } from '../../test/fakes/hand-made-client.ts';
import { UPLOAD_MS } from '../packs/pack-state.ts';
import { byOperator } from '../audit/entry.ts';
import type { Fresh } from './blob-acceptance.ts';
import type { AppendOutcome, MetadataStore } from './metadata-store.ts';

/** What it tells is looked at in audit-acceptance.ts. */
const audit = byOperator('quota-changed', 0);

type Built = ReturnType<TestDevice['build']>;

const hashOfText = (text: string): Hash => createHash('sha256').update(text).digest('hex') as Hash;

export interface FreshMetadata extends Fresh<MetadataStore> {
  /** Opens the same once more, as another process would. The caller closes it. */
  readonly another: () => Promise<MetadataStore>;
}

/** `make` gives stores whose accounts have a quota of 1,000,000 bytes, a retention of 1,000 ms and 500 ms for uploads. */
export function metadataStoreAcceptance(make: () => Promise<FreshMetadata>): void {
  describe('a metadata store', () => {
    let fresh: FreshMetadata;
    let store: MetadataStore;
    let person: Person;
    let device: TestDevice;
    let chain: DeviceChain;
    let view: VaultView;

    beforeEach(async () => {
      fresh = await make();
      store = fresh.store;
      person = new Person('http://nowhere.invalid');
      const key = makeKey();
      person.take(person.entry({ kind: 'genesis', masterKey: person.master.publicKey }));
      person.take(person.entry(person.addBody(key)));
      const result = replayChain(person.chain.map(decodeSignedEntry));
      if (!result.ok) throw new Error(result.fault);
      chain = result.chain;
      device = new TestDevice(person, key, {} as TestDevice['session']);
      view = { vault: randomId(16), head: { seq: 0, hash: ZERO_HASH }, epoch: 0, revisions: new Map() };
      expect(await create(person)).toBe('created');
    });
    afterEach(async () => fresh.discard());

    const create = (who: Person, inviteHash: Hash | null = null): Promise<'created' | 'refused'> =>
      store.accounts.create({
        account: who.account,
        email: who.email,
        registration: 'record',
        bundle: who.bundle,
        chain: who.chain,
        chainHead: who.chainHead,
        device: device.device,
        nowMs: 0,
        inviteHash,
        claimHash: null,
        audit,
      });
    const send = (to: MetadataStore, { bytes, hash }: Built, nowMs = 0): Promise<AppendOutcome> =>
      to.log.appendCommit({ account: person.account, chain, frame: decodeFrame(bytes), hash, nowMs });
    /** All at once, every other one at another opening. */
    const compete = (rivals: readonly Built[], other: MetadataStore): Promise<AppendOutcome[]> =>
      Promise.all(rivals.map((built, index) => send(index % 2 === 0 ? store : other, built)));
    const append = async (change: Change, nowMs = 0): Promise<AppendOutcome> => {
      const built = device.build(view, change);
      const outcome = await send(store, built, nowMs);
      if (outcome.kind === 'committed') {
        view.head = { seq: built.header.seq, hash: built.hash };
        for (const [node] of change.nodes ?? [])
          view.revisions.set(node, (view.revisions.get(node) ?? 0) + 1);
      }
      return outcome;
    };
    const upload = async (bytes: Uint8Array, nowMs = 0): Promise<string> => {
      const request = {
        account: person.account,
        vault: view.vault,
        name: packName(bytes),
        size: bytes.length,
      };
      const reserved = await store.packs.reserve({ ...request, device: device.device, nowMs, resume: false });
      return reserved?.kind === 'reserved'
        ? store.packs.complete(reserved.upload, nowMs)
        : (reserved?.kind ?? 'none');
    };

    const usage = async () => (await store.accounts.byId(person.account))?.usage;

    it('gives an address, an account and an invitation away once', async () => {
      expect(await create(person)).toBe('refused');
      const sameAddress = new Person('http://nowhere.invalid', person.email);
      expect(await create(sameAddress)).toBe('refused');
      await store.accounts.addInvite(hashOfText('code'), 0, audit);
      const guests = [1, 2].map(() => new Person('http://nowhere.invalid'));
      const outcomes = await Promise.all(guests.map((guest) => create(guest, hashOfText('code'))));
      expect(outcomes.toSorted()).toEqual(['created', 'refused']);
    });

    it('lets one of many rivals win the next place in the log, wherever they come in', async () => {
      const other = await fresh.another();
      await append({ nodes: [[randomId(16), randomBytes(10)]] });
      for (let round = 0; round < 3; round += 1) {
        const rivals = Array.from({ length: 12 }, () =>
          device.build(view, { nodes: [[randomId(16), randomBytes(10)]] }),
        );
        const outcomes = await compete(rivals, other);
        const won = rivals.filter((_rival, index) => outcomes[index]?.kind === 'committed');
        expect(won).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome.kind === 'stale-head')).toHaveLength(11);
        view.head = { seq: view.head.seq + 1, hash: won[0]!.hash };
        expect(await other.log.head(person.account, view.vault)).toEqual(view.head);
      }
      await other.close();
    });

    it('makes a vault once, whoever begins it', async () => {
      const other = await fresh.another();
      const rivals = Array.from({ length: 6 }, () => device.build(view, {}));
      const outcomes = await compete(rivals, other);
      expect(outcomes.map((outcome) => outcome.kind).toSorted()).toEqual([
        'committed',
        ...Array<string>(5).fill('stale-head'),
      ]);
      expect(await store.log.vaults(person.account)).toHaveLength(1);
      await other.close();
    });

    it('can be reached', async () => {
      await expect(store.reachable()).resolves.toBeUndefined();
    });

    it('shows what was written at one opening at every other', async () => {
      const other = await fresh.another();
      const node = randomId<NodeId>(16);
      await append({ nodes: [[node, Buffer.from('first')]] });
      const page = await other.log.changes(person.account, view.vault, 0, 1000);
      expect(page).toMatchObject({ head: view.head, commits: [{ receivedAtMs: 0 }] });
      const tokens = {
        accessHash: hashOfText('a'),
        accessExpiresMs: 1000,
        refreshHash: hashOfText('r'),
        refreshExpiresMs: 1000,
      };
      await other.sessions.open({
        account: person.account,
        device: device.device,
        tokens,
        nowMs: 0,
        audit: null,
      });
      expect(await store.sessions.byAccess(tokens.accessHash, 1)).toMatchObject({ account: person.account });
      await store.accounts.signOut(person.account, null, audit);
      expect(await other.sessions.byAccess(tokens.accessHash, 1)).toBeNull();
      await other.accounts.setQuota(person.account, 5, audit);
      expect(await upload(randomBytes(6))).toBe('quota');
      await other.close();
    });

    it('appends nothing under a device chain that is not the stored one', async () => {
      const entry = person.entry({ kind: 'notice', event: 'recovered', atMs: 1 });
      const decoded = decodeChainEntry(decodeSignedEntry(entry).bytes);
      const request = {
        account: person.account,
        chain,
        entry: decoded,
        encoded: entry,
        wasLost: false,
        entryHash: randomId<Hash>(32),
        nowMs: 0,
        audit: null,
      };
      expect(await store.accounts.appendChain(request)).toBe('appended');
      expect(await store.accounts.appendChain(request)).toBe('stale');
      expect((await append({ nodes: [] })).kind).toBe('chain-moved');
    });

    it('never promises more bytes than the quota, whatever happens at once', async () => {
      await append({});
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => upload(randomBytes(300_000))));
      expect(outcomes.toSorted()).toEqual(['quota', 'quota', 'quota', 'stored', 'stored', 'stored']);
      expect((await store.accounts.byId(person.account))?.usage).toMatchObject({ uncommittedBytes: 900_000 });
    });

    it('reserves for fifty at once no byte above the quota, and gives back what was let go', async () => {
      const other = await fresh.another();
      await append({});
      const reserve = (index: number) =>
        (index % 2 === 0 ? store : other).packs.reserve({
          account: person.account,
          vault: view.vault,
          name: randomId<PackName>(32),
          size: 99_999,
          device: device.device,
          nowMs: 0,
          resume: false,
        });
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_none, index) => reserve(index)));
      const reserved = outcomes.flatMap((outcome) => (outcome?.kind === 'reserved' ? [outcome.upload] : []));
      expect(reserved).toHaveLength(10);
      expect(outcomes.filter((outcome) => outcome?.kind === 'quota')).toHaveLength(40);
      expect(await usage()).toMatchObject({ uncommittedBytes: 999_990 });
      await Promise.all(reserved.map((one) => other.packs.release(one)));
      expect(await usage()).toMatchObject({ uncommittedBytes: 0 });
      await other.close();
    });

    it('charges one pack once, however often and wherever it is sent at the same time', async () => {
      await append({});
      const bytes = randomBytes(700);
      expect(await Promise.all(Array.from({ length: 5 }, () => upload(bytes)))).toEqual(
        Array<string>(5).fill('stored'),
      );
      expect(await usage()).toMatchObject({ uncommittedBytes: 700 });
      const added = packed(bytes);
      const [committed, again] = await Promise.all([
        append({ added: [added], inline: [bytes] }),
        upload(bytes),
      ]);
      expect([committed.kind, again]).toEqual(['committed', 'stored']);
      expect(await usage()).toMatchObject({ uncommittedBytes: 0, liveBytes: 700 + added.index.length });
    });

    it('takes up an upload that goes on, charges it once, and gives it up after its time', async () => {
      await append({});
      const bytes = randomBytes(300_000);
      const name = packName(bytes);
      const request = { account: person.account, vault: view.vault, name, size: bytes.length };
      const begin = async (resume: boolean, nowMs: number, by = device.device): Promise<number> => {
        const reserved = await store.packs.reserve({ ...request, device: by, nowMs, resume });
        if (reserved?.kind !== 'reserved') throw new Error('not reserved');
        return reserved.upload;
      };
      const charged = async (): Promise<number | undefined> =>
        (await store.accounts.byId(person.account))?.usage.uncommittedBytes;
      const find = (upload: number, vault = view.vault): Promise<{ size: number } | null> =>
        store.packs.findUpload(person.account, vault, name, upload);

      const first = await begin(true, 0);
      expect(await begin(true, 1000)).toBe(first);
      expect(await charged()).toBe(300_000);
      expect(await begin(false, 1000)).not.toBe(first);
      expect(await begin(true, 1000, randomId(16))).not.toBe(first);
      expect(await charged()).toBe(900_000);
      expect(await find(first)).toEqual({ size: 300_000 });
      expect(await find(first, randomId(16))).toBeNull();

      await store.upkeep.forgetExpired(UPLOAD_MS);
      expect(await charged()).toBe(900_000);
      await store.upkeep.forgetExpired(UPLOAD_MS + 1001);
      expect([await charged(), await find(first)]).toEqual([0, null]);
      expect(await store.packs.complete(first, 0)).toBe('gone');
    });

    it('dooms blobs that nothing names, and nobody uploads or names them meanwhile', async () => {
      await append({});
      const [stray, coming, stored] = [400, 500, 600].map((size) => randomBytes(size));
      const request = { account: person.account, vault: view.vault, device: device.device, nowMs: 0 };
      await upload(stored!);
      const begun = { ...request, name: packName(coming!), size: 500, resume: true };
      expect((await store.packs.reserve(begun))?.kind).toBe('reserved');
      const blobs = [stray!, coming!, stored!].map((bytes) => ({
        name: { account: person.account, vault: view.vault, pack: packName(bytes) },
        size: bytes.length,
      }));
      const { name } = blobs[0]!;
      const elsewhere = [
        { name: { ...name, vault: randomId<VaultId>(16) }, size: 400 },
        { name: { ...name, account: randomId<AccountId>(16) }, size: 400 },
      ];
      await store.upkeep.holdBlobs(5000);
      expect(await store.upkeep.doomStrays(blobs, 100)).toBe(0);
      await store.upkeep.holdBlobs(0);
      expect(await store.upkeep.doomStrays([...blobs, ...elsewhere], 100)).toBe(1);
      expect(await store.upkeep.doomStrays(blobs, 100)).toBe(0);
      const doomed = await store.upkeep.doomPacks(100, 10);
      expect(doomed.map((pack) => pack.name)).toEqual([name.pack]);
      expect(await upload(stray!, 100)).toBe('deleting');
      expect((await append({ added: [packed(stray!)] }, 100)).kind).toBe('pack-deleting');
      await store.upkeep.forgetPacks(doomed);
      expect(await upload(stray!, 100)).toBe('stored');
      expect((await store.accounts.byId(person.account))?.usage.uncommittedBytes).toBe(1500);
    });

    it('hands a pack to the reaper once its time is over, and to nobody after that', async () => {
      await append({});
      const bytes = randomBytes(500);
      await upload(bytes);
      const added = packed(bytes);
      await append({ added: [added] });
      await append({ dropped: [added.pack] }, 100);
      expect(await store.upkeep.doomPacks(1000, 10)).toEqual([]);
      await store.upkeep.holdBlobs(5000);
      expect(await store.upkeep.doomPacks(1200, 10)).toEqual([]);
      await store.upkeep.holdBlobs(0);
      const doomed = await store.upkeep.doomPacks(1200, 10);
      expect(doomed.map((pack) => pack.name)).toEqual([added.pack.name]);
      expect((await append({ revived: [added.pack] }, 1200)).kind).toBe('pack-deleting');
      expect(await upload(bytes, 1200)).toBe('deleting');
      expect(await store.upkeep.doomPacks(1200, 10)).toEqual(doomed);
      await store.upkeep.forgetPacks(doomed);
      expect(await upload(bytes, 1200)).toBe('stored');
      expect((await store.accounts.byId(person.account))?.usage).toMatchObject({
        retainedBytes: 0,
        uncommittedBytes: 500,
      });
    });

    it('spends a refresh token once, but for its grace', async () => {
      const tokens = (name: string) => ({
        accessHash: hashOfText(`a${name}`),
        accessExpiresMs: 10_000,
        refreshHash: hashOfText(`r${name}`),
        refreshExpiresMs: 10_000,
      });
      await store.sessions.open({
        account: person.account,
        device: device.device,
        tokens: tokens('1'),
        nowMs: 0,
        audit: null,
      });
      expect(await store.sessions.rotate(hashOfText('r1'), tokens('2'), 10, 100, () => audit)).toBe(
        'rotated',
      );
      expect(await store.sessions.rotate(hashOfText('r1'), tokens('3'), 110, 100, () => audit)).toBe(
        'rotated',
      );
      expect(await store.sessions.rotate(hashOfText('r1'), tokens('4'), 111, 100, () => audit)).toBe(
        'refused',
      );
      expect(await store.sessions.byAccess(hashOfText('a3'), 120)).toBeNull();
      await store.sessions.saveProof(hashOfText('p'), 'login', { account: null, data: 'x' }, 100, null);
      const tries = await Promise.all(
        [1, 2].map(() => store.sessions.takeProof(hashOfText('p'), 'login', 50)),
      );
      expect(tries.filter((proof) => proof !== null)).toHaveLength(1);
    });

    it('signs out every session but one, and forgets every grant', async () => {
      const { sessions } = store;
      const open = async (name: string): Promise<number> => {
        const tokens = {
          accessHash: hashOfText(`a${name}`),
          accessExpiresMs: 1000,
          refreshHash: hashOfText(`r${name}`),
          refreshExpiresMs: 1000,
        };
        await sessions.open({
          account: person.account,
          device: device.device,
          tokens,
          nowMs: 0,
          audit: null,
        });
        return (await sessions.byAccess(tokens.accessHash, 1))?.session ?? -1;
      };
      const kept = await open('kept');
      await open('other');
      await sessions.saveGrant(hashOfText('grant'), person.account, 1000, audit);
      await store.accounts.signOut(person.account, kept, audit);
      expect(await sessions.byRefresh(hashOfText('rkept'), 1)).not.toBeNull();
      expect(await sessions.byAccess(hashOfText('aother'), 1)).toBeNull();
      expect(await sessions.byRefresh(hashOfText('rother'), 1)).toBeNull();
      expect(await sessions.grant(hashOfText('grant'), 1)).toBeNull();
    });

    it('takes another bundle with a greater version only', async () => {
      const next = { ...person.bundle, version: person.bundle.version + 1 };
      expect(await store.accounts.changeBundle(person.account, next, audit)).toBe('changed');
      expect(await store.accounts.changeBundle(person.account, next, audit)).toBe('old-version');
      expect((await store.accounts.byId(person.account))?.bundle.version).toBe(next.version);
      expect((await store.accounts.byId(person.account))?.registration).toBe('record');
    });

    it('gives a blob to the reaper or to an upload, never to both, whoever asks first', async () => {
      await append({});
      const other = await fresh.another();
      const both = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const name = packName(randomBytes(20));
          const request = { account: person.account, vault: view.vault, name, size: 20 };
          const stray = { name: { account: person.account, vault: view.vault, pack: name }, size: 20 };
          const [reserved, doomed] = await Promise.all([
            store.packs.reserve({ ...request, device: device.device, nowMs: 0, resume: true }),
            other.upkeep.doomStrays([stray], 0),
          ]);
          return `${reserved?.kind} ${doomed}`;
        }),
      );
      for (const outcome of both) expect(['reserved 0', 'deleting 1']).toContain(outcome);
      await other.close();
    });

    it('leaves a deleted account until what is on its way to it has come or is given up', async () => {
      await append({});
      const begun = { account: person.account, vault: view.vault, name: packName(randomBytes(9)), size: 9 };
      await store.packs.reserve({ ...begun, device: device.device, nowMs: 0, resume: true });
      await store.accounts.markDeleted(person.account, audit);
      expect(await store.upkeep.doomedAccounts(0)).toEqual([]);
      await store.upkeep.forgetExpired(UPLOAD_MS + 1);
      expect(await store.upkeep.doomedAccounts(0)).toEqual([person.account]);
    });

    it('forgets a deleted account entirely', async () => {
      await append({ nodes: [[randomId(16), randomBytes(10)]] });
      await upload(randomBytes(100));
      await store.accounts.markDeleted(person.account, audit);
      expect(await store.upkeep.doomedAccounts(0)).toEqual([person.account]);
      while (await store.upkeep.forgetAccount(person.account, 1, audit));
      expect(await store.upkeep.stats()).toMatchObject({ accounts: 0, vaults: 0, commits: 0, packs: 0 });
      expect(await create(person)).toBe('created');
    });
  });
}
