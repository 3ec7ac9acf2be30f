import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OutsideStorage, TestCloud } from './cloud-kinds.ts';

const CLOUD = join(import.meta.dirname, '../../cloud/main.ts');

/** `coffre-cloud serve`; the port stays the same over restarts. */
export class Server implements TestCloud {
  readonly #place: string;
  #options: readonly string[];
  #env: NodeJS.ProcessEnv;
  readonly #outside: OutsideStorage | null;
  #child: ChildProcess | null = null;
  port = 0;

  /** @param place a folder for its data and its log */
  constructor(
    place: string,
    options: readonly string[],
    env: NodeJS.ProcessEnv,
    outside: OutsideStorage | null = null,
  ) {
    this.#place = place;
    this.#options = options;
    this.#env = env;
    this.#outside = outside;
  }

  /** From the next start on, as `World.begin` takes them: it lives elsewhere. */
  moveTo(options: readonly string[], env: NodeJS.ProcessEnv): void {
    this.#options = options;
    this.#env = env;
  }

  get data(): string {
    if (this.#outside !== null) throw new Error('this server keeps nothing in a directory');
    return join(this.#place, 'server');
  }

  get log(): string {
    return join(this.#place, 'server.log');
  }

  async start(): Promise<void> {
    const log = openSync(this.log, 'a');
    const child = spawn(
      process.execPath,
      [
        CLOUD,
        ...['serve', '--listen', `127.0.0.1:${this.port}`, ...this.#options],
        // What is kept in a database is kept nowhere else.
        ...('COFFRE_DATABASE_URL' in this.#env ? [] : ['--data', this.data]),
      ],
      { env: { ...process.env, ...this.#env }, stdio: ['ignore', 'pipe', log] },
    );
    closeSync(log);
    this.#child = child;
    if (child.stdout === null) throw new Error('its stdout is a pipe');
    let said = '';
    child.stdout.setEncoding('utf8');
    for await (const text of child.stdout) {
      said += String(text);
      const port = /^listening on http:\/\/127\.0\.0\.1:(\d+)$/m.exec(said)?.[1];
      if (port === undefined) continue;
      this.port = Number(port);
      return;
    }
    throw new Error(`the server ended before it listened: ${readFileSync(this.log, 'utf8')}`);
  }

  /** As a crash would. */
  async kill9(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  end(): Promise<void> {
    return this.kill9();
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  killNow(): void {
    this.signal('SIGKILL');
  }

  async operate(...words: readonly string[]): Promise<string> {
    if (this.#outside !== null) return this.#outside.operate(...words);
    return (await promisify(execFile)(process.execPath, [CLOUD, ...words, '--data', this.data])).stdout;
  }

  async kept(): Promise<Buffer> {
    if (this.#outside !== null) return this.#outside.kept();
    return Buffer.concat(
      filesBelow(this.data).map((path) => Buffer.concat([Buffer.from(path), readFileSync(path)])),
    );
  }

  async packSizes(): Promise<readonly number[]> {
    if (this.#outside !== null) return this.#outside.packSizes();
    return filesBelow(join(this.data, 'blobs')).map((path) => statSync(path).size);
  }

  async backup(): Promise<() => Promise<void>> {
    const restore = await (this.#outside === null ? this.#copy() : this.#outside.backup());
    return async () => {
      await this.kill9();
      await restore();
      await this.start();
    };
  }

  async #copy(): Promise<() => Promise<void>> {
    const copy = join(this.#place, `backup-${process.hrtime.bigint()}`);
    await promisify(execFile)(process.execPath, [CLOUD, 'backup', '--data', this.data, '--to', copy]);
    return () => {
      rmSync(this.data, { recursive: true });
      renameSync(copy, this.data);
      return Promise.resolve();
    };
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
