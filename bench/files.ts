/** 10,000 files of about 16 KiB; then one new file at a time, and the rename of the folder that holds them all. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { firstSync } from './first-sync.ts';
import { row, trafficNote, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { compareTrees } from './trees.ts';
import { World } from './world.ts';

const GIB = 1024 ** 3;
const NEW_FILES = 20;
/** Between two new files: longer than any debounce, so that each is alone. */
const APART_MS = 400;
const SOON_MS = 30_000;

export async function files(setting: Setting): Promise<readonly Row[]> {
  const world = await World.open({ needs: 2 * GIB, profiles: setting.profiles, dist: setting.dist });
  try {
    const count = setting.quick ? 1000 : 10_000;
    const first = await firstSync(world, setting, {
      count,
      size: 16 * 1024,
      target: setting.quick ? null : 33,
    });
    return [first, ...(await newFiles(world, setting)), ...(await renamed(world))];
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
    row('new 1 KiB file on B, median of 20', at(0.5), { target: 0.5, cost, note }),
    row('new 1 KiB file on B, p95', at(0.95), { target: 0.5 }),
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
