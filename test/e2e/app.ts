/** The desktop app as a person has it: the real Electron on a throw-away desktop, its window driven by Playwright. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import type { AppBridge, AppMethod, AppResult, BridgeRequest } from '../../protocol/app.ts';
import type { ControlMethod, ControlResult } from '../../protocol/control.ts';
import { killTree } from '../desktop/process-tree.ts';
import type { Desktop } from '../desktop/session.ts';
import { Tray } from '../desktop/tray.ts';

export const PROJECT = join(import.meta.dirname, '../..');
export const MAIN = join(PROJECT, 'dist/electron/main.cjs');
const STARTS_MS = 60_000;

export const electronProgram = (): string => {
  const [, file] =
    /^\S+ (.*)$/m.exec(
      execFileSync(process.execPath, [join(PROJECT, 'build/electron-runtime.mjs')], { encoding: 'utf8' }),
    ) ?? [];
  if (file === undefined) throw new Error('build/electron-runtime.mjs names no Electron');
  return file;
};

/** Chromium refuses to be root in its own sandbox. */
export const sandboxArguments = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export interface AppOptions {
  readonly home: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export function appEnvironment(desktop: Desktop, { home, env }: AppOptions): Record<string, string> {
  const all: NodeJS.ProcessEnv = {
    ...desktop.env,
    COFFRE_HOME: home,
    COFFRE_NODE: process.execPath,
    ...env,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** As a script of the window would ask. */
export function askWindow(page: Page, request: BridgeRequest): Promise<unknown> {
  return page.evaluate(
    (asked) => (globalThis as unknown as { readonly coffre: AppBridge }).coffre.request(asked),
    request,
  );
}

export class App {
  readonly #electron: ElectronApplication;
  readonly #desktop: Desktop;
  #nextRequest = 1_000_000;

  private constructor(electron: ElectronApplication, desktop: Desktop) {
    this.#electron = electron;
    this.#desktop = desktop;
  }

  static async start(desktop: Desktop, options: AppOptions): Promise<App> {
    const electron = await _electron.launch({
      executablePath: electronProgram(),
      args: [...sandboxArguments, MAIN, ...(options.args ?? [])],
      env: appEnvironment(desktop, options),
      timeout: STARTS_MS,
    });
    return new App(electron, desktop);
  }

  /** Starts it once more on the same home, and resolves to the exit code of that start. */
  static async second(desktop: Desktop, options: AppOptions): Promise<number | null> {
    const child = spawn(electronProgram(), [...sandboxArguments, MAIN, ...(options.args ?? [])], {
      env: appEnvironment(desktop, options),
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  get electron(): ElectronApplication {
    return this.#electron;
  }

  get pid(): number {
    return this.#electron.process().pid!;
  }

  /** Waits for the first one if there is none. */
  window(): Promise<Page> {
    return this.#electron.firstWindow({ timeout: STARTS_MS });
  }

  tray(): Promise<Tray> {
    return Tray.of(this.#desktop.env, this.pid);
  }

  /** What the window would be answered. @throws with the code of a refusal */
  engine<M extends ControlMethod>(method: M, params: unknown = {}): Promise<ControlResult<M>> {
    return this.#ask('engine', method, params) as Promise<ControlResult<M>>;
  }

  app<M extends AppMethod>(method: M, params: unknown = {}): Promise<AppResult<M>> {
    return this.#ask('app', method, params) as Promise<AppResult<M>>;
  }

  /** As the menu's Quit; resolves when all of it has ended. */
  async quit(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#electron.once('close', () => resolve()));
    await this.#electron.evaluate(({ app }) => app.quit());
    await ended;
  }

  async kill(): Promise<void> {
    const child = this.#electron.process();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    killTree(this.pid);
    await ended;
  }

  async #ask(to: 'app' | 'engine', method: string, params: unknown): Promise<unknown> {
    const page = await this.window();
    const request = this.#nextRequest++;
    const answer = await askWindow(page, { to, request, method, params });
    const { error, result } = answer as { error?: { code: string; message: string }; result?: unknown };
    if (error !== undefined) throw new Error(`${method}: ${error.code}: ${error.message}`);
    return result;
  }
}
