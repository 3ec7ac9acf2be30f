/**
 * The desktop app on a throw-away desktop: how smooth its status view is while 10,000 files are synced, what all of
 * it holds in memory afterwards, and how soon its icon is in the tray when it is started again.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { killTree, processTree } from '../test/desktop/process-tree.ts';
import { Desktop } from '../test/desktop/session.ts';
import { Tray } from '../test/desktop/tray.ts';
import { App, appEnvironment, electronProgram, MAIN, sandboxArguments } from '../test/e2e/app.ts';
import { createAccount } from '../test/e2e/welcome.ts';
import { until, World } from '../test/integration/harness.ts';
import { machineCpuSeconds, memoryOf, sharedMemoryOf } from './machine.ts';
import { row, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { makeTree } from './trees.ts';

const MIB = 1024 ** 2;
const SYNC_MS = 290_000;
/** After the last file, until garbage is collected and caches are dropped. */
const SETTLE_MS = 30_000;
const STARTS = 5;
const SMOOTH_MS = 50;

/** What the window counts of itself. */
interface Frames {
  readonly count: number;
  readonly longestMs: number;
  /** Tasks of the window's thread that took longer than 50 ms: a frame was late for them. */
  readonly longTasks: number;
  readonly longestTaskMs: number;
}

export async function app(setting: Setting): Promise<readonly Row[]> {
  const [desktop, world] = await Promise.all([Desktop.begin({ keyring: true }), World.begin()]);
  const home = join(world.place, 'home-of-the-app');
  const folder = join(world.place, 'folder-of-the-app');
  mkdirSync(folder);
  let running: App | null = null;
  try {
    running = await App.start(desktop, { home });
    const page = await running.window();
    const { email, password, wire } = world;
    await createAccount(page, { server: wire.url, email, password, folder });
    const rows = await smoothness(running, page, { setting, world, folder });
    setting.say('at rest');
    await delay(SETTLE_MS);
    rows.push(...memory(running.pid, (await running.engine('status')).engine.pid));
    await running.quit();
    running = null;
    setting.say(`starting it ${STARTS} times`);
    rows.push(...(await starts(desktop, home, setting)));
    return rows;
  } finally {
    await running?.kill();
    await world.end();
    await desktop.end();
  }
}

async function smoothness(
  running: App,
  page: Page,
  { setting, world, folder }: { setting: Setting; world: World; folder: string },
): Promise<Row[]> {
  const count = setting.quick ? 1000 : 10_000;
  const aside = join(world.place, 'aside');
  setting.say(`making ${count} files`);
  makeTree(aside, count, 16 * 1024);
  await isIdle(running);
  await page.evaluate(COUNT_FRAMES);
  const machine = machineCpuSeconds();
  const began = performance.now();
  renameSync(aside, join(folder, 'tree'));
  await until('work has begun', SYNC_MS, async () =>
    (await running.engine('status')).state === 'idle' ? null : true,
  );
  await isIdle(running);
  const seconds = (performance.now() - began) / 1000;
  const frames = await page.evaluate<Frames>('globalThis.coffreFrames');
  const after = machineCpuSeconds();
  const load = (after.used - machine.used) / (after.had - machine.had);
  const note = `${frames.count} frames in ${seconds.toFixed(1)} s, ${frames.longTasks} tasks above ${SMOOTH_MS} ms, machine ${Math.round(load * 100)} % busy`;
  return [
    row(`status view while ${count} files sync: longest task (ms)`, frames.longestTaskMs, {
      target: SMOOTH_MS,
      note,
    }),
    row('  longest time between two frames (ms)', frames.longestMs, { target: SMOOTH_MS }),
  ];
}

async function isIdle(running: App): Promise<void> {
  await until('the engine is idle', SYNC_MS, async () =>
    (await running.engine('status')).state === 'idle' ? true : null,
  );
}

function memory(pid: number, engine: number): Row[] {
  const all = processTree(pid);
  return [
    row('memory of the whole app at rest, engine included (MiB)', sharedMemoryOf(all) / MIB, {
      note: `${all.length} processes, shared pages counted once`,
    }),
    row('  of that the engine (MiB)', memoryOf(engine).settled / MIB),
  ];
}

/** Hidden, as at log-in: from the start of the process until the panel has its icon; then what it holds at rest. */
async function starts(desktop: Desktop, home: string, setting: Setting): Promise<Row[]> {
  const seconds: number[] = [];
  let held = 0;
  for (let time = 1; time <= STARTS; time += 1) {
    const began = performance.now();
    const child = spawn(electronProgram(), [...sandboxArguments, MAIN, '--hidden'], {
      env: appEnvironment(desktop, { home }),
      stdio: 'ignore',
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('Electron did not start');
    await Tray.of(desktop.env, pid);
    seconds.push((performance.now() - began) / 1000);
    if (time === STARTS) {
      setting.say('at rest, hidden');
      await delay(SETTLE_MS);
      held = sharedMemoryOf(processTree(pid));
    }
    const ended = new Promise((resolve) => child.once('exit', resolve));
    killTree(pid);
    await ended;
  }
  seconds.sort((a, b) => a - b);
  return [
    row(`start to tray, median of ${STARTS}`, seconds[Math.floor(STARTS / 2)] ?? Number.NaN, {
      target: 2,
      note: `least ${seconds[0]?.toFixed(2)}, most ${seconds.at(-1)?.toFixed(2)}; seen through D-Bus every 50 ms`,
    }),
    row('memory of the whole app at rest, started hidden with the same files (MiB)', held / MIB),
  ];
}

const COUNT_FRAMES = `(() => {
  const frames = { count: 0, longestMs: 0, longTasks: 0, longestTaskMs: 0 };
  globalThis.coffreFrames = frames;
  let last = performance.now();
  const frame = (now) => {
    frames.count += 1;
    frames.longestMs = Math.max(frames.longestMs, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      frames.longTasks += 1;
      frames.longestTaskMs = Math.max(frames.longestTaskMs, duration);
    }
  }).observe({ type: 'longtask' });
})()`;
