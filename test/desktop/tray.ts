/**
 * The tray icon of an app as a panel has it: a StatusNotifierItem with a menu, both on the session bus. Read and
 * clicked with gdbus, without a mouse.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POLL_MS = 50;
const APPEARS_MS = 20_000;
const MENU = 'com.canonical.dbusmenu';

export interface TrayMenuItem {
  readonly id: number;
  readonly label: string;
  readonly enabled: boolean;
}

export class Tray {
  readonly #env: NodeJS.ProcessEnv;
  readonly #name: string;

  private constructor(env: NodeJS.ProcessEnv, name: string) {
    this.#env = env;
    this.#name = name;
  }

  /** Waits until the app of that process has one. */
  static async of(env: NodeJS.ProcessEnv, pid: number): Promise<Tray> {
    const endMs = performance.now() + APPEARS_MS;
    while (performance.now() < endMs) {
      const said = await call(env, 'org.kde.StatusNotifierWatcher', '/StatusNotifierWatcher', [
        'org.freedesktop.DBus.Properties.Get',
        'org.kde.StatusNotifierWatcher',
        'RegisteredStatusNotifierItems',
      ]);
      for (const [, name] of said.matchAll(/'([^'/]+)\/[^']*'/g)) {
        if (name !== undefined && (await pidOf(env, name)) === pid) return new Tray(env, name);
      }
      await delay(POLL_MS);
    }
    throw new Error('the panel shows no icon of the app');
  }

  get toolTip(): Promise<string> {
    return this.#property('ToolTip');
  }

  /** The pixels it shows, as text; two states differ. */
  get picture(): Promise<string> {
    return this.#property('IconPixmap');
  }

  /** With those of its submenus, in order; without separators. */
  async items(): Promise<TrayMenuItem[]> {
    const layout = await this.#menu(['GetLayout', '0', '-1', '@as []']);
    return [...layout.matchAll(/\((\d+), (?:@a\{sv\} )?\{([^{}]*)\}/g)].flatMap(([, id, properties = '']) => {
      const [, single, double] =
        /'label': <(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")>/.exec(properties) ?? [];
      const label = single ?? double;
      if (label === undefined || label === '') return [];
      return [{ id: Number(id), label, enabled: !properties.includes("'enabled': <false>") }];
    });
  }

  async click(label: string): Promise<void> {
    const item = (await this.items()).find((one) => one.label === label);
    if (item?.enabled !== true) throw new Error(`the tray's menu offers no "${label}"`);
    await this.#menu(['Event', String(item.id), "'clicked'", '<0>', 'uint32 0']);
  }

  #property(name: string): Promise<string> {
    return call(this.#env, this.#name, '/StatusNotifierItem', [
      'org.freedesktop.DBus.Properties.Get',
      'org.kde.StatusNotifierItem',
      name,
    ]);
  }

  async #menu([method = '', ...args]: readonly string[]): Promise<string> {
    const path = /'([^']+)'/.exec(await this.#property('Menu'))?.[1];
    if (path === undefined) throw new Error('the tray icon has no menu');
    return call(this.#env, this.#name, path, [`${MENU}.${method}`, ...args]);
  }
}

async function pidOf(env: NodeJS.ProcessEnv, name: string): Promise<number | null> {
  const bus = ['org.freedesktop.DBus', '/org/freedesktop/DBus'] as const;
  const said = await call(env, ...bus, ['org.freedesktop.DBus.GetConnectionUnixProcessID', name]);
  return Number(/\d+(?=,?\))/.exec(said.replace('uint32 ', ''))?.[0]);
}

async function call(
  env: NodeJS.ProcessEnv,
  name: string,
  path: string,
  [method = '', ...args]: readonly string[],
): Promise<string> {
  const { stdout } = await run(
    'gdbus',
    ['call', '--session', '--dest', name, '--object-path', path, '--method', method, '--', ...args],
    { env, maxBuffer: 16 << 20 },
  );
  return stdout;
}
