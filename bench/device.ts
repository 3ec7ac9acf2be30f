/** One device: its home, its folder, its engine as a process, and its own way to the server. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Status } from '../protocol/control-shapes.ts';
import { controlEndpoint } from '../protocol/control-endpoint.ts';
import { connectIfRunning, type ControlClient } from '../sync-engine/client/client.ts';
import { startCountingProxy, type CountingProxy } from './counting-proxy.ts';
import type { Pace } from './pace.ts';
import type { Program } from './program.ts';

const PASSWORD = 'benchmark only';
const COMMAND_MS = 60_000;
const POLL_MS = 20;
const run = promisify(execFile);

export interface DeviceOptions {
  readonly program: Program;
  /** Its own, empty. */
  readonly folder: string;
  readonly name: string;
  readonly server: string;
  readonly verb: 'signup' | 'login';
  /** The engine writes a CPU profile here when it ends. */
  readonly profiles: string | null;
  /** Of its line to the server; null: loopback. */
  readonly pace: Pace | null;
}

export class Device {
  /** What it keeps in sync. */
  readonly files: string;
  readonly proxy: CountingProxy;
  /** Keys, manifest, and what it remembers of itself. */
  readonly home: string;
  readonly #program: Program;
  readonly #env: NodeJS.ProcessEnv;
  #client: ControlClient | null = null;

  private constructor(options: DeviceOptions, proxy: CountingProxy) {
    this.home = join(options.folder, 'home');
    this.files = join(options.folder, 'files');
    this.proxy = proxy;
    this.#program = options.program;
    mkdirSync(this.files, { recursive: true });
    this.#env = {
      ...process.env,
      COFFRE_HOME: this.home,
      COFFRE_PASSWORD: PASSWORD,
      ...(options.profiles === null ? {} : { COFFRE_NODE: profilingNode(options) }),
    };
  }

  static async enrol(options: DeviceOptions): Promise<Device> {
    const device = new Device(options, await startCountingProxy(options.server, options.pace));
    const place = [
      '--server',
      device.proxy.address,
      '--email',
      'bench@example.org',
      '--folder',
      device.files,
    ];
    await device.#command([options.verb, ...place, '--device', options.name]);
    await device.#connect();
    return device;
  }

  async #command(args: readonly string[]): Promise<void> {
    // Not a pipe: a service started by the command must not keep it open.
    await run(process.execPath, [this.#program.cli, ...args, '--json'], {
      env: this.#env,
      timeout: COMMAND_MS,
    });
  }

  async #connect(): Promise<void> {
    const client = await connectIfRunning(controlEndpoint(this.home));
    if (client === null) throw new Error('the engine does not run');
    this.#client = client;
  }

  get #engine(): ControlClient {
    if (this.#client === null) throw new Error('the engine was stopped');
    return this.#client;
  }

  /** Of the engine. */
  get pid(): number {
    return this.#engine.engine.pid;
  }

  status(): Promise<Status> {
    return this.#engine.call('status', {});
  }

  /** True when nothing is left to do, as this device knows it. @throws when issues stand */
  async isIdle(): Promise<boolean> {
    const status = await this.status();
    if (status.state === 'attention') throw new Error(`issues: ${JSON.stringify(status.issues.slice(0, 3))}`);
    return status.state === 'idle';
  }

  /** A fresh scan and look at the log; resolves when everything agrees. */
  async wait(timeoutS: number): Promise<void> {
    await this.#command(['wait', '--timeout', String(timeoutS)]);
  }

  async stop(): Promise<void> {
    const { pid } = this;
    const client = this.#engine;
    this.#client = null;
    await this.#command(['stop']);
    await client.closed;
    while (isAlive(pid)) await delay(POLL_MS);
  }

  /** Starts the engine and resolves as soon as it answers. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [this.#program.cli, 'start', '--json'], {
      env: this.#env,
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`coffre start ended with ${code}`);
    await this.#connect();
  }

  /** Ends it whatever state it is in. */
  async end(): Promise<void> {
    const pid = this.#client?.engine.pid ?? null;
    if (this.#client !== null) await this.stop().catch(() => undefined);
    if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL');
    await this.proxy.close();
  }
}

/** Of Node: a CPU profile of every thread into the folder when the process ends. */
export function profilingFlags(folder: string): readonly string[] {
  return ['--cpu-prof', '--cpu-prof-interval=2000', `--cpu-prof-dir=${folder}`];
}

function profilingNode({ folder, profiles, name }: DeviceOptions): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'node');
  const flags = profilingFlags(join(profiles ?? '', name)).map((flag) => JSON.stringify(flag));
  writeFileSync(file, `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${flags.join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
