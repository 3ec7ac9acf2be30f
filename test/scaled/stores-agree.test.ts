/**
 * The embedded store as the model of this one: the same random life of an account is played to both, and whatever one
 * answers, the other does. The seed of a failing life is in its name.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type PostgresServer } from './postgres.ts';
import { openEmbeddedStore } from '../../cloud/store/embedded/embedded-store.ts';
import { checkStore } from '../../cloud/store/check.ts';
import { openFileBlobs } from '../../cloud/store/embedded/file-blobs.ts';
import { StoreLife } from './store-life.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';

const OPTIONS = { defaultQuotaBytes: 40_000, retentionMs: 1000, uncommittedMs: 500 };
const STEPS = 250;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

it.each(['one', 'two', 'three', 'four'])('plays the life %s as the embedded store does', async (seed) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'coffre-agree-'));
  const embedded = await openEmbeddedStore({ ...OPTIONS, dataDir, exclusive: true });
  const url = await server.database();
  const postgres = await openPostgresStore({ ...OPTIONS, url, maxConnections: 4, statsAgeMs: 0 });
  const life = new StoreLife(seed, [embedded, postgres]);
  await life.begin();
  for (let step = 0; step < STEPS; step += 1) await life.step(step);
  expect(life.kinds()).toEqual(
    expect.arrayContaining(['committed', 'quota', 'stale-head', 'rewound', 'revoked']),
  );
  const report = await checkStore(embedded, await openFileBlobs(dataDir, false));
  expect(report.damage.filter((line) => !line.endsWith(': missing'))).toEqual([]);
  await life.end();
  await embedded.close();
  await postgres.close();
  await rm(dataDir, { recursive: true, force: true });
});
