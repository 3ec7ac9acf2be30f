/** What every implementation of the blob store's port must do. Called from a test file with a maker of fresh stores. */
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, VaultId } from '../../protocol/ids.ts';
import { packName, randomId } from '../../test/fakes/hand-made-client.ts';
import { listedBlobs, type BlobName, type BlobStore } from './blob-store.ts';

export interface Fresh<T> {
  readonly store: T;
  readonly discard: () => Promise<void>;
}

export function blobStoreAcceptance(make: () => Promise<Fresh<BlobStore>>): void {
  describe('a blob store', () => {
    let fresh: Fresh<BlobStore>;
    const folder = { account: randomId<AccountId>(16), vault: randomId<VaultId>(16) };
    const named = (bytes: Uint8Array): BlobName => ({ ...folder, pack: packName(bytes) });
    // Copies: what a store is given may be gone afterwards.
    async function* inParts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 1000) yield Uint8Array.from(bytes.subarray(at, at + 1000));
    }
    const listed = async (store: BlobStore): Promise<[BlobName, number][]> => {
      const rows: [BlobName, number][] = [];
      for await (const { name, size } of listedBlobs(store)) rows.push([name, size]);
      return rows;
    };
    beforeEach(async () => {
      fresh = await make();
    });
    afterEach(async () => fresh.discard());

    it('keeps what it takes, whole and in ranges, and takes it twice', async () => {
      const { store } = fresh;
      const bytes = randomBytes(5500);
      for (let time = 0; time < 2; time += 1) {
        expect(await store.put(named(bytes), bytes.length, inParts(bytes))).toBe('stored');
      }
      expect(await buffer((await store.get(named(bytes), 0, bytes.length))!)).toEqual(bytes);
      expect(await buffer((await store.get(named(bytes), 100, 2100))!)).toEqual(bytes.subarray(100, 2100));
      expect(await store.verify(named(bytes), bytes.length)).toBe('sound');
      expect(await store.verify(named(bytes), bytes.length + 1)).toBe('damaged');
    });

    it('keeps nothing of a body that is another, too short, too long or broken off', async () => {
      const { store } = fresh;
      const bytes = randomBytes(3000);
      expect(await store.put(named(randomBytes(9)), 3000, inParts(bytes))).toBe('mismatch');
      expect(await store.put(named(bytes), 3001, inParts(bytes))).toBe('mismatch');
      expect(await store.put(named(bytes), 2999, inParts(bytes))).toBe('mismatch');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Uint8Array.from(bytes.subarray(0, 1000));
        throw new Error('cut off');
      }
      await expect(store.put(named(bytes), 3000, broken())).rejects.toThrow('cut off');
      expect(await store.get(named(bytes), 0, 10)).toBeNull();
      expect(await store.verify(named(bytes), 3000)).toBe('missing');
      expect(await listed(store)).toEqual([]);
    });

    it('is not changed by a body that is another, once it has the right one', async () => {
      const { store } = fresh;
      const bytes = randomBytes(3000);
      expect(await store.put(named(bytes), 3000, inParts(bytes))).toBe('stored');
      expect(await store.put(named(bytes), 3000, inParts(randomBytes(3000)))).toBe('mismatch');
      expect(await store.verify(named(bytes), 3000)).toBe('sound');
    });

    it('takes one blob from many at once, whole, though some of them break off', async () => {
      const { store } = fresh;
      const bytes = randomBytes(200_000);
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Uint8Array.from(bytes.subarray(0, 150_000));
        throw new Error('cut off');
      }
      const puts = Array.from({ length: 8 }, (_, index) =>
        store
          .put(named(bytes), bytes.length, index % 4 === 3 ? broken() : inParts(bytes))
          .catch((error: unknown) => (error as Error).message),
      );
      const outcomes = await Promise.all(puts);
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(6);
      expect(outcomes.filter((outcome) => outcome === 'cut off')).toHaveLength(2);
      expect(await store.verify(named(bytes), bytes.length)).toBe('sound');
      expect(await listed(store)).toEqual([[named(bytes), bytes.length]]);
    });

    it('lists each blob once, whatever the pages, with the size and the time it came', async () => {
      const { store } = fresh;
      const all = Array.from({ length: 12 }, () => randomBytes(100));
      const names = all.map((bytes, index) => ({
        ...named(bytes),
        ...(index % 3 === 0 ? { vault: randomId<VaultId>(16) } : {}),
        ...(index % 4 === 0 ? { account: randomId<AccountId>(16) } : {}),
      }));
      const before = Date.now();
      for (const [index, name] of names.entries()) await store.put(name, 100, inParts(all[index]!));
      const order = (rows: [BlobName, number][]): string[] =>
        rows.map(([{ account, vault, pack }, size]) => `${account}/${vault}/${pack} ${size}`).sort();
      expect(order(await listed(store))).toEqual(order(names.map((name) => [name, 100])));
      // The clock of a store may show whole seconds.
      for await (const { modifiedMs } of listedBlobs(store))
        expect(Math.abs(modifiedMs - before)).toBeLessThan(60_000);
      await store.remove(names[5]!);
      expect(await listed(store)).toHaveLength(11);
    });

    it('can be reached', async () => {
      await expect(fresh.store.reachable()).resolves.toBeUndefined();
    });

    it('removes one blob, or all of an account, and takes it again afterwards', async () => {
      const { store } = fresh;
      const [first, second] = [randomBytes(100), randomBytes(200)];
      for (const bytes of [first, second]) await store.put(named(bytes), bytes.length, inParts(bytes));
      await store.remove(named(first));
      await store.remove(named(first));
      expect(await store.verify(named(first), 100)).toBe('missing');
      expect(await store.verify(named(second), 200)).toBe('sound');
      const more = Array.from({ length: 7 }, () => randomBytes(10));
      for (const bytes of more) await store.put(named(bytes), 10, inParts(bytes));
      const foreign = { ...named(first), account: randomId<AccountId>(16) };
      await store.put(foreign, 100, inParts(first));
      await store.removeAccount(folder.account);
      expect(await store.verify(named(second), 200)).toBe('missing');
      expect(await listed(store)).toEqual([[foreign, 100]]);
      expect(await store.put(named(second), 200, inParts(second))).toBe('stored');
    });
  });
}
