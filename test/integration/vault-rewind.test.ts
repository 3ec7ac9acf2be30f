/** A stolen device writes rubbish; it is removed, and the vault is taken back under two devices that went on. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint, sha256 } from './folder-print.ts';
import { until, World, type Device } from './harness.ts';

interface Head {
  readonly revision: number;
  readonly hash: string;
  readonly deviceName: string;
  readonly nodes: number | null;
  readonly removed: boolean;
}

describe('a vault that a stolen device wrecked', { timeout: 300_000 }, () => {
  let world: World;
  let one: Device;
  let two: Device;
  let stolen: Device;

  beforeAll(async () => {
    world = await World.begin();
    one = await world.device('one');
    two = await world.device('two');
    stolen = await world.device('stolen');
  });
  afterAll(async () => {
    await world.end();
  });

  async function inSync(...devices: readonly Device[]): Promise<void> {
    for (const device of devices) {
      const { code } = await device.wait();
      if (code !== 0) throw new Error(`${device.name}: ${code}, ${JSON.stringify(await device.issues())}`);
    }
  }

  const headsOf = async (device: Device): Promise<Head[]> =>
    (await device.ok('vault', 'log')).json['heads'] as Head[];

  it('is as it was before, and what honest devices wrote since is kept', async () => {
    mkdirSync(one.path('photos'));
    for (const name of ['plan', 'letter', 'diary', 'photos/a.jpg', 'photos/b.jpg']) {
      writeFileSync(one.path(name), `${name}, whole`);
    }
    await inSync(one, two, stolen);
    const before = folderPrint(one.folder);
    const [good] = await headsOf(one);
    expect(good?.nodes).toBeGreaterThan(0);

    for (const name of ['plan', 'letter', 'photos/a.jpg']) writeFileSync(stolen.path(name), 'encrypted');
    rmSync(stolen.path('photos/b.jpg'));
    rmSync(stolen.path('diary'));
    writeFileSync(stolen.path('RANSOM'), 'pay');
    await inSync(stolen, one, two);
    expect(folderPrint(two.folder)).toEqual(folderPrint(stolen.folder));
    // The other devices go on: one has sent what it wrote, two has more that it never sent.
    writeFileSync(one.path('by-one'), 'written on one since');
    await inSync(one, two);
    writeFileSync(two.path('by-two'), 'written on two since');
    writeFileSync(two.path('letter'), 'written again on two');
    await inSync(two, one);

    const to = String(good!.revision);
    const early = await one.cli(['vault', 'rewind', '--to', to, '--yes']);
    expect(early).toMatchObject({ code: 5, errorCode: 'refused' });
    const { json } = await one.ok('devices');
    const devices = json['devices'] as { id: string; name: string }[];
    const thief = devices.find(({ name }) => name === 'stolen')!.id;
    expect(JSON.stringify(early.json)).toContain(`coffre devices revoke ${thief}`);
    await one.ok('devices', 'revoke', thief);
    await stolen.kill9();

    const heads = await headsOf(one);
    expect(heads.some(({ deviceName, removed }) => deviceName === 'stolen' && removed)).toBe(true);
    // What two wrote comes again from two, which has to be said.
    const still = await one.cli(['vault', 'rewind', '--to', to, '--yes']);
    expect(still).toMatchObject({ code: 5, errorCode: 'refused' });
    const shown = await one.ok('vault', 'rewind', '--to', to, '--include-live', '--dry-run');
    expect(shown.json).toMatchObject({ done: false, commits: heads[0]!.revision - good!.revision });
    expect(shown.json['touched']).toEqual(
      expect.arrayContaining([
        { path: '/RANSOM', type: 'file', change: 'goes-away', againBy: null },
        { path: '/diary', type: 'file', change: 'comes-back', againBy: null },
        { path: '/letter', type: 'file', change: 'content', againBy: 'two' },
        { path: '/plan', type: 'file', change: 'content', againBy: null },
      ]),
    );
    expect(await one.cli(['vault', 'rewind', '--to', to, '--include-live'])).toMatchObject({ code: 2 });
    const wrong = { COFFRE_PASSWORD: 'not it' };
    const refused = await one.cli(['vault', 'rewind', '--to', to, '--include-live', '--yes'], wrong);
    expect(refused).toMatchObject({ code: 5, errorCode: 'refused' });

    // Not seen by any scan that was sent: the rewind meets them on the disk.
    await two.ok('pause');
    writeFileSync(two.path('plan'), 'edited on two, unsent');
    writeFileSync(two.path('unsent'), 'new on two, unsent');
    await one.ok('vault', 'rewind', '--to', to, '--include-live', '--yes');
    writeFileSync(one.path('photos/a.jpg'), 'edited on one right after');
    await two.ok('resume');
    await inSync(one, two, one);
    await until('both hold the same', 60_000, async () => {
      await inSync(two, one);
      return JSON.stringify(folderPrint(one.folder)) === JSON.stringify(folderPrint(two.folder))
        ? true
        : null;
    });

    const read = (name: string): string => readFileSync(one.path(name), 'utf8');
    expect(read('diary')).toBe('diary, whole');
    expect(read('photos/b.jpg')).toBe('photos/b.jpg, whole');
    expect(read('letter')).toBe('written again on two');
    expect(read('by-one')).toBe('written on one since');
    expect(read('by-two')).toBe('written on two since');
    expect(read('unsent')).toBe('new on two, unsent');
    const print = folderPrint(one.folder);
    const holds = (text: string): boolean => print.some((line) => line.endsWith(sha256(Buffer.from(text))));
    expect(holds('edited on two, unsent')).toBe(true);
    expect(holds('edited on one right after')).toBe(true);
    expect(holds('encrypted')).toBe(false);
    expect(print.some((line) => line.includes('RANSOM'))).toBe(false);
    // Nothing but the four files and the conflict copies of what was edited besides.
    expect(print.length).toBeLessThanOrEqual(before.length + 5);
    // A conflict copy is told where it was made; there is no other issue.
    for (const device of [one, two]) {
      expect((await device.issues()).filter(({ code }) => code !== 'conflict')).toEqual([]);
    }

    // A device that joins now sees the same, and the log goes on from the head that was chosen.
    const later = await headsOf(two);
    expect(later.find(({ revision }) => revision === good!.revision)?.hash).toBe(good!.hash);
    expect(
      later.some(({ deviceName, revision }) => deviceName === 'stolen' && revision > good!.revision),
    ).toBe(false);
    const three = await world.device('three');
    await inSync(three);
    expect(folderPrint(three.folder)).toEqual(folderPrint(one.folder));
  });
});
