/** 100,000 files of 1 KiB; then a restart with nothing changed, and what an idle engine costs. */
import { setTimeout as delay } from 'node:timers/promises';
import { firstSync } from './first-sync.ts';
import { cpuSecondsOf, memoryOf } from './machine.ts';
import { row, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { World } from './world.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const RESTART_MS = 120_000;
const SETTLE_MS = 15_000;

export async function smallFiles(setting: Setting): Promise<readonly Row[]> {
  const world = await World.open({ needs: 4 * GIB, profiles: setting.profiles, dist: setting.dist });
  try {
    const count = setting.quick ? 5000 : 100_000;
    const first = await firstSync(world, setting, { count, size: 1024, target: setting.quick ? null : 60 });
    return [first, await restart(world, setting, count), ...(await idle(world, setting))];
  } finally {
    await world.close();
  }
}

async function restart(world: World, setting: Setting, count: number): Promise<Row> {
  setting.say('restarting A');
  await world.a.stop();
  const began = performance.now();
  await world.a.start();
  await world.until(() => world.a.isIdle(), RESTART_MS);
  const seconds = (performance.now() - began) / 1000;
  setting.say(`idle again after ${seconds.toFixed(1)} s`);
  const cpu = cpuSecondsOf(world.a.pid);
  return row(`restart with ${count} unchanged files until idle`, seconds, {
    target: setting.quick ? null : 4,
    note: `CPU ${cpu.toFixed(1)} s`,
  });
}

/** The minute begins when what the restart needed was given back, ten seconds after the engine is idle. */
async function idle(world: World, setting: Setting): Promise<readonly Row[]> {
  const seconds = setting.quick ? 10 : 60;
  // A short one is full of what is given back.
  const target = setting.quick ? null : 0.1;
  setting.say(`idle for ${seconds} s`);
  await delay(SETTLE_MS);
  const cost = await world.cost(() => delay(seconds * 1000));
  const settled = [cost.memoryA, cost.memoryB, cost.memoryServer, memoryOf(world.a.pid)];
  const [a = 0, b = 0, server = 0] = settled.map((memory) => memory.settled / MIB);
  return [
    row('idle CPU of A, just restarted (s a minute)', (cost.cpuA / cost.seconds) * 60, { target, cost }),
    row('idle CPU of B (s a minute)', (cost.cpuB / cost.seconds) * 60, { target }),
    row('settled memory of A, just restarted (MiB)', a, { target: 140 }),
    row('settled memory of B, after the first sync (MiB)', b),
    row('settled memory of the server (MiB)', server),
  ];
}
