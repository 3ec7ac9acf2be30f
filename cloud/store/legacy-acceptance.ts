/** What every implementation must do with accounts of an older service. Called like metadata-acceptance.ts. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Person, randomId } from '../../test/fakes/hand-made-client.ts';
import type { Hash } from '../../protocol/ids.ts';
import type { LegacyParameters } from '../../protocol/legacy.ts';
import { byOperator } from '../audit/entry.ts';
import { addressHash } from '../legacy/address.ts';
import { LEGACY_BATCH, type LegacyRow, type LegacyStore, type NewLegacyRow } from './legacy-store.ts';
import type { FreshMetadata } from './metadata-acceptance.ts';
import type { MetadataStore } from './metadata-store.ts';

/** What it tells is looked at in audit-acceptance.ts. */
const audit = byOperator('quota-changed', 0);

const hashOfText = (text: string): Hash => createHash('sha256').update(text).digest('hex') as Hash;
const parameters: LegacyParameters = {
  scheme: 'bcrypt',
  cost: 10,
  salt: Buffer.alloc(16, 3).toString('base64'),
};
const row = (name: string, more: Partial<NewLegacyRow> = {}): NewLegacyRow => ({
  email: `${name}@example.org`,
  password: { parameters, proofHash: hashOfText(name) },
  quotaBytes: null,
  ...more,
});
const addressOf = (name: string): Hash => addressHash(`${name}@example.org`);

export function legacyStoreAcceptance(make: () => Promise<FreshMetadata>): void {
  describe('accounts of an older service', () => {
    let fresh: FreshMetadata;
    let store: MetadataStore;
    let legacy: LegacyStore;

    beforeEach(async () => {
      fresh = await make();
      store = fresh.store;
      legacy = store.legacy;
    });
    afterEach(async () => fresh.discard());

    const add = (rows: readonly NewLegacyRow[], given: Partial<Parameters<LegacyStore['add']>[0]> = {}) =>
      legacy.add({ import: null, service: 'OldBox', expiresMs: 1000, nowMs: 0, rows, audit, ...given });
    const find = (name: string, nowMs = 1): Promise<LegacyRow | null> => legacy.find(addressOf(name), nowMs);
    const saveClaim = async (name: string, text: string): Promise<Hash> => {
      const proof = { account: null, data: `${name}@example.org` };
      await store.sessions.saveProof(hashOfText(text), 'claim', proof, 500, null);
      return hashOfText(text);
    };
    const create = (name: string, claimHash: Hash, nowMs = 1): Promise<'created' | 'refused'> => {
      const person = new Person('http://nowhere.invalid', `${name}@example.org`);
      const { account, email, bundle, chain, chainHead } = person;
      return store.accounts.create({
        account,
        email,
        registration: 'record',
        bundle,
        chain,
        chainHead,
        device: randomId(16),
        nowMs,
        inviteHash: null,
        claimHash,
        audit,
      });
    };

    it('are there once each, and counted by what they were hashed with', async () => {
      expect(await legacy.offer(1)).toBeNull();
      const first = await add([row('a'), row('b', { password: null, quotaBytes: 5 })]);
      expect(first).toEqual({ import: expect.any(Number) as number, added: 2 });
      const second = { scheme: 'pbkdf2-sha512', iterations: 10_000, bytes: 64, salt: 'AAAAAAAA' } as const;
      const other = { password: { parameters: second, proofHash: hashOfText('c') } };
      const more = await add([row('a', { quotaBytes: 9 }), row('c', other)], { import: first.import });
      expect(more).toEqual({ import: first.import, added: 1 });
      expect(await add([row('a'), row('b')])).toEqual({ import: null, added: 0 });

      const offer = await legacy.offer(1);
      expect(offer?.service).toBe('OldBox');
      expect(offer?.shapes.map(({ import: number, rows }) => [number, rows])).toEqual([
        [first.import, 1],
        [first.import, 1],
      ]);
      expect(await find('a')).toEqual({
        address: addressOf('a'),
        email: 'a@example.org',
        parameters,
        proofHash: hashOfText('a'),
        codeHash: null,
        quotaBytes: null,
        expiresMs: 1000,
        state: 'open',
      });
      expect(await find('b')).toMatchObject({ parameters: null, proofHash: null, quotaBytes: 5 });
      expect(await find('nobody')).toBeNull();
    });

    it('are paged through in one order, whatever their number', async () => {
      const names = Array.from({ length: 25 }, (_none, index) => `n${index}`);
      await add(names.map((name) => row(name)));
      const seen: Hash[] = [];
      for (let page = await legacy.page(null, 10, 1); page.length > 0;) {
        seen.push(...page.map(({ address }) => address));
        page = await legacy.page(seen.at(-1) ?? null, 10, 1);
      }
      expect(seen).toEqual(names.map(addressOf).toSorted());
    });

    it('become an account by a claim, once, with their quota', async () => {
      await add([row('a', { quotaBytes: 77 }), row('b')]);
      const claim = await saveClaim('a', 'claim');
      expect(await create('b', claim)).toBe('refused');
      expect(await create('a', hashOfText('another'))).toBe('refused');
      expect(await create('a', claim, 500)).toBe('refused');
      const other = await fresh.another();
      const rivals = await Promise.all([create('a', claim), create('a', claim)]);
      expect(rivals.toSorted()).toEqual(['created', 'refused']);
      const made = await other.accounts.byEmail('a@example.org');
      expect(made?.usage.limitBytes).toBe(77);
      expect(await other.legacy.find(addressOf('a'), 1)).toMatchObject({
        state: 'claimed',
        parameters,
        email: null,
        proofHash: null,
      });
      // Neither another claim nor another import opens it again, nor the end of the account.
      await other.accounts.markDeleted(made!.account, audit);
      expect(await create('a', await saveClaim('a', 'late'))).toBe('refused');
      expect(await add([row('a')])).toMatchObject({ added: 0 });
      expect(await store.sessions.takeProof(claim, 'claim', 1)).toBeNull();
      expect(await create('b', await saveClaim('b', 'of b'))).toBe('created');
      expect((await store.accounts.byEmail('b@example.org'))?.usage.limitBytes).toBe(1_000_000);
      await other.close();
    });

    it('are not used up by an account that is not made', async () => {
      await add([row('a')]);
      const taken = new Person('http://nowhere.invalid', 'a@example.org');
      const { account, email, bundle, chain, chainHead } = taken;
      const device = randomId<never>(16);
      const open = { account, email, bundle, chain, chainHead, device, registration: 'r', nowMs: 0 };
      await store.accounts.create({ ...open, inviteHash: null, claimHash: null, audit });
      const claim = await saveClaim('a', 'claim');
      expect(await create('a', claim)).toBe('refused');
      expect(await find('a')).toMatchObject({ state: 'open' });
      await store.accounts.markDeleted(account, audit);
      expect(await create('a', claim)).toBe('created');
    });

    it('take one code at a time, while they are open', async () => {
      await add([row('a'), row('b')]);
      await legacy.expire([addressOf('b')], 1, audit);
      const codes = ['a', 'b', 'nobody'].map((name) => ({
        address: addressOf(name),
        codeHash: hashOfText(`code of ${name}`),
      }));
      expect(await legacy.setCodes(codes, 1, audit)).toEqual([addressOf('a')]);
      expect(await find('a')).toMatchObject({ codeHash: hashOfText('code of a') });
      await legacy.setCodes([{ address: addressOf('a'), codeHash: hashOfText('next') }], 1, audit);
      expect(await find('a')).toMatchObject({ codeHash: hashOfText('next') });
      expect(await legacy.setCodes(codes, 1000, audit)).toEqual([]);
    });

    it('run out, are emptied, answer as before, and can be brought again', async () => {
      await add([row('a'), row('b'), row('c')]);
      await add([row('late')], { expiresMs: 5000, service: null });
      expect(await find('a', 999)).toMatchObject({ state: 'open' });
      const over = { state: 'expired', email: null, proofHash: null, parameters };
      expect(await find('a', 1000)).toMatchObject(over);
      await legacy.forgetExpired(1000);
      expect(await find('a', 1)).toMatchObject(over);
      expect(await find('late')).toMatchObject({ state: 'open' });
      expect((await legacy.offer(1000))?.shapes.map(({ rows }) => rows)).toEqual([3, 1]);
      expect(await create('a', await saveClaim('a', 'claim'))).toBe('refused');

      expect(await add([row('a', { quotaBytes: 3 })], { nowMs: 1000, expiresMs: 9000 })).toMatchObject({
        added: 1,
      });
      expect(await find('a', 1001)).toMatchObject({ state: 'open', quotaBytes: 3, email: 'a@example.org' });
    });

    it('can be brought again before the upkeep has been at them', async () => {
      await add([row('a'), row('b')]);
      await legacy.expire([addressOf('a')], 1, audit);
      expect(await add([row('a'), row('b')], { expiresMs: 9000, nowMs: 10 })).toMatchObject({ added: 1 });
      expect(await add([row('b')], { expiresMs: 9000, nowMs: 1000 })).toMatchObject({ added: 1 });
      expect(await find('b', 2000)).toMatchObject({ state: 'open' });
    });

    it('are forgotten with the last of the imports', async () => {
      await add(Array.from({ length: LEGACY_BATCH + 5 }, (_none, index) => row(`n${index}`)));
      await add([row('later')], { expiresMs: 5000 });
      await create('n3', await saveClaim('n3', 'claim'));
      expect(await legacy.expire([addressOf('n1'), addressOf('n1'), addressOf('n3')], 2, audit)).toBe(1);
      expect(await legacy.expire('all', 3, audit)).toBe(LEGACY_BATCH + 4);
      expect(await legacy.offer(3)).toBeNull();
      await legacy.forgetExpired(3);
      expect(await legacy.page(null, 10, 3)).toEqual([]);
      const rows: object[] = [];
      await store.tables.read(async (tables) => {
        for (const name of ['legacy_rows', 'legacy_shapes', 'legacy_imports'] as const)
          for await (const one of tables.rows(name)) rows.push(one);
      });
      expect(rows).toEqual([]);
    });
  });
}
