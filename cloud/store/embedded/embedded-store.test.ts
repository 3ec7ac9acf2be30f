import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import Sqlite from 'better-sqlite3';
import { expect, it } from 'vitest';
import type { AccountId, VaultId } from '../../../protocol/ids.ts';
import { packName, randomId } from '../../../test/fakes/hand-made-client.ts';
import { byOperator } from '../../audit/entry.ts';
import { auditStoreAcceptance } from '../audit-acceptance.ts';
import { eraseSql, forgetSql, pageSql } from '../audit-columns.ts';
import { placeBefore } from '../audit-store.ts';
import { blobStoreAcceptance } from '../blob-acceptance.ts';
import { legacyStoreAcceptance } from '../legacy-acceptance.ts';
import { metadataStoreAcceptance, type FreshMetadata } from '../metadata-acceptance.ts';
import { StoreUnavailable } from '../store-errors.ts';
import { Database } from './database.ts';
import { DATABASE_FILE, openEmbeddedStore } from './embedded-store.ts';
import { openFileBlobs } from './file-blobs.ts';
import { SCHEMA_VERSIONS } from './schema.ts';

const fresh = (): Promise<string> => mkdtemp(join(tmpdir(), 'coffre-store-'));

blobStoreAcceptance(async () => {
  const dataDir = await fresh();
  const discard = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  return { store: await openFileBlobs(dataDir, true), discard };
});

const makeMetadata = async (): Promise<FreshMetadata> => {
  const dataDir = await fresh();
  const options = { dataDir, defaultQuotaBytes: 1_000_000, retentionMs: 1000, uncommittedMs: 500 };
  const store = await openEmbeddedStore({ ...options, exclusive: true });
  const discard = async (): Promise<void> => {
    await store.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { store, another: () => openEmbeddedStore({ ...options, exclusive: false }), discard };
};
metadataStoreAcceptance(makeMetadata);
legacyStoreAcceptance(makeMetadata);
auditStoreAcceptance(makeMetadata);

it('is brought up to date from the version before, with what it has', async () => {
  const dataDir = await fresh();
  const former = new Sqlite(join(dataDir, DATABASE_FILE));
  for (const sql of SCHEMA_VERSIONS.slice(0, 2)) former.exec(sql);
  former.exec("INSERT INTO invites VALUES (x'00', 7, NULL)");
  former.pragma('user_version = 2');
  former.close();
  const options = { dataDir, defaultQuotaBytes: null, exclusive: true, retentionMs: 0, uncommittedMs: 0 };
  const store = await openEmbeddedStore(options);
  await store.audit.record(byOperator('invite-made', 1));
  const query = { sinceMs: 0, before: placeBefore(9), limit: 10, account: null, kind: null };
  expect(await store.audit.page(query)).toMatchObject([{ kind: 'invite-made' }]);
  expect(store.database.all('SELECT created_ms FROM invites')).toEqual([{ created_ms: 7 }]);
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

it('looks for entries of the audit log by an index, and sorts none', async () => {
  const dataDir = await fresh();
  const store = await openEmbeddedStore({
    dataDir,
    defaultQuotaBytes: null,
    exclusive: true,
    retentionMs: 0,
    uncommittedMs: 0,
  });
  const query = { sinceMs: 5, before: placeBefore(9), limit: 10, account: null, kind: null };
  const account = randomId<AccountId>(16);
  const kind = 'signed-in' as const;
  const wanted: [sql: string, values: number, by: RegExp][] = [
    [pageSql('?', query).sql, 4, /INDEX audit_by_time \(/],
    [pageSql('?', { ...query, account }).sql, 5, /INDEX audit_of_account \(account=/],
    [pageSql('?', { ...query, kind }).sql, 5, /INDEX audit_of_kind \(kind=/],
    [pageSql('?', { ...query, account, kind }).sql, 6, /INDEX audit_of_(account|kind) \(/],
    [forgetSql('?'), 2, /INDEX audit_by_time \(/],
    [eraseSql('?'), 2, /INDEX audit_of_account \(account=/],
  ];
  for (const [sql, values, by] of wanted) {
    const none = Array<null>(values).fill(null);
    const plan = store.database.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...none);
    const steps = plan.map(({ detail }) => detail).join('\n');
    expect(steps).toMatch(by);
    expect(steps).not.toMatch(/SCAN|TEMP B-TREE/);
  }
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

it('frees what it was given once that is written, and nothing that shares its memory', async () => {
  const dataDir = await fresh();
  const blobs = await openFileBlobs(dataDir, true);
  const content = randomBytes(3000);
  const alone = [Uint8Array.from(content.subarray(0, 1000)), Uint8Array.from(content.subarray(1000, 2000))];
  const shared = content.subarray(2000);
  const name = { account: randomId<AccountId>(16), vault: randomId<VaultId>(16), pack: packName(content) };
  expect(await blobs.put(name, 3000, Readable.from([...alone, shared]))).toBe('stored');
  expect(alone.map((piece) => piece.byteLength)).toEqual([0, 0]);
  expect(shared.byteLength).toBe(1000);
  expect(await blobs.verify(name, 3000)).toBe('sound');
  await rm(dataDir, { recursive: true, force: true });
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
