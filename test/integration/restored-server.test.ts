/** The account server restored from a backup, under two devices that have newer things. */
import { readFileSync, renameSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from './folder-print.ts';
import { until, World, type Device } from './harness.ts';

describe('a server restored from a backup', { timeout: 300_000 }, () => {
  let world: World;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    world = await World.begin();
    one = await world.device('one');
    two = await world.device('two');
  });
  afterAll(async () => {
    await world.end();
  });

  async function inSync(...devices: readonly Device[]): Promise<void> {
    for (const device of devices) expect(await device.wait()).toMatchObject({ code: 0 });
  }

  it('is one question on one device, and loses nothing that is newer', async () => {
    writeFileSync(one.path('edited'), 'as in the backup');
    writeFileSync(one.path('moved'), 'moved later');
    writeFileSync(one.path('deleted'), 'deleted later');
    await inSync(one, two);
    const restore = await world.server.backup();

    const large = randomBytes(2_000_000);
    writeFileSync(one.path('edited'), 'newer than the backup');
    writeFileSync(one.path('large'), large);
    await inSync(one, two);
    mkdirSync(two.path('folder'));
    renameSync(two.path('moved'), two.path('folder/moved'));
    writeFileSync(two.path('by-two'), 'new on two');
    rmSync(two.path('deleted'));
    await inSync(two, one);
    const newest = folderPrint(one.folder);
    expect(folderPrint(two.folder)).toEqual(newest);

    await restore();
    for (const device of [one, two]) {
      expect(await device.wait()).toMatchObject({ code: 7, errorCode: 'verification' });
      expect((await device.issues()).map(({ code }) => code)).toEqual(['rolled-back']);
      expect(folderPrint(device.folder)).toEqual(newest);
    }
    // What two has not sent yet is kept as well.
    writeFileSync(two.path('unsent'), 'written while nobody had decided');

    const [issue] = await one.issues();
    expect(issue?.ways).toContain('rejoin');
    await one.ok('issues', 'resolve', String(issue!.id), '--choose', 'rejoin');
    await inSync(one);
    await until('the other device goes along by itself', 60_000, async () =>
      (await two.wait()).code === 0 ? true : null,
    );
    await inSync(one);
    expect(folderPrint(two.folder)).toEqual(folderPrint(one.folder));
    expect(folderPrint(one.folder)).toHaveLength(newest.length + 1);
    expect(readFileSync(two.path('edited'), 'utf8')).toBe('newer than the backup');
    expect(readFileSync(one.path('unsent'), 'utf8')).toBe('written while nobody had decided');
    expect(readFileSync(one.path('folder/moved'), 'utf8')).toBe('moved later');
    for (const device of [one, two]) expect(await device.issues()).toEqual([]);
    // The account itself has all of it: a third device, and the proof through the recovery path.
    const three = await world.device('three');
    await inSync(three);
    expect(folderPrint(three.folder)).toEqual(folderPrint(one.folder));
    expect(readFileSync(three.path('large')).equals(large)).toBe(true);
    await one.ok('check', '--read-data', '100');
  });

  it('gets back the devices it forgot, in the same answer', async () => {
    const [, , three] = world.devices;
    await inSync(one, two, three!);
    const restore = await world.server.backup();
    // Since then one device was removed and another came.
    const { json } = await one.ok('devices');
    const removed = (json['devices'] as { id: string; name: string }[]).find(({ name }) => name === 'three')!;
    await one.ok('devices', 'revoke', removed.id);
    await three!.kill9();
    const four = await world.device('four');
    writeFileSync(four.path('by-four'), 'new on four');
    await inSync(four, one, two);
    await four.stop();
    const newest = folderPrint(one.folder);

    await restore();
    for (const device of [one, two]) {
      await until('it is noticed', 60_000, async () => ((await device.issues()).length > 0 ? true : null));
      expect(await device.wait()).toMatchObject({ code: 7, errorCode: 'verification' });
      expect((await device.issues()).map(({ code }) => code)).toEqual(['rolled-back']);
      expect(folderPrint(device.folder)).toEqual(newest);
    }
    const [issue] = await one.issues();
    await one.ok('issues', 'resolve', String(issue!.id), '--choose', 'rejoin');
    for (const device of [one, two]) {
      await until('it goes on', 60_000, async () => ((await device.wait()).code === 0 ? true : null));
    }
    await inSync(one, two);
    for (const device of [one, two]) {
      expect(folderPrint(device.folder)).toEqual(newest);
      expect(await device.issues()).toEqual([]);
    }
    const { json: after } = await two.ok('devices');
    const devices = after['devices'] as { name: string; revoked: boolean }[];
    expect(devices.map(({ name, revoked }) => [name, revoked])).toEqual([
      ...[
        ['one', false],
        ['two', false],
      ],
      ...[
        ['three', true],
        ['four', false],
      ],
    ]);
    // Its session is not in the backup: signed in again, it is the device it was.
    await four.ok('start');
    await until('it is signed out', 60_000, async () =>
      (await four.status()).state === 'signed-out' ? true : null,
    );
    await four.ok('login', ...world.enrolArguments(four));
    await until('it goes on', 60_000, async () => ((await four.wait()).code === 0 ? true : null));
    expect(folderPrint(four.folder)).toEqual(newest);
    expect(((await two.ok('devices')).json['devices'] as unknown[]).length).toBe(4);
  });

  it('gets back what it forgot from a device that has to sign in again', async () => {
    const four = world.devices.find(({ name }) => name === 'four')!;
    await inSync(one, two, four);
    const restore = await world.server.backup();
    const five = await world.device('five');
    await inSync(five, one, two);
    const newest = folderPrint(one.folder);
    for (const device of [one, two, four]) await device.stop();

    await restore();
    await until('it is signed out', 60_000, async () =>
      (await five.status()).state === 'signed-out' ? true : null,
    );
    await five.ok('login', ...world.enrolArguments(five));
    await until('it goes on', 60_000, async () => ((await five.wait()).code === 0 ? true : null));
    for (const device of [one, two]) await device.start();
    for (const device of [one, two]) {
      await until('it goes on', 60_000, async () => ((await device.wait()).code === 0 ? true : null));
      expect(folderPrint(device.folder)).toEqual(newest);
    }
  });
});
