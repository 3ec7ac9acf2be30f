/** Restore drills of a server that keeps all in a database and a bucket: backed up, lost, restored, under two devices. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import { folderPrint } from '../integration/folder-print.ts';
import { agree } from '../integration/agree.ts';
import { until, World, type Device } from '../integration/harness.ts';
import { Server } from '../integration/server.ts';
import { freshBucket, storageIn } from './bucket.ts';
import { cloudAnswer, cloudCommand } from './cloud-command.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

describe('a server on a database and a bucket', { timeout: 300_000 }, () => {
  let postgres: PostgresServer;
  let s3: S3Config;
  let storage: Awaited<ReturnType<typeof storageIn>>;
  let world: World<Server>;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    postgres = await startPostgres();
    s3 = await freshBucket();
    storage = await storageIn(postgres, s3);
    world = await World.on((place) => new Server(place, storage.options, storage.env));
    one = await world.device('one');
    two = await world.device('two');
  }, 180_000);
  afterAll(async () => {
    await world.end();
    await postgres.stop();
  });

  async function back(up: string, ...more: string[]): Promise<string> {
    const to = join(world.place, up);
    const report = await cloudAnswer(['backup', '--to', to, ...storage.options, ...more], storage.env);
    expect(report).toMatchObject({ damage: [] });
    return to;
  }

  /** Database and server are gone; the backup comes into new ones. */
  async function restore(backup: string, into: S3Config): Promise<void> {
    await world.server.kill9();
    s3 = into;
    storage = await storageIn(postgres, s3);
    const report = await cloudAnswer(['restore', '--from', backup, ...storage.options], storage.env);
    expect(report).toMatchObject({ kind: 'moved', damage: [] });
    const checked = await cloudAnswer(['check', ...storage.options], storage.env);
    expect(checked).toMatchObject({ sound: true, strayFiles: 0 });
    world.server.moveTo(storage.options, storage.env);
    await world.server.start();
  }

  it('goes on from a backup into another database and another bucket, and no device notices', async () => {
    mkdirSync(one.path('folder'));
    for (const [name, size] of [
      ['large', 3_000_000],
      ['folder/small', 5000],
    ] as const)
      writeFileSync(one.path(name), randomBytes(size));
    await agree(one, two);
    const backup = await back('backup');
    expect(await cloudAnswer(['check', '--data', backup])).toMatchObject({ sound: true, strayFiles: 0 });
    const again = await cloudAnswer(['backup', '--to', backup, ...storage.options], storage.env);
    expect(again).toMatchObject({ copiedBytes: 0 });

    await restore(backup, await freshBucket());
    // A backup stays one.
    expect(await cloudAnswer(['check', '--data', backup])).toMatchObject({ sound: true });
    writeFileSync(two.path('after'), 'written on the restored server');
    await agree(two, one);
    for (const device of [one, two]) expect(await device.issues()).toEqual([]);
    const three = await world.device('three');
    await agree(one, three);
    await one.ok('check', '--read-data', '100');
    await three.stop();
  });

  it('is one question on one device when the backup is old, though the packs never left their bucket', async () => {
    writeFileSync(one.path('edited'), 'as in the backup');
    writeFileSync(one.path('moved'), 'moved later');
    await agree(one, two);
    const backup = await back('metadata', '--without-packs');
    expect(await cloudAnswer(['check', '--data', backup, ...storage.options])).toMatchObject({ sound: true });
    expect((await cloudCommand(['check', '--data', backup])).err).toContain(`bucket ${s3.bucket}`);

    writeFileSync(one.path('edited'), 'newer than the backup');
    writeFileSync(one.path('newer'), randomBytes(2_000_000));
    await agree(one, two);
    renameSync(two.path('moved'), two.path('folder/moved'));
    rmSync(two.path('after'));
    await agree(two, one);
    const newest = folderPrint(one.folder);

    await world.server.kill9();
    storage = await storageIn(postgres, s3);
    const restored = await cloudAnswer(['restore', '--from', backup, ...storage.options], storage.env);
    // All of them lie where they were.
    expect(restored).toMatchObject({ kind: 'moved', copiedBytes: 0, damage: [] });
    world.server.moveTo(storage.options, storage.env);
    await world.server.start();
    for (const device of [one, two]) {
      await until('it is noticed', 60_000, async () => ((await device.issues()).length > 0 ? true : null));
      expect(await device.wait()).toMatchObject({ code: 7, errorCode: 'verification' });
      expect((await device.issues()).map(({ code }) => code)).toEqual(['rolled-back']);
      expect(folderPrint(device.folder)).toEqual(newest);
    }
    const [issue] = await one.issues();
    await one.ok('issues', 'resolve', String(issue!.id), '--choose', 'rejoin');
    for (const device of [one, two])
      await until('it goes on', 60_000, async () => ((await device.wait()).code === 0 ? true : null));
    await agree(one, two);
    expect(folderPrint(one.folder)).toEqual(newest);
    for (const device of [one, two]) expect(await device.issues()).toEqual([]);
    await one.ok('check', '--read-data', '100');
    expect(await cloudAnswer(['check', ...storage.options], storage.env)).toMatchObject({ sound: true });
  });

  it('moves back into a data directory by a backup, which is one', async () => {
    await world.server.kill9();
    await back('server');
    world.server.moveTo([], {});
    await world.server.start();
    writeFileSync(one.path('home-again'), 'written on a server with files');
    await agree(one, two);
    for (const device of [one, two]) expect(await device.issues()).toEqual([]);
    await world.server.kill9();
    expect(await cloudAnswer(['check', '--data', world.server.data])).toMatchObject({ sound: true });
  });
});
