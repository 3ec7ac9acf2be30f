/**
 * A throw-away desktop: an X server in memory, a window manager, a session bus, a panel that shows tray icons, and
 * if asked for an unlocked keyring. It has its own home and ends only what it started.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { busSettings, panelSettings } from './settings.ts';

const READY_MS = 30_000;
const PANEL_SETTINGS = 'org.xfce.Xfconf.service';
const KEYRING_PASSWORD = 'of a keyring that lives as long as a test';

export interface DesktopOptions {
  /** An unlocked keyring; without it safeStorage has nowhere safe to put a key. */
  readonly keyring: boolean;
  readonly size?: string;
}

export class Desktop {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #env: Record<string, string>;
  readonly #killNow = (): void => this.#children.forEach((child) => child.kill('SIGKILL'));

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'coffre-desktop-'));
    const home = join(this.folder, 'home');
    this.#env = {
      HOME: home,
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
      XDG_CONFIG_HOME: join(home, '.config'),
      XDG_DATA_HOME: join(home, '.local/share'),
      XDG_CACHE_HOME: join(home, '.cache'),
      XDG_SESSION_TYPE: 'x11',
      // By this name Chromium chooses the keyring; without a desktop's name it would not even look for one.
      XDG_CURRENT_DESKTOP: 'XFCE',
      LANG: 'C.UTF-8',
    };
    for (const folder of Object.values(this.#env).filter((value) => value.startsWith(this.folder))) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    process.once('exit', this.#killNow);
  }

  static async begin({ keyring, size = '1280x800' }: DesktopOptions): Promise<Desktop> {
    const desktop = new Desktop();
    try {
      await desktop.#startScreen(size);
      await desktop.#startBus();
      desktop.#start('openbox', []);
      await Promise.all([desktop.#startPanel(), keyring ? desktop.#startKeyring() : undefined]);
      return desktop;
    } catch (error) {
      await desktop.end();
      throw error;
    }
  }

  /** The environment of a program that runs on it: with nothing of the person's own desktop. */
  get env(): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = { ...process.env, ...this.#env };
    delete env['WAYLAND_DISPLAY'];
    delete env['NODE_OPTIONS'];
    return env;
  }

  async end(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    process.off('exit', this.#killNow);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #startScreen(size: string): Promise<void> {
    const child = this.#start(
      'Xvfb',
      ['-displayfd', '3', '-screen', '0', `${size}x24`, '-nolisten', 'tcp', '-noreset'],
      ['ignore', 'ignore', 'ignore', 'pipe'],
    );
    this.#env['DISPLAY'] = `:${await firstLine(child, child.stdio[3] as Readable)}`;
  }

  /** The bus starts one program by itself, the settings of the panel: above all no keyring that was not asked for. */
  async #startBus(): Promise<void> {
    const services = join(this.folder, 'services');
    mkdirSync(services);
    copyFileSync(join('/usr/share/dbus-1/services', PANEL_SETTINGS), join(services, PANEL_SETTINGS));
    const settings = join(this.folder, 'bus.conf');
    writeFileSync(settings, busSettings(this.folder, services));
    const child = this.#start(
      'dbus-daemon',
      [`--config-file=${settings}`, '--nofork', '--print-address=1'],
      ['ignore', 'pipe', 'ignore'],
    );
    this.#env['DBUS_SESSION_BUS_ADDRESS'] = await firstLine(child, child.stdout!);
  }

  async #startPanel(): Promise<void> {
    const folder = join(this.#env['XDG_CONFIG_HOME']!, 'xfce4/xfconf/xfce-perchannel-xml');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'xfce4-panel.xml'), panelSettings);
    this.#start('xfce4-panel', ['--disable-wm-check']);
    await this.#nameOnBus('org.kde.StatusNotifierWatcher');
  }

  async #startKeyring(): Promise<void> {
    const child = this.#start(
      'gnome-keyring-daemon',
      ['--foreground', '--components=secrets', '--unlock'],
      ['pipe', 'ignore', 'ignore'],
    );
    child.stdin!.end(KEYRING_PASSWORD);
    await this.#nameOnBus('org.freedesktop.secrets');
  }

  async #nameOnBus(name: string): Promise<void> {
    const seconds = String(READY_MS / 1000);
    const child = spawn('gdbus', ['wait', '--session', '--timeout', seconds, name], {
      env: this.env,
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`nothing on the desktop's bus answers to ${name}`);
  }

  #start(program: string, args: readonly string[], stdio: StdioOptions = 'ignore'): ChildProcess {
    const child = spawn(program, args, { env: this.env, stdio });
    child.on('error', () => undefined); // what waits for it says that it is missing
    this.#children.push(child);
    return child;
  }
}

async function firstLine(child: ChildProcess, stream: Readable): Promise<string> {
  const lines = createInterface({ input: stream });
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    once(child, 'exit').then(() => null),
    once(child, 'error').then(() => null),
  ]);
  // Whatever it says later must not fill the pipe.
  stream.resume();
  if (line === null) throw new Error(`${child.spawnfile} ended before it was ready`);
  return line;
}
