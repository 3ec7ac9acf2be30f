/**
 * What people and machines do to processes. Folders and files without rights are not here: whoever runs this as
 * root may read and write them all the same; the disk room tests those refusals with a disk that answers them.
 */
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from './folder-print.ts';
import { until, World, type Device } from './harness.ts';

const ENGINE = join(import.meta.dirname, '../../sync-engine/main.ts');

async function agree(...devices: readonly Device[]): Promise<void> {
  for (const device of devices) expect(await device.wait()).toMatchObject({ code: 0 });
  const [first, ...others] = devices;
  if (first === undefined) throw new Error('there is one');
  for (const other of others) expect(folderPrint(other.folder)).toEqual(folderPrint(first.folder));
}

async function codes(device: Device): Promise<string[]> {
  return (await device.issues()).map((issue) => issue.code);
}

describe('entering an account', () => {
  let world: World;
  let one: Device;

  beforeAll(async () => {
    world = await World.begin();
    one = await world.device('one');
  });
  afterAll(async () => {
    await world.end();
  });

  it('refuses a wrong password, and takes the right one afterwards', async () => {
    const two = world.machine('two');
    writeFileSync(two.path('mine'), 'here before');
    const wrong = await two.cli(['login', ...world.enrolArguments(two)], { COFFRE_PASSWORD: 'a wrong one' });
    expect(wrong).toMatchObject({ code: 5, errorCode: 'refused' });
    expect(folderPrint(two.folder)).toHaveLength(1);
    expect(readdirSync(two.folder)).toEqual(['mine']);
    await two.ok('login', ...world.enrolArguments(two));
    await agree(two, one);
    expect(readFileSync(one.path('mine'), 'utf8')).toBe('here before');
  });

  it('says that a server cannot be reached', async () => {
    const device = world.machine('nowhere');
    const args = [
      'signup',
      '--server',
      'http://127.0.0.1:9',
      '--email',
      world.email,
      '--folder',
      device.folder,
    ];
    expect(await device.cli(args)).toMatchObject({ code: 1, errorCode: 'server-unreachable' });
  });

  it('signs an address up only once, and a device only once', async () => {
    const again = world.machine('again');
    expect(await again.cli(['signup', ...world.enrolArguments(again)])).toMatchObject({
      code: 5,
      errorCode: 'refused',
    });
    expect(await one.cli(['login', ...world.enrolArguments(one)])).toMatchObject({
      code: 1,
      errorCode: 'exists',
    });
  });

  it('unlocks with the right password only', async () => {
    await one.stop();
    const wrong = await one.cli(['unlock'], { COFFRE_PASSWORD: 'a wrong one' });
    expect(wrong).toMatchObject({ code: 5, errorCode: 'refused' });
    expect(await one.cli(['unlock'])).toMatchObject({ code: 0 });
    await one.learnPid();
  });

  it('runs one engine a home', async () => {
    const env = { ...process.env, COFFRE_HOME: one.home };
    const child = execFile(process.execPath, [ENGINE], { env, timeout: 30_000, killSignal: 'SIGKILL' });
    let stderr = '';
    child.stderr?.on('data', (text) => (stderr += String(text)));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).not.toBe(0);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'engine-running' },
    });
    expect(await one.wait()).toMatchObject({ code: 0 });
  });
});

describe('folders and disks', () => {
  let world: World;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    world = await World.begin();
    one = await world.device('one');
    two = await world.device('two');
    for (let index = 0; index < 60; index += 1) writeFileSync(one.path(`file ${index}`), `content ${index}`);
    await agree(one, two);
  });
  afterAll(async () => {
    await world.end();
  });

  it('deletes nothing when the folder goes away, and goes on when it is back', async () => {
    const away = `${one.folder}-away`;
    renameSync(one.folder, away);
    expect(await one.wait(20)).toMatchObject({ code: 3, errorCode: 'out-of-sync' });
    expect(await codes(one)).toContain('root-missing');
    writeFileSync(two.path('meanwhile'), 'written while the other was away');
    expect(await two.wait()).toMatchObject({ code: 0 });
    expect(readdirSync(two.folder).length).toBe(62);
    renameSync(away, one.folder);
    await until('the folder is taken back', 30_000, async () =>
      (await codes(one)).length === 0 ? true : null,
    );
    await agree(one, two);
    expect(existsSync(one.path('meanwhile'))).toBe(true);
  });

  it('touches neither an empty folder in its place nor the account', async () => {
    const away = `${one.folder}-away`;
    renameSync(one.folder, away);
    mkdirSync(one.folder);
    expect(await one.wait(20)).toMatchObject({ code: 3 });
    expect(await codes(one)).toContain('root-foreign');
    expect(readdirSync(one.folder)).toEqual([]);
    expect(await two.wait()).toMatchObject({ code: 0 });
    expect(readdirSync(two.folder).length).toBe(62);
    rmSync(one.folder, { recursive: true });
    renameSync(away, one.folder);
    await until('the folder is taken back', 30_000, async () =>
      (await codes(one)).length === 0 ? true : null,
    );
    await agree(one, two);
  });

  it('asks before most of the files go, and then does what was chosen', async () => {
    // At once: what goes bit by bit is asked about from the file on that makes it too many.
    await one.ok('pause');
    for (let index = 0; index < 60; index += 1) rmSync(one.path(`file ${index}`));
    await one.ok('resume');
    expect(await one.wait(20)).toMatchObject({ code: 3 });
    const asking = (await one.issues()).find((issue) => issue.code === 'mass-deletion');
    expect(asking?.ways).toEqual(['delete', 'restore']);
    const going = await (await one.engine()).call('issues.removals', { id: asking?.id ?? 0, limit: 3 });
    expect(going).toEqual({ files: 60, paths: ['file 0', 'file 1', 'file 10'], deleted: 'here' });
    expect(await two.wait()).toMatchObject({ code: 0 });
    expect(readdirSync(two.folder).length).toBe(62);
    await one.ok('issues', 'resolve', String(asking?.id), '--choose', 'restore');
    await agree(one, two);
    expect(readdirSync(one.folder).length).toBe(62);
  });

  it('tells what it cannot sync, and syncs the rest', async () => {
    const bad = Buffer.concat([Buffer.from(`${one.folder}/not UTF-8 `), Buffer.from([0xff, 0xfe])]);
    writeFileSync(bad, 'behind a name nobody else could hold');
    const socket = createServer().listen(one.path('socket'));
    await once(socket, 'listening');
    const long = 'é'.repeat(127) + 'x';
    writeFileSync(one.path(long), '255 bytes of name');
    expect(await one.wait(20)).toMatchObject({ code: 3 });
    expect((await codes(one)).sort()).toEqual(['invalid-name', 'not-supported']);
    expect(await two.wait()).toMatchObject({ code: 0 });
    expect(readFileSync(two.path(long), 'utf8')).toBe('255 bytes of name');

    renameSync(bad, one.path('now UTF-8'));
    socket.close();
    await once(socket, 'close');
    await agree(one, two);
    expect(await codes(one)).toEqual([]);
  });

  it('keeps both of two edits of a file with the longest name', async () => {
    const long = 'é'.repeat(127) + 'x';
    await Promise.all([one.ok('pause'), two.ok('pause')]);
    writeFileSync(one.path(long), 'edited on one');
    writeFileSync(two.path(long), 'edited on two as well');
    await Promise.all([one.ok('resume'), two.ok('resume')]);
    await until('both edits are on both devices', 30_000, async () => {
      for (const device of [one, two, one]) await device.wait(20);
      const names = readdirSync(one.folder).filter((name) => name.startsWith('ééé'));
      return names.length === 2 && readdirSync(two.folder).length === readdirSync(one.folder).length
        ? true
        : null;
    });
    await agree(one, two);
  });

  it('waits for a server that is down, and goes on by itself', async () => {
    for (let index = 0; index < 8; index += 1)
      writeFileSync(one.path(`large ${index}`), randomBytes(1_500_000));
    await until('the upload has begun', 20_000, async () => {
      const { state } = await one.status();
      return state === 'syncing' ? true : null;
    });
    await world.server.kill9();
    writeFileSync(one.path('while down'), 'written while the server was down');
    await until('it is known', 30_000, async () => ((await one.status()).state === 'offline' ? true : null));
    expect(await one.wait(2)).toMatchObject({ code: 4, errorCode: 'timeout' });
    await world.server.start();
    await agree(one, two);
    expect(existsSync(two.path('while down'))).toBe(true);
  });

  it.each([
    ['garbage', (file: string) => writeFileSync(file, randomBytes(100_000))],
    ['nothing at all', (file: string) => unlinkSync(file)],
  ])('rebuilds a manifest that is %s, and deletes nothing', async (_, spoil) => {
    const before = folderPrint(two.folder);
    await two.stop();
    for (const suffix of ['-wal', '-shm']) rmSync(join(two.home, `manifest.db${suffix}`), { force: true });
    spoil(join(two.home, 'manifest.db'));
    unlinkSync(one.path('now UTF-8'));
    writeFileSync(two.path(`new beside ${_}`), 'written beside a spoilt manifest');
    await one.wait();
    await two.start();
    await agree(two, one);
    // What went elsewhere meanwhile may come back, as nothing says any more that it was here; nothing else goes.
    const after = new Set(folderPrint(two.folder));
    expect(before.filter((line) => !after.has(line) && !line.startsWith('"now UTF-8"'))).toEqual([]);
    writeFileSync(one.path('now UTF-8'), 'again');
    await agree(one, two);
  });

  it('stops a copy of a home that is used elsewhere, and loses nothing', async () => {
    await two.stop();
    const copy = world.machine('copy');
    rmSync(copy.home, { recursive: true, force: true });
    cpSync(two.home, copy.home, { recursive: true });
    // Copied without its rights, which Coffre would refuse before anything else.
    rmSync(join(copy.home, 'run'), { recursive: true, force: true });
    await two.start();
    writeFileSync(two.path('after the copy'), 'the original goes on');
    await agree(two, one);
    const before = folderPrint(one.folder);
    await two.stop();
    const refused = await copy.cli(['start']);
    expect(refused).toMatchObject({ code: 5, errorCode: 'signed-out' });
    expect(JSON.stringify(refused.json)).toContain('copied');
    await copy.stop();
    await two.start();
    await agree(two, one);
    expect(folderPrint(one.folder)).toEqual(before);
  });
});

describe('a full account', () => {
  let world: World;
  let one: Device;

  beforeAll(async () => {
    world = await World.begin(['--quota', '2MB']);
    one = await world.device('one');
  });
  afterAll(async () => {
    await world.end();
  });

  it('says so, keeps the rest, does not storm the server, and goes on when there is room', async () => {
    writeFileSync(one.path('small'), 'what the waiting file replaces');
    expect(await one.wait()).toMatchObject({ code: 0 });
    // Not at the same time: in one pack with the other's last bytes, the small file would keep those in the account.
    writeFileSync(one.path('first'), randomBytes(1_200_000));
    expect(await one.wait()).toMatchObject({ code: 0 });
    writeFileSync(one.path('second'), randomBytes(1_300_000));
    expect(await one.wait(30)).toMatchObject({ code: 6, errorCode: 'quota' });
    expect((await one.status()).state).toBe('quota');
    expect((await one.status()).pending.files).toBeGreaterThan(0);

    const before = world.wire.recorded().length;
    await delay(3000);
    // Less than the file itself: it is not sent again and again.
    expect(world.wire.recorded().length - before).toBeLessThan(600_000);
    expect(lstatSync(one.path('second')).size).toBe(1_300_000);

    // What needs no room does not wait: a removal, a rename, a new folder.
    writeFileSync(one.path('third'), randomBytes(500_000));
    unlinkSync(one.path('first'));
    mkdirSync(one.path('folder'));
    // Nothing of the account goes before what replaces it has come.
    renameSync(one.path('second'), one.path('small'));
    expect(await one.wait(60)).toMatchObject({ code: 6 });
    expect((await one.status()).state).toBe('quota');
    const { json } = await one.ok('trash', 'list');
    expect(json['entries']).toMatchObject([{ name: 'first' }]);
    expect(JSON.stringify((await one.ok('ls')).json)).toContain('folder');

    // It is not to be asked again by the person: the account is heard to have room.
    await one.ok('trash', 'empty', '--now');
    await until('what waited goes on', 60_000, async () =>
      (await one.status()).state === 'quota' ? null : true,
    );
    expect((await one.issues()).filter((issue) => issue.code === 'quota')).toEqual([]);
    expect(lstatSync(one.path('small')).size).toBe(1_300_000);
    expect(await one.wait()).toMatchObject({ code: 0 });
  });
});
