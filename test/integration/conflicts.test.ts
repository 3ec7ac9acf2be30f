/** Conflict copies are told on the device that made them, and a choice between the two reaches every device. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { folderPrint } from './folder-print.ts';
import { until, World, type Device } from './harness.ts';

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

async function agree(): Promise<void> {
  await until('both folders are the same', 60_000, async () => {
    const codes = [(await one.wait()).code, (await two.wait()).code];
    const same = JSON.stringify(folderPrint(one.folder)) === JSON.stringify(folderPrint(two.folder));
    return same && codes.every((code) => code === 0) ? true : null;
  });
}

/** Both edit one file at the same time; the device that found a copy to be made, its issue, and the copy. */
async function clash(name: string) {
  writeFileSync(one.path(name), 'before');
  await agree();
  await Promise.all([one.ok('pause'), two.ok('pause')]);
  writeFileSync(one.path(name), 'edited on one');
  writeFileSync(two.path(name), 'edited on two');
  await one.ok('resume');
  expect(await one.wait()).toMatchObject({ code: 0 });
  await two.ok('resume');
  await agree();
  expect((await one.issues()).filter(({ code }) => code === 'conflict')).toEqual([]);
  const issue = (await two.issues()).find((each) => each.code === 'conflict');
  if (issue === undefined) throw new Error('it is told on the device that made the copy');
  expect(issue.path).toMatch(/\(conflict, two, .*\)/);
  expect(issue.reason).toContain(`The other one is ${name}.`);
  // It keeps nothing out of sync.
  expect((await two.status()).state).toBe('idle');
  expect(readFileSync(two.path(name), 'utf8')).toBe('edited on one');
  expect(readFileSync(two.path(issue.path), 'utf8')).toBe('edited on two');
  const choose = (way: string) => two.cli(['issues', 'resolve', String(issue.id), '--choose', way]);
  return { copy: issue.path, choose };
}

async function trashed(): Promise<string[]> {
  const { json } = await one.ok('trash', 'list');
  return (json['entries'] as { name: string }[]).map(({ name }) => name);
}

it('keeps the original: the copy goes to the trash, everywhere', async () => {
  const { copy, choose } = await clash('first.txt');
  expect(await choose('keep-original')).toMatchObject({ code: 0 });
  await agree();
  expect(existsSync(one.path(copy))).toBe(false);
  expect(readFileSync(one.path('first.txt'), 'utf8')).toBe('edited on one');
  expect(await trashed()).toContain(copy);
  expect(await two.issues()).toEqual([]);
});

it('keeps the copy: it takes the place of the original, which stays among the versions', async () => {
  const { copy, choose } = await clash('second.txt');
  expect(await choose('keep-copy')).toMatchObject({ code: 0 });
  await agree();
  expect(existsSync(one.path(copy))).toBe(false);
  expect(readFileSync(one.path('second.txt'), 'utf8')).toBe('edited on two');
  // Before, what one wrote, what two wrote.
  const { json } = await one.ok('versions', 'second.txt');
  expect((json['versions'] as unknown[]).length).toBe(3);
  expect(await two.issues()).toEqual([]);
});

it('keeps both, and forgets what a person settled in the folder', async () => {
  const { copy, choose } = await clash('third.txt');
  expect(await choose('keep-both')).toMatchObject({ code: 0 });
  expect(await two.issues()).toEqual([]);
  await agree();
  expect(readFileSync(one.path(copy), 'utf8')).toBe('edited on two');

  const fourth = await clash('fourth.txt');
  rmSync(one.path(fourth.copy));
  await agree();
  expect(await two.issues()).toEqual([]);
  expect((await fourth.choose('keep-copy')).code).not.toBe(0);
});

it('does nothing to a copy that was changed and not looked at yet', async () => {
  const { copy, choose } = await clash('fifth.txt');
  await two.ok('pause');
  writeFileSync(two.path(copy), 'edited once more, and nobody has seen it');
  expect((await choose('keep-original')).code).toBe(3);
  expect((await choose('keep-copy')).code).toBe(3);
  expect(readFileSync(two.path(copy), 'utf8')).toBe('edited once more, and nobody has seen it');
  await two.ok('resume');
  await agree();
  expect(readFileSync(one.path('fifth.txt'), 'utf8')).toBe('edited on one');
  expect(readFileSync(one.path(copy), 'utf8')).toBe('edited once more, and nobody has seen it');
});
