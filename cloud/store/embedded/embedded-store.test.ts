import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { blobStoreAcceptance, metadataStoreAcceptance } from '../acceptance.ts';
import { StoreUnavailable } from '../store-errors.ts';
import { Database } from './database.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { openFileBlobs } from './file-blobs.ts';

const fresh = (): Promise<string> => mkdtemp(join(tmpdir(), 'coffre-store-'));

blobStoreAcceptance(async () => {
  const dataDir = await fresh();
  const discard = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  return { store: await openFileBlobs(dataDir, true), discard };
});

metadataStoreAcceptance(async () => {
  const dataDir = await fresh();
  const retention = { retentionMs: 1000, uncommittedMs: 500 };
  const store = await openEmbeddedStore({
    dataDir,
    defaultQuotaBytes: 1_000_000,
    exclusive: true,
    ...retention,
  });
  const discard = async (): Promise<void> => {
    await store.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { store, discard };
});

it('says that the disk is full, keeps what it had and goes on once there is room', async () => {
  const dataDir = await fresh();
  const database = new Database(join(dataDir, 'test.sqlite'));
  const put = (name: string, bytes: number): Promise<unknown> =>
    database.write(() =>
      database.run('INSERT INTO settings (name, value) VALUES (?, ?)', name, 'x'.repeat(bytes)),
    );
  await put('small', 10);
  const pages = database.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0;
  database.get(`PRAGMA max_page_count = ${pages + 5}`);
  const together = await Promise.allSettled([put('a', 10), put('large', 1_000_000)]);
  const refused = together.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  expect(refused.length).toBeGreaterThan(0);
  for (const reason of refused) expect(reason).toBeInstanceOf(StoreUnavailable);
  database.get('PRAGMA max_page_count = 100000');
  await put('large', 1_000_000);
  const names = database.all<{ name: string }>('SELECT name FROM settings').map((row) => row.name);
  expect(names).toEqual(expect.arrayContaining(['small', 'large']));
  database.close();
  await rm(dataDir, { recursive: true, force: true });
});
