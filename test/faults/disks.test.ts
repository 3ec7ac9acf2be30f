/** A small disk of its own under the folder: full, read-only, taken away and brought back. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { until, World, type Device } from '../integration/harness.ts';

function mount(...args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}

function canMount(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

function noise(name: string, size: number): Buffer {
  const block = createHash('sha512').update(name).digest();
  return Buffer.alloc(size, block);
}

/** Content no compression makes small. */
function dense(name: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 64) noise(`${name} ${at}`, 64).copy(bytes, at);
  return bytes;
}

describe.runIf(canMount())('a device whose folder lies on a disk that', () => {
  let world: World;
  let sound: Device;
  let small: Device;

  beforeAll(async () => {
    world = await World.begin();
    sound = await world.device('sound');
    small = world.machine('small');
    expect(mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small.folder)).toBe(true);
    await small.ok('login', ...world.enrolArguments(small));
    await small.learnPid();
    writeFileSync(sound.path('first.txt'), 'there from the beginning');
    await agree();
  });
  afterAll(async () => {
    await small.kill9();
    spawnSync('umount', ['-l', small.folder]);
    await world.end();
  });

  async function agree(): Promise<void> {
    for (const device of [sound, small]) expect(await device.wait(), device.name).toMatchObject({ code: 0 });
    expect(folderPrint(small.folder)).toEqual(folderPrint(sound.folder));
  }

  const issueOf = (code: string) =>
    until(
      `the issue ${code}`,
      30_000,
      async () => (await small.issues()).find((issue) => issue.code === code) ?? null,
    );

  it('is full says so, keeps the rest in sync, and goes on when there is room', async () => {
    writeFileSync(sound.path('too large'), dense('too large', 5_000_000));
    writeFileSync(sound.path('small one.txt'), 'fits');
    expect(await sound.wait()).toMatchObject({ code: 0 });
    await issueOf('disk-full');
    await until('the small one', 30_000, () => (existsSync(small.path('small one.txt')) ? true : null));
    expect(readFileSync(small.path('first.txt'), 'utf8')).toBe('there from the beginning');
    expect(mount('-o', 'remount,size=64m', small.folder)).toBe(true);
    const issue = (await small.issues()).find(({ code }) => code === 'disk-full');
    if (issue !== undefined) await small.cli(['issues', 'resolve', String(issue.id), '--choose', 'retry']);
    await agree();
  });

  it('takes no writes says so and loses nothing', async () => {
    expect(mount('-o', 'remount,ro', small.folder)).toBe(true);
    for (const name of ['one', 'two', 'three']) writeFileSync(sound.path(`while read-only ${name}`), 'waits');
    expect(await sound.wait()).toMatchObject({ code: 0 });
    await issueOf('root-read-only');
    expect(await small.wait()).toMatchObject({ code: 3 });
    expect((await small.issues()).map(({ code, path }) => [code, path])).toEqual([
      ['root-read-only', small.folder],
    ]);
    expect(mount('-o', 'remount,rw', small.folder)).toBe(true);
    await agree();
  });

  it('is not there deletes nothing, and goes on when it is back', async () => {
    const before = folderPrint(sound.folder);
    mkdirSync(`${world.place}/aside`, { recursive: true });
    expect(mount('--bind', small.folder, `${world.place}/aside`)).toBe(true);
    spawnSync('umount', ['-l', small.folder]);
    expect(readdirSync(small.folder)).toEqual([]);
    // What is still mounted elsewhere ends with no event; an engine at rest sees it when it next looks.
    expect(await small.wait()).toMatchObject({ code: 3 });
    await issueOf('root-foreign');
    writeFileSync(sound.path('while away.txt'), 'waits');
    expect(await sound.wait()).toMatchObject({ code: 0 });
    expect(folderPrint(sound.folder)).toEqual(expect.arrayContaining(before));
    expect(mount('--bind', `${world.place}/aside`, small.folder)).toBe(true);
    await agree();
    expect(folderPrint(sound.folder)).toEqual(expect.arrayContaining(before));
    spawnSync('umount', ['-l', `${world.place}/aside`]);
  });

  it('comes back as another mount is watched there', async () => {
    const [copy, folder] = [`${world.place}/copy`, small.folder];
    mkdirSync(copy);
    expect(mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', copy)).toBe(true);
    expect(spawnSync('cp', ['-a', `${folder}/.`, copy]).status).toBe(0);
    spawnSync('umount', ['-l', folder]);
    expect(await small.wait()).toMatchObject({ code: 3 });
    expect(mount('--bind', copy, folder)).toBe(true);
    await agree();
    writeFileSync(small.path('after that.txt'), 'seen by the watch');
    // Nobody asks the device to look.
    await until('it', 30_000, () => (existsSync(sound.path('after that.txt')) ? true : null));
    spawnSync('umount', ['-l', copy]);
  });
});
