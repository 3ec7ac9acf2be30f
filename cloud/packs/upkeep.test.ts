import { readdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../protocol/limits.ts';
import { decodeChangesPage, decodeStatePage } from '../../protocol/pages.ts';
import type { NodeId, VaultId } from '../../protocol/ids.ts';
import {
  ask,
  packed,
  Person,
  randomId,
  type TestDevice,
  type VaultView,
} from '../../test/fakes/hand-made-client.ts';
import type { CloudConfig } from '../config.ts';
import { startServer, type RunningServer } from '../server.ts';
import { Database } from '../store/embedded/database.ts';
import { DATABASE_FILE, openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openFileBlobs } from '../store/embedded/file-blobs.ts';
import { checkStore } from '../store/check.ts';

let dataDir: string;
let server: RunningServer;
let device: TestDevice;
let view: VaultView;
let clockMs: number;

async function start(options: Partial<CloudConfig> = {}): Promise<void> {
  server = await startServer({ dataDir, logLevel: 'silent', now: () => clockMs, ...options });
}

beforeEach(async () => {
  clockMs = 1_800_000_000_000;
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  await start();
  device = await new Person(server.address).signup();
  view = await device.makeVault();
});
/** Whatever a test did, the rows must still add up and every blob must be sound. */
afterEach(async () => {
  await server.close();
  const store = await openEmbeddedStore({
    dataDir,
    defaultQuotaBytes: null,
    exclusive: false,
    retentionMs: 0,
    uncommittedMs: 0,
  });
  const report = await checkStore(store, await openFileBlobs(dataDir, false));
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
  expect(report).toMatchObject({ damage: [], strayFiles: 0 });
});

async function later(days: number): Promise<void> {
  clockMs += days * DAY_MS;
  await server.upkeep.run();
  const refreshed = await device.refresh();
  device.session = refreshed.json as TestDevice['session'];
}
const quota = async (): Promise<Record<string, number>> =>
  (await device.ask('GET', '/v1/account')).json.quota as Record<string, number>;
const blobs = async (): Promise<number> =>
  (await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  ).length;
const path = (rest: string): string => `/v1/vaults/${view.vault}/${rest}`;

describe('retention', () => {
  it('keeps superseded records and dropped packs for its time, then forgets them and says so', async () => {
    const node = randomId<NodeId>(16);
    const bytes = randomBytes(5000);
    const added = packed(bytes);
    await device.put(view, bytes);
    await device.commit(view, { nodes: [[node, randomBytes(100)]], added: [added] });
    await device.commit(view, { nodes: [[node, randomBytes(110)]], dropped: [added.pack] });
    expect(await quota()).toMatchObject({
      liveBytes: 64 + 110,
      retainedBytes: 100 + 5000 + added.index.length,
    });

    await later(29);
    expect((await device.ask('GET', path(`packs/${added.pack.name}`))).status).toBe(200);
    expect((await device.ask('GET', path('state?at=2'))).status).toBe(200);
    await later(2);
    expect((await device.ask('GET', path(`packs/${added.pack.name}`))).status).toBe(404);
    expect(await blobs()).toBe(0);
    expect((await device.ask('GET', path('state?at=2'))).json.error.code).toBe('gone');
    expect((await device.ask('GET', path('changes?after=0'))).json.error.code).toBe('gone');
    expect((await device.ask('GET', path('changes?after=2'))).json.error.code).toBe('gone');
    expect(decodeChangesPage((await device.ask('GET', path('changes?after=3'))).bytes).commits).toEqual([]);
    expect(decodeStatePage((await device.ask('GET', path('state?at=3'))).bytes).nodes).toHaveLength(2);
    expect(await quota()).toMatchObject({ liveBytes: 64 + 110, retainedBytes: 0 });
    expect((await device.commit(view, { revived: [added.pack] })).json.error.code).toBe('pack-missing');
  });

  it('forgets an upload nobody committed once its device has been silent long enough', async () => {
    await device.put(view, randomBytes(3000));
    await later(6);
    expect(await quota()).toMatchObject({ uncommittedBytes: 3000 });
    await later(6); // heard six days ago
    expect(await quota()).toMatchObject({ uncommittedBytes: 3000 });
    clockMs += 8 * DAY_MS;
    await server.upkeep.run();
    expect(await blobs()).toBe(0);
    await later(0);
    expect(await quota()).toMatchObject({ uncommittedBytes: 0 });
  });

  it('gives up purged bytes at once, but only to a fresh proof and only of dropped packs', async () => {
    const [live, dropped] = [randomBytes(2000), randomBytes(3000)].map((bytes) => ({
      bytes,
      ...packed(bytes),
    }));
    for (const pack of [live!, dropped!]) await device.put(view, pack.bytes);
    await device.commit(view, { added: [live!, dropped!] });
    await device.commit(view, { dropped: [dropped!.pack] });
    const { grant } = await device.person.grant();
    const body = { packs: [live!.pack.name, dropped!.pack.name] };
    expect((await device.ask('POST', path('purge'), body)).status).toBe(401);
    expect((await ask(server.address, 'POST', path('purge'), grant, body)).status).toBe(204);
    await server.upkeep.run();
    expect((await device.ask('GET', path(`packs/${dropped!.pack.name}`))).json.error.code).toBe('gone');
    expect((await device.ask('GET', path(`packs/${live!.pack.name}`))).status).toBe(200);
    expect(await quota()).toMatchObject({ retainedBytes: dropped!.index.length });
    expect((await device.ask('GET', path('changes?after=0'))).status).toBe(200);
  });
});

describe('what an unclean stop left behind', () => {
  it('is removed once it is older than anything on its way, and nothing else is', async () => {
    const bytes = randomBytes(2000);
    await device.put(view, bytes);
    const stray = randomBytes(3000);
    const name = { account: device.person.account, vault: view.vault, pack: packed(stray).pack.name };
    const foreign = { ...name, vault: randomId<VaultId>(16) };
    const store = await openFileBlobs(dataDir, false);
    for (const blob of [name, foreign]) {
      await store.put(blob, stray.length, Readable.from([Uint8Array.from(stray)]));
    }
    await server.close();
    clockMs = Date.now() + 6 * DAY_MS; // files have the time of this machine
    await start();
    await server.upkeep.run();
    expect(await blobs()).toBe(3);
    clockMs += 2 * DAY_MS;
    await server.upkeep.run();
    expect(await store.verify(name, stray.length)).toBe('missing');
    expect(await store.verify({ ...name, pack: packed(bytes).pack.name }, 2000)).toBe('sound');
    // Under a vault nobody knows it may be anybody's.
    expect(await store.verify(foreign, stray.length)).toBe('sound');
    await store.remove(foreign);
  });
});

describe('the quota', () => {
  beforeEach(async () => {
    await server.close();
    await start({ quotaBytes: 10_000 });
    Object.assign(device.person, { url: server.address });
  });

  it('holds when many uploads race for the last bytes', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => device.put(view, randomBytes(3000))));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(3);
    const refused = answers.find((answer) => answer.status === 507)!;
    expect(refused.json).toMatchObject({
      error: { code: 'quota' },
      quota: { limitBytes: 10_000, returnsAtMs: null },
    });
    expect(await quota()).toMatchObject({ uncommittedBytes: 9000 });
  });

  it('lets a full account make room, and its housekeeper exceed it meanwhile', async () => {
    const bytes = randomBytes(9000);
    const added = packed(bytes);
    await device.put(view, bytes);
    expect((await device.commit(view, { added: [added] })).status).toBe(200);
    const smaller = randomBytes(8000);
    expect((await device.put(view, smaller)).status).toBe(507);
    const lease = await device.ask('POST', path('lease'), {});
    expect(lease.json).toMatchObject({ granted: true });
    expect((await device.put(view, smaller)).status).toBe(201);
    expect((await device.commit(view, { added: [packed(smaller)], dropped: [added.pack] })).status).toBe(200);
    const [node] = view.revisions.keys();
    expect((await device.commit(view, { nodes: [[node!, randomBytes(4000)]] })).status).toBe(200);
  });

  it('stops uploads when retained bytes exceed their own share, and says until when', async () => {
    for (let round = 0; round < 2; round += 1) {
      const bytes = randomBytes(6000);
      const added = packed(bytes);
      expect((await device.put(view, bytes)).status).toBe(201);
      await device.commit(view, { added: [added] });
      await device.commit(view, { dropped: [added.pack] });
    }
    const refused = await device.put(view, randomBytes(100));
    expect(refused.json.quota.returnsAtMs).toBe(clockMs + 30 * DAY_MS);
    await later(31);
    expect((await device.put(view, randomBytes(100))).status).toBe(201);
  });
});

describe('byte counts', () => {
  it('are summed up again once a day, and mended where they were wrong', async () => {
    const bytes = randomBytes(4000);
    await device.put(view, bytes);
    await device.commit(view, { added: [packed(bytes)] });
    await device.put(view, randomBytes(500));
    await server.upkeep.run();
    const right = await quota();
    const database = new Database(join(dataDir, DATABASE_FILE));
    await database.write(() =>
      database.run('UPDATE accounts SET live_bytes = 7, uncommitted_bytes = 9000, retained_bytes = 1'),
    );
    database.close();
    await later(0);
    expect(await quota()).toMatchObject({ liveBytes: 7, uncommittedBytes: 9000, retainedBytes: 1 });
    await later(1);
    expect(await quota()).toEqual(right);
    const metrics = await (await fetch(`${server.address}/metrics`)).text();
    expect(metrics).toContain('coffre_usage_mended_total 1');
  });
});

describe('a restart', () => {
  it('loses nothing that was acknowledged and charges nothing that was not', async () => {
    const bytes = randomBytes(4000);
    await device.put(view, bytes);
    const built = device.build(view, { added: [packed(bytes)] });
    await device.send(view, built);
    const before = await quota();
    await server.close();
    await start();
    Object.assign(device.person, { url: server.address });
    expect(await quota()).toEqual(before);
    expect((await device.send(view, built)).json).toMatchObject({ seq: 2 });
    expect((await device.ask('GET', '/v1/vaults')).json.vaults[0].head).toEqual({ seq: 2, hash: built.hash });
    expect((await device.person.tryLogin()).status).toBe(200);
  });
});

describe('a deleted account', () => {
  it('is gone with everything it stored, and its address is free', async () => {
    await device.put(view, randomBytes(3000));
    const { grant } = await device.person.grant();
    expect((await ask(server.address, 'DELETE', '/v1/account', grant)).status).toBe(204);
    expect((await device.ask('GET', '/v1/account')).status).toBe(401);
    await server.upkeep.run();
    expect(await blobs()).toBe(0);
    expect((await device.person.tryLogin()).status).toBe(403);
    await new Person(server.address, device.person.email).signup();
  });
});
