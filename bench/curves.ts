/**
 * How cost grows with the work: one device and a server, ever more files, and ever larger ones. What has no floor in
 * the same run is told as it was; the machine is in the first line.
 */
import { closeSync, openSync, readdirSync, statSync, truncateSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSecondsOf, forgetPeak, memoryOf } from './machine.ts';
import { row, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { makeTree } from './trees.ts';
import { World } from './world.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const DEADLINE_MS = 2 * 3_600_000;
/** An engine that has been idle for ten seconds gives back what it can. */
const SETTLE_MS = 20_000;
/** Of a sparse file, in which nothing else is. */
const ISLANDS = 64;

export async function manyFiles(setting: Setting): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const count of setting.quick ? [1000, 5000] : [10_000, 100_000, 1_000_000])
    rows.push(...(await ofFiles(setting, count)));
  return rows;
}

export async function largeFiles(setting: Setting): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const size of setting.quick ? [GIB / 4, GIB] : [GIB, 10 * GIB, 100 * GIB])
    rows.push(await ofSize(setting, size));
  return rows;
}

async function ofFiles(setting: Setting, count: number): Promise<readonly Row[]> {
  const world = await alone(setting, count * 8 * KIB);
  const { a } = world;
  try {
    await a.stop();
    setting.say(`making ${count} files`);
    makeTree(join(a.files, 'tree'), count, KIB);
    const first = await started(world);
    setting.say(`in the account after ${first.seconds.toFixed(1)} s`);
    await delay(SETTLE_MS);
    const settled = memoryOf(a.pid).settled;
    const server = world.serverMemory.settled;
    await a.stop();
    const manifest = manifestBytes(a.home);
    const restart = await started(world);
    await delay(SETTLE_MS);
    const restarted = memoryOf(a.pid).settled;
    const note = (cpu: number, peak: number): string => `CPU ${cpu.toFixed(1)} s, peak ${inMib(peak)} MiB`;
    return [
      row(`${count} files of 1 KiB into the account`, first.seconds, { note: note(first.cpu, first.peak) }),
      row('  restart until idle', restart.seconds, { note: note(restart.cpu, restart.peak) }),
      row('  settled memory after the first sync (MiB)', settled / MIB, {
        note: `server ${inMib(server)} MiB`,
      }),
      row('  settled memory, restarted (MiB)', restarted / MIB),
      row('  manifest (MiB)', manifest / MIB, { note: `${Math.round(manifest / count)} bytes a file` }),
    ];
  } finally {
    await world.close();
  }
}

/** Sparse, with islands of random bytes: the engine reads all of it, and little has to travel. */
async function ofSize(setting: Setting, size: number): Promise<Row> {
  const world = await alone(setting, GIB);
  const { a } = world;
  try {
    await a.stop();
    const path = join(a.files, 'large.bin');
    const file = openSync(path, 'w');
    truncateSync(path, size);
    for (let island = 0; island < ISLANDS; island += 1)
      writeSync(file, randomBytes(MIB), 0, MIB, Math.floor((size / ISLANDS) * island));
    closeSync(file);
    const first = await started(world);
    setting.say(`${size / GIB} GiB in the account after ${first.seconds.toFixed(1)} s`);
    const note = `CPU ${first.cpu.toFixed(1)} s, peak ${inMib(first.peak)} MiB, manifest ${inMib(manifestBytes(a.home))} MiB`;
    return row(`a sparse file of ${size / GIB} GiB into the account`, first.seconds, { note });
  } finally {
    await world.close();
  }
}

/** The second device would double the work and say nothing more. */
async function alone({ profiles, dist }: Setting, needs: number): Promise<World> {
  const world = await World.open({ needs, profiles, dist });
  await world.b.stop();
  return world;
}

/** Starts A, until it has nothing left to do. Bytes and seconds; CPU is of its whole process. */
async function started(world: World): Promise<{ seconds: number; cpu: number; peak: number }> {
  const { a } = world;
  const began = performance.now();
  await a.start();
  forgetPeak(a.pid);
  const deadline = began + DEADLINE_MS;
  while (!(await a.isIdle())) {
    if (performance.now() > deadline)
      throw new Error(`not idle: ${JSON.stringify((await a.status()).pending)}`);
    await delay(50);
  }
  const seconds = (performance.now() - began) / 1000;
  return { seconds, cpu: cpuSecondsOf(a.pid), peak: memoryOf(a.pid).peak };
}

function manifestBytes(home: string): number {
  const files = readdirSync(home, { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile() && entry.name.startsWith('manifest.db'))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

const inMib = (count: number): string => (count / MIB).toFixed(0);
