/** What every implementation must do with the audit log. Called like metadata-acceptance.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeChainEntry, decodeSignedEntry, replayChain } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type AccountId, type DeviceId, type Hash } from '../../protocol/ids.ts';
import {
  makeKey,
  packed,
  Person,
  randomId,
  TestDevice,
  type VaultView,
} from '../../test/fakes/hand-made-client.ts';
import { auditEntry, byOperator, type AuditEntry, type NewAuditEntry } from '../audit/entry.ts';
import type { AuditKind } from '../audit/kinds.ts';
import { addressHash } from '../legacy/address.ts';
import { decodeFrame } from '../../protocol/commit.ts';
import { placeBefore, type AuditQuery } from './audit-store.ts';
import type { FreshMetadata } from './metadata-acceptance.ts';
import type { MetadataStore } from './metadata-store.ts';

const NETWORK = '192.0.2.0/24';
const ALL: AuditQuery = { account: null, kind: null, sinceMs: 0, before: placeBefore(1e12), limit: 1000 };

export function auditStoreAcceptance(make: () => Promise<FreshMetadata>): void {
  describe('an audit log', () => {
    let fresh: FreshMetadata;
    let store: MetadataStore;
    let person: Person;

    beforeEach(async () => {
      fresh = await make();
      store = fresh.store;
      person = new Person('http://nowhere.invalid');
    });
    afterEach(async () => fresh.discard());

    const told = (kind: AuditKind, facts: Partial<NewAuditEntry> = {}): NewAuditEntry =>
      auditEntry({
        kind,
        actor: 'account',
        atMs: 1000,
        account: person.account,
        network: NETWORK,
        ...facts,
      });
    const page = (which: Partial<AuditQuery> = {}): Promise<readonly AuditEntry[]> =>
      store.audit.page({ ...ALL, ...which });
    const kinds = async (which: Partial<AuditQuery> = {}): Promise<string[]> =>
      (await page(which)).map(({ kind }) => kind);

    /** Signs up; returns the device, and what makes the next change of the chain. */
    async function signUp(): Promise<TestDevice> {
      const key = makeKey();
      person.take(person.entry({ kind: 'genesis', masterKey: person.master.publicKey }));
      person.take(person.entry(person.addBody(key)));
      const device = new TestDevice(person, key, {} as TestDevice['session']);
      expect(await create(device.device, null, told('signed-up', { device: device.device }))).toBe('created');
      return device;
    }
    const create = (
      device: DeviceId,
      inviteHash: Hash | null,
      audit: NewAuditEntry,
    ): Promise<'created' | 'refused'> => {
      const { account, email, bundle, chain, chainHead } = person;
      const fixed = { registration: 'r', nowMs: 0, claimHash: null };
      return store.accounts.create({
        account,
        email,
        bundle,
        chain,
        chainHead,
        device,
        inviteHash,
        audit,
        ...fixed,
      });
    };

    it('gives back what was written, from the newest on', async () => {
      const device = randomId<DeviceId>(16);
      await store.audit.record(told('signed-in', { atMs: 5, device }));
      await store.audit.record(byOperator('invite-made', 9));
      await store.audit.record(byOperator('quota-changed', 9, { account: person.account, amount: 7e12 }));
      const [last, middle, first] = await page();
      const none = { account: null, device: null, network: null, amount: null, times: 1 };
      expect(first).toEqual({
        ...none,
        entry: first?.entry,
        kind: 'signed-in',
        actor: 'account',
        atMs: 5,
        lastMs: 5,
        account: person.account,
        device,
        network: NETWORK,
      });
      expect(middle).toMatchObject({ ...none, kind: 'invite-made', actor: 'operator', atMs: 9 });
      expect(last).toMatchObject({ kind: 'quota-changed', amount: 7e12, account: person.account });
    });

    it('makes one entry of those with one tally, whoever writes them and however many at once', async () => {
      const other = await fresh.another();
      const tally = randomId<Hash>(32);
      const times = Array.from({ length: 20 }, (_none, index) => 100 + ((index * 7) % 20));
      await Promise.all(
        times.map((atMs, index) =>
          (index % 2 === 0 ? store : other).audit.record(told('packs-purged', { atMs, tally, amount: 3 })),
        ),
      );
      await store.audit.record(told('packs-purged', { tally: randomId(32) }));
      await store.audit.record(told('packs-purged'));
      const [, , counted, ...more] = await page();
      expect(counted).toMatchObject({ times: 20, amount: 60, lastMs: 119 });
      expect(more).toEqual([]);
      await other.close();
    });

    it('is read in pages of one order, by account, kind and time, whatever is written meanwhile', async () => {
      const stranger = randomId<AccountId>(16);
      for (let index = 0; index < 40; index += 1) {
        // Several of one time.
        const facts = { atMs: Math.floor(index / 3), account: index % 4 === 0 ? stranger : person.account };
        await store.audit.record(told(index % 5 === 0 ? 'password-changed' : 'signed-in', facts));
      }
      const matches: Partial<AuditQuery>[] = [
        {},
        { account: person.account },
        { kind: 'password-changed' },
        { account: stranger, kind: 'signed-in', sinceMs: 3 },
        { sinceMs: 4, before: placeBefore(9) },
      ];
      for (const which of matches) {
        const { account, kind, sinceMs, before } = { ...ALL, ...which };
        const wanted = (await page()).filter(
          (entry) =>
            (account === null || entry.account === account) &&
            (kind === null || entry.kind === kind) &&
            entry.atMs >= sinceMs &&
            entry.atMs < before.atMs,
        );
        expect(wanted.length).toBeGreaterThan(4);
        const paged: AuditEntry[] = [];
        for (let from = before; ;) {
          const next = await page({ ...which, before: from, limit: 4 });
          paged.push(...next);
          await store.audit.record(told('signed-in', { atMs: 50 }));
          if (next.length < 4) break;
          from = next.at(-1)!;
        }
        expect(paged).toEqual(wanted);
      }
    });

    it('forgets what is older than a time, the oldest first, some at once', async () => {
      for (let atMs = 0; atMs < 10; atMs += 1)
        await store.audit.record(told('signed-in', { atMs: 9 - atMs }));
      expect(await store.audit.forget(5, 3)).toBe(3);
      expect((await page()).map(({ atMs }) => atMs)).toEqual([9, 8, 7, 6, 5, 4, 3]);
      expect([await store.audit.forget(5, 3), await store.audit.forget(5, 3)]).toEqual([2, 0]);
      expect((await page()).map(({ atMs }) => atMs)).toEqual([9, 8, 7, 6, 5]);
    });

    it('tells of each change that was made, and of none that was not', async () => {
      const { accounts, sessions, packs, log, upkeep } = store;
      const { account } = person;
      const device = await signUp();
      expect(await create(device.device, null, told('signed-up'))).toBe('refused');
      expect(await kinds()).toEqual(['signed-up']);

      const rising = { ...person.bundle, version: 2 };
      const change = { account, registration: 'r', keepSession: null };
      const changed = told('password-changed');
      expect(await accounts.changePassword({ ...change, bundle: rising, audit: changed })).toBe('changed');
      expect(await accounts.changePassword({ ...change, bundle: rising, audit: changed })).toBe(
        'old-version',
      );
      const renewed = told('recovery-key-changed');
      expect(await accounts.changeBundle(account, { ...rising, version: 3 }, renewed)).toBe('changed');
      expect(await accounts.changeBundle(account, { ...rising, version: 3 }, renewed)).toBe('old-version');
      await sessions.saveGrant(randomId(32), account, 1e6, told('signed-in'));
      await accounts.signOut(account, null, told('signed-out'));
      await accounts.addInvite(randomId(32), 0, byOperator('invite-made', 1000));
      await accounts.setQuota(account, 5, byOperator('quota-changed', 1000, { account, amount: 5 }));
      await accounts.setDisabled(account, true, byOperator('account-disabled', 1000, { account }));
      await accounts.setDisabled(account, false, byOperator('account-enabled', 1000, { account }));
      const nobody = randomId<AccountId>(16);
      await accounts.setQuota(nobody, 5, byOperator('quota-changed', 1000));
      await accounts.setDisabled(nobody, true, byOperator('account-disabled', 1000));
      expect(await kinds({ before: placeBefore(2000) })).toEqual([
        'account-enabled',
        'account-disabled',
        'quota-changed',
        'invite-made',
        'signed-out',
        'signed-in',
        'recovery-key-changed',
        'password-changed',
        'signed-up',
      ]);

      const replayed = replayChain(person.chain.map(decodeSignedEntry));
      if (!replayed.ok) throw new Error(replayed.fault);
      const { chain } = replayed;
      const encoded = person.entry(person.addBody(makeKey()));
      const entry = decodeChainEntry(decodeSignedEntry(encoded).bytes);
      const fixed = {
        account,
        chain,
        entry,
        encoded,
        wasLost: false,
        entryHash: randomId<Hash>(32),
        nowMs: 0,
      };
      const enrolled = told('device-enrolled', { atMs: 2000 });
      expect(await accounts.appendChain({ ...fixed, audit: enrolled })).toBe('appended');
      expect(await accounts.appendChain({ ...fixed, audit: enrolled })).toBe('stale');
      const tokens = (name: string) => ({
        accessHash: addressHash(`a${name}`),
        accessExpiresMs: 1e6,
        refreshHash: addressHash(`r${name}`),
        refreshExpiresMs: 1e6,
      });
      const opened = { account, device: device.device, nowMs: 0 };
      const returned = told('device-returned', { atMs: 2000 });
      await sessions.open({ ...opened, tokens: tokens('1'), audit: null });
      await sessions.open({ ...opened, tokens: tokens('2'), audit: returned });
      const reused = (): NewAuditEntry => told('token-reused', { atMs: 2000 });
      expect(await sessions.rotate(addressHash('r1'), tokens('3'), 10, 5, reused)).toBe('rotated');
      expect(await sessions.rotate(addressHash('nothing'), tokens('4'), 10, 5, reused)).toBe('refused');
      expect(await sessions.rotate(addressHash('r1'), tokens('5'), 16, 5, reused)).toBe('refused');
      expect(await kinds({ sinceMs: 2000 })).toEqual(['token-reused', 'device-returned', 'device-enrolled']);

      const view: VaultView = {
        vault: randomId(16),
        head: { seq: 0, hash: ZERO_HASH },
        epoch: 0,
        revisions: new Map(),
      };
      const purged = told('packs-purged', { atMs: 3000 });
      expect(await packs.purge(account, view.vault, [], purged)).toBeNull();
      await accounts.setQuota(account, 1e6, byOperator('quota-changed', 1000, { account }));
      person.take(encoded);
      const bytes = Buffer.from('a pack that is dropped and purged');
      const now = replayChain(person.chain.map(decodeSignedEntry));
      if (!now.ok) throw new Error(now.fault);
      const added = packed(bytes);
      // The hash of the entry above was made up.
      const rows = { chain: { ...now.chain, head: fixed.entryHash }, account, nowMs: 0 };
      for (const next of [{ added: [added], inline: [bytes] }, { dropped: [added.pack] }]) {
        const built = device.build(view, { ...next, header: { chainHead: fixed.entryHash } });
        const outcome = await log.appendCommit({
          ...rows,
          frame: decodeFrame(built.bytes),
          hash: built.hash,
        });
        expect(outcome.kind).toBe('committed');
        view.head = { seq: built.header.seq, hash: built.hash };
      }
      expect(await packs.purge(account, view.vault, [randomId(32)], purged)).toBe(0);
      expect(await packs.purge(account, view.vault, [added.pack.name], purged)).toBe(1);
      expect(await page({ sinceMs: 3000 })).toMatchObject([{ kind: 'packs-purged', amount: 1 }]);

      const deleted = told('account-deleted', { atMs: 4000 });
      await accounts.markDeleted(account, deleted);
      await accounts.markDeleted(account, deleted);
      expect(await kinds({ sinceMs: 4000 })).toEqual(['account-deleted']);
      const forgotten = told('account-forgotten', { atMs: 5000, network: null });
      while (await upkeep.forgetAccount(account, 1, forgotten));
      await upkeep.forgetAccount(account, 1, forgotten);
      expect(await kinds({ sinceMs: 4000 })).toEqual(['account-forgotten', 'account-deleted']);
    });

    it('tells of members of an older service how many they were', async () => {
      const { legacy } = store;
      const rows = ['a', 'b', 'c'].map((name) => ({
        email: `${name}@example.org`,
        password: null,
        quotaBytes: null,
      }));
      const batch = { import: null, service: null, expiresMs: 1000, nowMs: 0 };
      const imported = byOperator('legacy-imported', 1);
      await legacy.add({ ...batch, rows, audit: imported });
      await legacy.add({ ...batch, rows, audit: imported });
      const codes = rows.map(({ email }) => ({
        address: addressHash(email),
        codeHash: randomId<Hash>(32),
      }));
      const made = byOperator('legacy-codes-made', 2);
      await legacy.setCodes(codes.slice(1), 1, made);
      await legacy.setCodes([{ address: addressHash('nobody'), codeHash: randomId(32) }], 1, made);
      const ended = byOperator('legacy-expired', 3);
      await legacy.expire([codes[0]!.address, addressHash('nobody')], 1, ended);
      await legacy.expire([codes[0]!.address], 1, ended);
      await legacy.expire('all', 1, ended);
      await legacy.expire('all', 1, ended);
      expect((await page()).map(({ kind, amount }) => [kind, amount])).toEqual([
        ['legacy-expired', 2],
        ['legacy-expired', 1],
        ['legacy-codes-made', 2],
        ['legacy-imported', 3],
      ]);
    });

    it('undoes the change whose entry cannot be written', async () => {
      const device = await signUp();
      const { account } = person;
      // No store takes an entry without a time.
      const broken = { ...told('account-deleted'), atMs: null as never };
      await expect(store.accounts.markDeleted(account, broken)).rejects.toThrow();
      await expect(store.accounts.setQuota(account, 5, broken)).rejects.toThrow();
      await expect(store.accounts.setDisabled(account, true, broken)).rejects.toThrow();
      const bundle = { ...person.bundle, version: 2 };
      const change = { account, registration: 'other', bundle, keepSession: null, audit: broken };
      await expect(store.accounts.changePassword(change)).rejects.toThrow();
      await expect(store.accounts.changeBundle(account, bundle, broken)).rejects.toThrow();
      const invite = randomId<Hash>(32);
      await expect(store.accounts.addInvite(invite, 0, broken)).rejects.toThrow();
      const grant = randomId<Hash>(32);
      await expect(store.sessions.saveGrant(grant, account, 1e6, broken)).rejects.toThrow();
      expect(await store.sessions.grant(grant, 1)).toBeNull();
      expect(await store.accounts.byId(account)).toMatchObject({
        disabled: false,
        registration: 'r',
        bundle: { version: 1 },
        usage: { limitBytes: 1_000_000 },
      });
      person = new Person('http://nowhere.invalid');
      expect(await create(device.device, invite, told('signed-up'))).toBe('refused');
      expect(await kinds()).toEqual(['signed-up']);
    });

    it('keeps of a deleted account what happened and its id, and no network', async () => {
      await signUp();
      const { account } = person;
      const tally = randomId<Hash>(32);
      for (let index = 0; index < 7; index += 1) await store.audit.record(told('signed-in', { atMs: 2000 }));
      await store.audit.record(told('password-changed', { atMs: 2000, tally, network: null }));
      await store.audit.record(told('signed-in', { account: randomId<AccountId>(16) }));
      const before = await page({ account });
      await store.accounts.markDeleted(account, told('account-deleted', { atMs: 3000 }));
      const forgotten = told('account-forgotten', { atMs: 4000, network: null });
      let calls = 1;
      while (await store.upkeep.forgetAccount(account, 2, forgotten)) calls += 1;
      expect(calls).toBeGreaterThan(5);
      const after = await page({ account });
      expect(after.slice(2)).toEqual(before.map((entry) => ({ ...entry, network: null })));
      expect(after.every(({ network }) => network === null)).toBe(true);
      expect((await page()).filter(({ network }) => network !== null)).toHaveLength(1);
      const tallies: unknown[] = [];
      await store.tables.read(async (tables) => {
        for await (const row of tables.rows<{ tally: unknown }>('audit_entries')) tallies.push(row.tally);
      });
      expect(tallies.filter((one) => one !== null)).toEqual([]);
    });
  });
}
