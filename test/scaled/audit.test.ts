/** The audit log of servers on one database: what devices do, counted by all of them together, and brought along. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { startCloudProcess, type CloudProcess } from '../fakes/cloud-process.ts';
import { Person } from '../fakes/hand-made-client.ts';
import { auditLife } from '../integration/audit-life.ts';
import { World } from '../integration/harness.ts';
import { Server } from '../integration/server.ts';
import { freshStorage } from './bucket.ts';
import { cloudAnswer } from './cloud-command.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

vi.setConfig({ testTimeout: 240_000 });

interface Entry {
  readonly entry: number;
  readonly kind: string;
  readonly times: number;
}

let postgres: PostgresServer;
let place: string;
let storage: Awaited<ReturnType<typeof freshStorage>>;
const running: CloudProcess[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
});
beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'coffre-audit-'));
  storage = await freshStorage(postgres);
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.kill();
  rmSync(place, { recursive: true, force: true });
});

async function serve(dataDir: string | null): Promise<CloudProcess> {
  const server = await startCloudProcess(dataDir, dataDir === null ? storage : {});
  running.push(server);
  return server;
}
async function entriesOf(...options: string[]): Promise<Entry[]> {
  const env = options.includes('--data') ? {} : storage.env;
  return (await cloudAnswer(['audit', ...options], env))['entries'] as Entry[];
}

it('has of real devices what one server alone has', async () => {
  const world = await World.on((where) => new Server(where, storage.options, storage.env));
  try {
    await auditLife(world, (...options) =>
      cloudAnswer(['audit', ...storage.options, ...options], storage.env),
    );
  } finally {
    await world.end();
  }
});

it('counts as one what comes to several servers', async () => {
  const servers = [await serve(null), await serve(null), await serve(null)];
  const person = new Person(servers[0]!.address, 'a@example.org');
  await person.signup();
  const others = servers.map(({ address }) => new Person(address, 'a@example.org'));
  await Promise.all([0, 1, 2, 3, 4, 5].map((index) => others[index % 3]!.tryLogin('guessed')));
  const failed = await entriesOf('--kind', 'sign-in-failed');
  // An hour may end meanwhile.
  expect(failed.length).toBeLessThan(3);
  expect(failed.reduce((sum, { times }) => sum + times, 0)).toBe(6);
});

it('comes along, from a data directory and from a backup, each of which is the last that it tells', async () => {
  const data = join(place, 'data');
  const source = await serve(data);
  await new Person(source.address, 'a@example.org').signup();
  await cloudAnswer(['users', 'quota', 'a@example.org', '5GB', '--data', data]);
  await source.stop();
  await cloudAnswer(['migrate', '--from', data, ...storage.options], storage.env);
  const moved = await entriesOf();
  expect(moved.map(({ kind }) => kind)).toEqual(['moved-in', 'quota-changed', 'signed-up']);

  const backup = join(place, 'backup');
  await cloudAnswer(['backup', '--to', backup, ...storage.options], storage.env);
  const copied = await entriesOf('--data', backup);
  expect(copied.slice(1)).toEqual(moved);
  storage = await freshStorage(postgres);
  await cloudAnswer(['restore', '--from', backup, ...storage.options], storage.env);
  const restored = await entriesOf();
  expect(restored[0]?.kind).toBe('restored');
  expect(restored.slice(1)).toEqual(copied);
  expect(copied[0]?.kind).toBe('backup-made');
  expect(await cloudAnswer(['check', ...storage.options], storage.env)).toMatchObject({ sound: true });
});
