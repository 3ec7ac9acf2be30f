/** A server and two devices of one account, each a process of its own, on loopback. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Device } from './device.ts';
import { cpuSecondsOf, forgetPeak, machineCpuSeconds, memoryOf, type Memory } from './machine.ts';
import type { Pace } from './pace.ts';
import { copyProgram } from './program.ts';
import { startServer, stopServer } from './server-process.ts';

export interface WorldOptions {
  /** Bytes that must be free where the world is made. */
  readonly needs: number;
  /** CPU profiles of the engines and the server go here. */
  readonly profiles: string | null;
  /** A build to measure instead of the present sources. */
  readonly dist: string | null;
  /** Of each device's line to the server; loopback unless given. */
  readonly pace?: Pace;
}

/** What one step cost. */
export interface Cost {
  readonly seconds: number;
  /** Bytes between device A and the server, as the proxy counted them. */
  readonly aUp: number;
  readonly aDown: number;
  readonly bUp: number;
  readonly bDown: number;
  /** CPU seconds of the processes. */
  readonly cpuA: number;
  readonly cpuB: number;
  readonly cpuServer: number;
  /** Share of the machine that anything else used meanwhile, 0 to 1; this process and `cp` count as else. */
  readonly otherLoad: number;
  readonly memoryA: Memory;
  readonly memoryB: Memory;
  readonly memoryServer: Memory;
}

export class World {
  readonly folder: string;
  readonly a: Device;
  readonly b: Device;
  readonly #server: ChildProcess;

  private constructor(folder: string, server: ChildProcess, a: Device, b: Device) {
    this.folder = folder;
    this.#server = server;
    this.a = a;
    this.b = b;
  }

  static async open({ needs, profiles, dist, pace }: WorldOptions): Promise<World> {
    const disk = statfsSync(tmpdir());
    if (disk.bavail * disk.bsize < needs) throw new Error(`${tmpdir()} has less than ${needs} bytes free`);
    const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'));
    process.once('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    const program = await copyProgram(join(folder, 'program'), dist);
    mkdirSync(join(folder, 'server'));
    const { child, address } = await startServer(program.cloud, join(folder, 'server'), profiles);
    const shared = { program, server: address, profiles, pace: pace ?? null };
    const a = await Device.enrol({ ...shared, folder: join(folder, 'a'), name: 'a', verb: 'signup' });
    const b = await Device.enrol({ ...shared, folder: join(folder, 'b'), name: 'b', verb: 'login' });
    const world = new World(folder, child, a, b);
    await world.until(() => world.isIdle(), 60_000);
    return world;
  }

  async isIdle(): Promise<boolean> {
    return (await this.a.isIdle()) && (await this.b.isIdle());
  }

  /** Asks until it is so. @throws after `timeoutMs`, telling both states */
  async until(isSo: () => boolean | Promise<boolean>, timeoutMs: number, everyMs = 20): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isSo())) {
      if (performance.now() > deadline) {
        const [a, b] = await Promise.all([this.a.status(), this.b.status()]);
        const told = [a, b].map(({ state, pending, issues, counters, pairs }) => ({
          state,
          pending,
          issues: issues.slice(0, 3),
          counters,
          seq: pairs[0]?.seq,
        }));
        throw new Error(`not within ${timeoutMs} ms: ${JSON.stringify(told)}`);
      }
      await delay(everyMs);
    }
  }

  /** Runs one step and tells what it cost; peaks of memory are of the step alone. */
  async cost(step: () => Promise<void>): Promise<Cost> {
    const pids = [this.a.pid, this.b.pid, this.#serverPid] as const;
    for (const pid of pids) forgetPeak(pid);
    const cpuBefore = pids.map(cpuSecondsOf);
    const machineBefore = machineCpuSeconds();
    const [aBefore, bBefore] = [this.a.proxy.traffic(), this.b.proxy.traffic()];
    const began = performance.now();
    await step();
    const seconds = (performance.now() - began) / 1000;
    const cpu = pids.map((pid, index) => cpuSecondsOf(pid) - (cpuBefore[index] ?? 0));
    const machine = machineCpuSeconds();
    const [aAfter, bAfter] = [this.a.proxy.traffic(), this.b.proxy.traffic()];
    const ours = cpu.reduce((sum, each) => sum + each, 0);
    const used = machine.used - machineBefore.used;
    return {
      seconds,
      aUp: aAfter.up - aBefore.up,
      aDown: aAfter.down - aBefore.down,
      bUp: bAfter.up - bBefore.up,
      bDown: bAfter.down - bBefore.down,
      cpuA: cpu[0] ?? 0,
      cpuB: cpu[1] ?? 0,
      cpuServer: cpu[2] ?? 0,
      otherLoad: Math.max(0, used - ours) / Math.max(0.01, machine.had - machineBefore.had),
      memoryA: memoryOf(pids[0]),
      memoryB: memoryOf(pids[1]),
      memoryServer: memoryOf(pids[2]),
    };
  }

  get #serverPid(): number {
    const { pid } = this.#server;
    if (pid === undefined) throw new Error('the server did not start');
    return pid;
  }

  get serverMemory(): Memory {
    return memoryOf(this.#serverPid);
  }

  async close(): Promise<void> {
    await Promise.all([this.a.end(), this.b.end()]);
    await stopServer(this.#server);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
