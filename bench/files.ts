/**
 * 10,000 files of about 16 KiB; then one new file at a time, and the rename of the folder that holds them all; at
 * last as many files again for a device that was off.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { firstSync } from './first-sync.ts';
import { cpuSecondsOf } from './machine.ts';
import { row, trafficNote, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { compareTrees, filesOf, makeTree } from './trees.ts';
import { World } from './world.ts';

const GIB = 1024 ** 3;
const NEW_FILES = 20;
/** Between two new files: longer than any debounce, so that each is alone. */
const APART_MS = 400;
const SOON_MS = 30_000;
/** By then the folder was seen. */
const AWAY_MS = 2000;
const CATCH_UP_MS = 240_000;

export async function files(setting: Setting): Promise<readonly Row[]> {
  const world = await World.open({ needs: 2 * GIB, profiles: setting.profiles, dist: setting.dist });
  try {
    const count = setting.quick ? 1000 : 10_000;
    const first = await firstSync(world, setting, {
      count,
      size: 16 * 1024,
      target: setting.quick ? null : 8,
    });
    const later = [...(await newFiles(world, setting)), ...(await renamed(world))];
    return [first, ...later, await caughtUp(world, setting, count)];
  } finally {
    await world.close();
  }
}

async function newFiles(world: World, setting: Setting): Promise<readonly Row[]> {
  setting.say(`${NEW_FILES} new files, one at a time`);
  const seconds: number[] = [];
  const cost = await world.cost(async () => {
    for (let index = 0; index < NEW_FILES; index += 1) {
      await delay(APART_MS);
      const bytes = randomBytes(1024);
      const name = `new-${index}.bin`;
      const onB = join(world.b.files, name);
      const began = performance.now();
      writeFileSync(join(world.a.files, name), bytes);
      await world.until(() => existsSync(onB), SOON_MS, 1);
      seconds.push((performance.now() - began) / 1000);
      if (!readFileSync(onB).equals(bytes)) throw new Error('the bytes differ');
    }
  });
  await world.until(() => world.isIdle(), SOON_MS);
  seconds.sort((a, b) => a - b);
  const at = (share: number): number => seconds[Math.ceil(seconds.length * share) - 1] ?? Number.NaN;
  const note = `least ${seconds[0]?.toFixed(3)}, most ${seconds.at(-1)?.toFixed(3)}; ${trafficNote(cost)}`;
  return [
    row('new 1 KiB file on B, median of 20', at(0.5), { target: 0.25, cost, note }),
    row('new 1 KiB file on B, p95', at(0.95), { target: 0.4 }),
  ];
}

async function renamed(world: World): Promise<readonly Row[]> {
  const onB = join(world.b.files, 'renamed');
  let seen = 0;
  const cost = await world.cost(async () => {
    const began = performance.now();
    renameSync(join(world.a.files, 'tree'), join(world.a.files, 'renamed'));
    await world.until(() => existsSync(onB), SOON_MS, 1);
    seen = (performance.now() - began) / 1000;
    await world.until(() => world.isIdle(), SOON_MS);
  });
  compareTrees(join(world.a.files, 'renamed'), onB);
  const most = Math.max(cost.aUp, cost.aDown, cost.bUp, cost.bDown);
  return [
    row('folder of all files renamed, seen on B', seen, {
      target: 1,
      cost,
      note: `both idle after ${cost.seconds.toFixed(2)} s; ${trafficNote(cost)}`,
    }),
    row('  most bytes one way (KiB)', most / 1024, { target: 64 }),
  ];
}

async function caughtUp(world: World, setting: Setting, count: number): Promise<Row> {
  setting.say('B is off');
  await world.b.stop();
  const aside = join(world.folder, 'aside');
  makeTree(aside, count, 16 * 1024);
  renameSync(aside, join(world.a.files, 'more'));
  await delay(AWAY_MS);
  await world.until(() => world.a.isIdle(), CATCH_UP_MS);
  setting.say('B is on');
  const began = performance.now();
  await world.b.start();
  const onB = join(world.b.files, 'more');
  await world.until(async () => (await world.b.isIdle()) && filesOf(onB).length === count, CATCH_UP_MS, 50);
  const seconds = (performance.now() - began) / 1000;
  const cpu = cpuSecondsOf(world.b.pid);
  setting.say(`on B after ${seconds.toFixed(1)} s; comparing`);
  compareTrees(join(world.a.files, 'more'), onB);
  return row(`${count} files that came while B was off`, seconds, { note: `CPU of B ${cpu.toFixed(1)} s` });
}
