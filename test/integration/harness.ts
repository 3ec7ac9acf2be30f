/**
 * A real server and real devices, each a process of its own, in a temporary folder. `end` kills and removes
 * whatever is left, so a test that fails leaves nothing behind; the exit of this process does it too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { controlEndpoint } from '../../protocol/control-endpoint.ts';
import type { ControlResult } from '../../protocol/control.ts';
import { connectIfRunning, type ControlClient } from '../../sync-engine/client/client.ts';
import { chosenKind, type CloudKind, type TestCloud } from './cloud-kinds.ts';
import { startRecordingProxy, type RecordingProxy } from './recording-proxy.ts';
import { makeTestCloud } from './test-cloud.ts';

const PROJECT = join(import.meta.dirname, '../..');
/** A command that takes longer hangs. */
const CLI_MS = 90_000;

export interface CliResult {
  readonly code: number;
  /** The object it printed; empty when it printed none. */
  readonly json: Record<string, unknown>;
  readonly errorCode: string | null;
  readonly stderr: string;
}

export class World<Cloud extends TestCloud = TestCloud> {
  readonly place: string;
  readonly email = 'two.devices@example.org';
  readonly password = 'a password nobody else has';
  readonly devices: Device[] = [];
  readonly server: Cloud;
  readonly #proxy: RecordingProxy;
  readonly #atExit = (): void => this.#killAll();
  /** Of the account, once a device signed up. */
  phrase = '';

  private constructor(place: string, server: Cloud, proxy: RecordingProxy) {
    this.place = place;
    this.server = server;
    this.#proxy = proxy;
    process.once('exit', this.#atExit);
  }

  /**
   * @param options further options of `coffre-cloud serve`
   * @param env what its process gets beside this one's environment, at each start
   */
  static async begin(
    options: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    kind: CloudKind = chosenKind(),
  ): Promise<World> {
    return World.on((place) => makeTestCloud(place, options, env, kind));
  }

  /** @param make its server, not started yet, given a folder of the world's */
  static async on<Cloud extends TestCloud>(
    make: (place: string) => Cloud | Promise<Cloud>,
  ): Promise<World<Cloud>> {
    const place = mkdtempSync(join(tmpdir(), 'coffre-e2e-'));
    const server = await make(place);
    const proxy = await startRecordingProxy(() => server.port);
    const world = new World(place, server, proxy);
    try {
      await server.start();
      return world;
    } catch (error) {
      await world.end();
      throw error;
    }
  }

  get wire(): RecordingProxy {
    return this.#proxy;
  }

  /** A machine with an empty folder and no account yet. */
  machine(name: string): Device {
    const device = new Device(this, name);
    this.devices.push(device);
    return device;
  }

  /** A machine that signed up, or signed in when there is an account. */
  async device(name: string): Promise<Device> {
    const device = this.machine(name);
    const enrol = this.phrase === '' ? 'signup' : 'login';
    const { json } = await device.ok(enrol, ...this.enrolArguments(device));
    if (enrol === 'signup') this.phrase = String(json['recoveryPhrase']);
    await device.learnPid();
    return device;
  }

  enrolArguments(device: Device): string[] {
    return [
      ...['--server', this.#proxy.url, '--email', this.email],
      ...['--folder', device.folder, '--device', device.name],
    ];
  }

  async end(): Promise<void> {
    for (const device of this.devices) await device.kill9();
    await this.server.end();
    await this.#proxy.close();
    process.off('exit', this.#atExit);
    rmSync(this.place, { recursive: true, force: true });
  }

  #killAll(): void {
    for (const device of this.devices) device.killNow();
    this.server.killNow();
  }
}

export class Device {
  /** What its commands, and the engine they start, get beside this process's environment. */
  env: NodeJS.ProcessEnv = {};
  readonly name: string;
  readonly home: string;
  readonly folder: string;
  readonly #world: World;
  #pid: number | null = null;
  #client: ControlClient | null = null;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.home = join(world.place, `home-${name}`);
    this.folder = join(world.place, name);
    mkdirSync(this.folder, { recursive: true });
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /**
   * Runs `coffre ... --json` on this device. Never rejects for an exit code, but for an engine that ended by
   * itself: the command would start another, and nobody would know.
   */
  async cli(args: readonly string[], env: NodeJS.ProcessEnv = {}, mostMs = CLI_MS): Promise<CliResult> {
    this.#expectAlive();
    const child = spawn(process.execPath, [join(PROJECT, 'cli/main.ts'), ...args, '--json'], {
      env: {
        ...process.env,
        COFFRE_HOME: this.home,
        COFFRE_PASSWORD: this.#world.password,
        ...this.env,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: mostMs,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr, [code, signal]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    if (code === null) throw new Error(`coffre ${args[0] ?? ''} was ended by ${String(signal)}`);
    const json = stdout.trim() === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
    const error = json['error'] as { code: string } | undefined;
    return { code, json, errorCode: error?.code ?? null, stderr };
  }

  /** As `cli`, for what must succeed. */
  async ok(...args: string[]): Promise<CliResult> {
    const result = await this.cli(args);
    if (result.code !== 0) {
      throw new Error(
        `coffre ${args.join(' ')} on ${this.name}: exit ${result.code}, ${JSON.stringify(result.json)} ${result.stderr}`,
      );
    }
    return result;
  }

  /** `coffre wait`. */
  wait(seconds = 60): Promise<CliResult> {
    return this.cli(['wait', '--timeout', String(seconds)], {}, CLI_MS + seconds * 1000);
  }

  /** A connection to the running engine, for what is asked often. */
  async engine(): Promise<ControlClient> {
    this.#expectAlive();
    if (this.#client !== null) return this.#client;
    const client = await connectIfRunning(controlEndpoint(this.home));
    if (client === null) throw new Error(`no engine runs on ${this.name}: ${this.lastWords()}`);
    this.#client = client;
    this.#pid = client.engine.pid;
    void client.closed.then(() => {
      if (this.#client === client) this.#client = null;
    });
    return client;
  }

  async status(): Promise<ControlResult<'status'>> {
    return (await this.engine()).call('status', {});
  }

  async issues(): Promise<ControlResult<'issues.list'>['issues']> {
    return (await (await this.engine()).call('issues.list', { limit: 500 })).issues;
  }

  async learnPid(): Promise<number> {
    return (await this.engine()).engine.pid;
  }

  /** What the engine wrote to stderr since it was started. */
  lastWords(): string {
    try {
      return readFileSync(controlEndpoint(this.home).errorFile, 'utf8');
    } catch {
      return '';
    }
  }

  async start(): Promise<void> {
    await this.ok('start');
    await this.learnPid();
  }

  async stop(): Promise<void> {
    await this.ok('stop');
    await this.#forget();
  }

  /** Kills the engine, as a crash would; resolves once its process is gone. */
  async kill9(): Promise<void> {
    if (this.#pid === null) await this.engine().catch(() => undefined); // started by a command, or not running
    const pid = this.#pid;
    await this.#forget();
    if (pid === null) return;
    signal(pid, 'SIGKILL');
    while (signal(pid, 0)) await delay(5); // no child of this process: its end is no event here
  }

  killNow(): void {
    if (this.#pid !== null) signal(this.#pid, 'SIGKILL');
  }

  #expectAlive(): void {
    if (this.#pid === null || signal(this.#pid, 0)) return;
    const how = existsSync(controlEndpoint(this.home).address)
      ? 'was killed or crashed'
      : 'ended in good order';
    throw new Error(`the engine of ${this.name} ${how}, unasked: ${this.lastWords()}`);
  }

  async #forget(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    this.#pid = null;
    await client?.close();
  }
}

/** Polls `look` until it gives something; rejects after `ms`. For what announces itself on no channel. */
export async function until<T>(
  what: string,
  ms: number,
  look: () => Promise<T | null> | T | null,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await delay(20);
  }
}

/** All entries of a folder of the account. @throws PersonError not-found */
export async function entriesOf(
  engine: ControlClient,
  path: string,
): Promise<ControlResult<'ls'>['entries']> {
  const entries: ControlResult<'ls'>['entries'] = [];
  let cursor: string | null = null;
  do {
    const page: ControlResult<'ls'> = await engine.call('ls', { path, cursor, limit: 500 });
    entries.push(...page.entries);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return entries;
}

/** False when there is no such process. A zombie, waiting for a parent that never asks, counts as gone. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const part of stream) text += String(part);
  return text;
}
