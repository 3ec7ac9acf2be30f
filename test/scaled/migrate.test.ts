/** A server moves from its data directory into a database and a bucket, under two live devices, killed on the way. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listedBlobs } from '../../cloud/store/blob-store.ts';
import { openS3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import { startCloudProcess, type CloudProcess } from '../fakes/cloud-process.ts';
import { packed, Person, type TestDevice } from '../fakes/hand-made-client.ts';
import { agree } from '../integration/agree.ts';
import { World, type Device } from '../integration/harness.ts';
import { Server } from '../integration/server.ts';
import { freshBucket, storageIn } from './bucket.ts';
import { flagsOf } from './make-bucket.ts';
import { cloudAnswer, cloudCommand, killedAtLine } from './cloud-command.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
});

describe('with two live devices', { timeout: 420_000 }, () => {
  let world: World<Server>;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    world = await World.on((place) => new Server(place, [], {}));
    one = await world.device('one');
    two = await world.device('two');
  }, 120_000);
  afterAll(async () => {
    await world.end();
  });

  it('moves, though it is killed again and again, and no device notices but by the pause', async () => {
    mkdirSync(one.path('folder'));
    for (let count = 0; count < 4; count += 1)
      writeFileSync(one.path('folder', `large-${count}`), randomBytes(3_000_000));
    for (let count = 0; count < 100; count += 1) writeFileSync(one.path(`small-${count}`), `number ${count}`);
    await agree(one, two);
    writeFileSync(two.path('edited'), 'once');
    await agree(two, one);
    writeFileSync(two.path('edited'), 'twice');
    rmSync(one.path('small-7'));
    await agree(two, one);
    await agree(one, two);

    const { data } = world.server;
    const s3 = await freshBucket('coffre/');
    const storage = await storageIn(postgres, s3);
    // Most packs come while the server runs.
    const ahead = await cloudAnswer(['migrate', '--from', data, '--ahead', ...storage.options]);
    expect(ahead).toMatchObject({ kind: 'ahead', damage: [] });
    expect(ahead['copiedBytes']).toBeGreaterThan(12_000_000);
    writeFileSync(one.path('folder', 'later'), randomBytes(2_000_000));
    await agree(one, two);

    const args = ['migrate', '--from', data, ...storage.options];
    const running = await cloudCommand(args, storage.env);
    expect([running.code, running.err]).toMatchObject([1, expect.stringContaining('stop it first')]);
    await world.server.kill9();
    // Written during the pause.
    writeFileSync(two.path('meanwhile'), 'while no server was there');

    let kills = 0;
    while ((await killedAtLine(args, storage.env, 2 + 3 * kills)).code === null) {
      kills += 1;
      if (kills % 4 !== 1) continue;
      // Neither side can be served by accident.
      const source = await cloudCommand(['serve', '--data', data, '--listen', '127.0.0.1:0']);
      expect([source.code, source.err]).toMatchObject([1, expect.stringContaining('is being moved to')]);
      const target = await cloudCommand(
        ['serve', '--listen', '127.0.0.1:0', ...storage.options],
        storage.env,
      );
      expect([target.code, target.err]).toMatchObject([1, expect.stringContaining('not all of it is there')]);
    }
    expect(kills).toBeGreaterThan(4);
    // Said once more, it is done.
    expect(await cloudAnswer(args, storage.env)).toMatchObject({ kind: 'moved-before' });

    expect(await cloudAnswer(['check', '--data', data])).toMatchObject({ sound: true, strayFiles: 0 });
    const there = await cloudAnswer(['check', ...storage.options], storage.env);
    expect(there).toMatchObject({ sound: true, strayFiles: 0 });
    for (const what of ['accounts', 'commits', 'records', 'packs', 'blobBytes'])
      expect([what, there[what]]).toEqual([what, (await cloudAnswer(['check', '--data', data]))[what]]);
    const moved = await cloudCommand(['serve', '--data', data, '--listen', '127.0.0.1:0']);
    expect([moved.code, moved.err]).toMatchObject([1, expect.stringMatching(/was moved to .*--undo --yes/)]);

    world.server.moveTo(storage.options, storage.env);
    await world.server.start();
    await agree(two, one);
    writeFileSync(one.path('afterwards'), randomBytes(2_000_000));
    await agree(one, two);
    for (const device of [one, two]) expect(await device.issues()).toEqual([]);
    const three = await world.device('three');
    await agree(one, three);
    await one.ok('check', '--read-data', '100');
  });
});

describe('a move', () => {
  let place: string;
  let data: string;
  let s3: S3Config;
  let device: TestDevice;
  let server: CloudProcess | null;
  let storage: Awaited<ReturnType<typeof storageIn>>;

  beforeEach(async () => {
    place = mkdtempSync(join(tmpdir(), 'coffre-migrate-'));
    data = join(place, 'data');
    s3 = await freshBucket();
    storage = await storageIn(postgres, s3);
    server = await startCloudProcess(data);
    device = await new Person(server.address, 'a@example.org').signup();
    const view = await device.makeVault();
    const bytes = randomBytes(20_000);
    await device.put(view, bytes);
    await device.commit(view, { added: [packed(bytes)] });
    await server.stop();
    server = null;
  });
  afterEach(async () => {
    await server?.kill();
    rmSync(place, { recursive: true, force: true });
  });

  const migrate = (...more: string[]): string[] => ['migrate', '--from', data, ...storage.options, ...more];

  async function refused(
    args: readonly string[],
    told: RegExp,
    code = 1,
    env: NodeJS.ProcessEnv = storage.env,
  ): Promise<void> {
    const result = await cloudCommand(args, env);
    expect([result.code, result.err]).toEqual([code, expect.stringMatching(told)]);
  }

  it('does not begin where anything else is, and leaves the source as it was', async () => {
    const other = await startCloudProcess(null, storage);
    await refused(migrate(), /a coffre-cloud runs on this database: stop it/);
    await new Person(other.address, 'b@example.org').signup();
    await other.stop();
    await refused(migrate(), /the database is not empty \(it has accounts\)/);
    server = await startCloudProcess(data);
    await server.stop();
    server = null;
    await refused(['migrate', '--from', place, ...storage.options], /there is no server's data/, 2);
    await refused(['migrate', '--from', data, '--undo'], /never moved/, 2);
  });

  it('is given up half-way, and the source goes on', async () => {
    expect((await killedAtLine(migrate(), storage.env, 3)).code).toBeNull();
    await refused(['users', 'list', '--data', data], /is being moved to .* --undo to give it up/, 1, {});
    const elsewhere = await storageIn(postgres, s3);
    await refused(migrate(), /name that target again/, 1, elsewhere.env);
    await cloudAnswer(['migrate', '--from', data, '--undo']);
    server = await startCloudProcess(data);
    Object.assign(device.person, { url: server.address });
    expect((await device.person.tryLogin()).status).toBe(200);
    await server.stop();
    server = null;
    // What is left of it there is no beginning of another one.
    await refused(migrate(), /a part of another move/);
  });

  it('is taken back after its end only when that is meant', async () => {
    await cloudAnswer(migrate(), storage.env);
    await refused(['migrate', '--from', data, '--undo'], /old backup.*--yes/, 2);
    await refused(['users', 'quota', 'a@example.org', '1GB', '--data', data], /was moved to/, 1, {});
    await refused(['backup', ...storage.options, '--to', data], /was moved to/);
    await cloudAnswer(['migrate', '--from', data, '--undo', '--yes']);
    server = await startCloudProcess(data);
  });

  it('does not go on with a pack that is damaged, unless told to leave it', async () => {
    const files = join(data, 'blobs', device.person.account);
    rmSync(files, { recursive: true });
    await refused(migrate(), /1 packs are missing or damaged.*--leave-damaged/, 7);
    await refused(['serve', '--listen', '127.0.0.1:0', ...storage.options], /not all of it is there/);
    const moved = await cloudAnswer(migrate('--leave-damaged'), storage.env);
    expect(moved).toMatchObject({ kind: 'moved', packs: 0 });
    expect((await cloudCommand(['check', ...storage.options], storage.env)).code).toBe(7);
  });

  it('does not end where what arrived is another', async () => {
    const { lines } = await killedAtLine(migrate(), storage.env, 20);
    expect(lines.join('\n')).toContain('compared accounts');
    await postgres.ask(storage.env.COFFRE_DATABASE_URL, 'UPDATE accounts SET live_bytes = live_bytes + 1');
    await refused(migrate(), /accounts: .* differs.*drop it/, 7);
    await refused(['serve', '--listen', '127.0.0.1:0', ...storage.options], /not all of it is there/);
  });

  it('brings a pack again that went from the bucket since it was seen there', async () => {
    const store = openS3Blobs(s3);
    await cloudAnswer(['migrate', '--from', data, '--ahead', ...storage.options]);
    for await (const { name } of listedBlobs(store)) await store.remove(name);
    await store.close();
    expect(await cloudAnswer(migrate(), storage.env)).toMatchObject({ packs: 1, copiedBytes: 20_000 });
    expect(await cloudAnswer(['check', ...storage.options], storage.env)).toMatchObject({ sound: true });
  });

  it('needs no bytes where the packs are in that bucket already', async () => {
    const bucketData = join(place, 'with-bucket');
    server = await startCloudProcess(bucketData, { options: flagsOf(s3) });
    const person = new Person(server.address, 'c@example.org');
    const uploader = await person.signup();
    const view = await uploader.makeVault();
    const bytes = randomBytes(30_000);
    await uploader.put(view, bytes);
    await uploader.commit(view, { added: [packed(bytes)] });
    await server.stop();
    server = null;
    const moved = await cloudAnswer(['migrate', '--from', bucketData, ...storage.options], storage.env);
    expect(moved).toMatchObject({ kind: 'moved', packs: 1, copiedBytes: 0 });
    const other = await storageIn(postgres, await freshBucket());
    const elsewhere = await cloudCommand(['migrate', '--from', bucketData, ...other.options], other.env);
    expect(elsewhere.err).toMatch(/was moved to/);
    server = await startCloudProcess(null, storage);
    person.url = server.address;
    expect((await person.tryLogin()).status).toBe(200);
  });
});
