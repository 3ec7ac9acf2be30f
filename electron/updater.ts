/** New versions of the app. Off unless the build names an address to ask (app-update.yml beside the program). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { AppUpdater } from 'electron-updater';
import type { UpdateState } from '../protocol/app.ts';
import { PersonError } from '../protocol/errors.ts';

const EVERY_MS = 6 * 60 * 60_000;
const FIRST_MS = 60_000;

export interface UpdaterParts {
  readonly isPackaged: boolean;
  readonly resources: string;
  readonly env: NodeJS.ProcessEnv;
  readonly isAutomatic: () => boolean;
  readonly changed: (state: UpdateState) => void;
}

export class Updater {
  readonly #parts: UpdaterParts;
  #updater: AppUpdater | null = null;
  #state: UpdateState = { state: 'off', version: null, message: null };

  constructor(parts: UpdaterParts) {
    this.#parts = parts;
    const testAddress = parts.isPackaged ? undefined : parts.env['COFFRE_UPDATE_URL'];
    if (testAddress === undefined && !existsSync(path.join(parts.resources, 'app-update.yml'))) return;
    this.#state = { state: 'idle', version: null, message: null };
    this.#updater = this.#load(testAddress);
    const timer = setTimeout(() => {
      const look = (): void => {
        if (parts.isAutomatic()) void this.check();
      };
      look();
      setInterval(look, EVERY_MS).unref();
    }, FIRST_MS);
    timer.unref();
  }

  get state(): UpdateState {
    return this.#state;
  }

  /** Resolves when it is known whether there is one; what it finds is fetched meanwhile. */
  async check(): Promise<UpdateState> {
    const { state } = this.#state;
    if (this.#updater === null || state === 'checking' || state === 'downloading' || state === 'ready') {
      return this.#state;
    }
    this.#set({ state: 'checking', version: null, message: null });
    try {
      await this.#updater.checkForUpdates();
    } catch (error) {
      this.#fail(error);
    }
    return this.#state;
  }

  /** Called when all else has ended. @throws PersonError('bad-input') */
  requireReady(): void {
    if (this.#state.state === 'ready') return;
    throw new PersonError('bad-input', 'no new version is ready', 'Look for one first.');
  }

  install(): void {
    this.#updater?.quitAndInstall();
  }

  #load(testAddress: string | undefined): AppUpdater {
    // Only where it is used: it takes time to load.
    const { autoUpdater } = createRequire(__filename)('electron-updater') as {
      autoUpdater: AppUpdater;
    };
    autoUpdater.autoDownload = true;
    // The engine is ended in good order first, which the app does itself.
    autoUpdater.autoInstallOnAppQuit = false;
    autoUpdater.logger = null;
    if (testAddress !== undefined) {
      autoUpdater.forceDevUpdateConfig = true;
      autoUpdater.setFeedURL({ provider: 'generic', url: testAddress });
    }
    autoUpdater.on('update-available', ({ version }) =>
      this.#set({ state: 'downloading', version, message: null }),
    );
    autoUpdater.on('update-not-available', () => this.#set({ state: 'idle', version: null, message: null }));
    autoUpdater.on('update-downloaded', ({ version }) =>
      this.#set({ state: 'ready', version, message: null }),
    );
    autoUpdater.on('error', (error) => this.#fail(error));
    return autoUpdater;
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    this.#set({ state: 'failed', version: null, message: message.slice(0, 300) });
  }

  #set(state: UpdateState): void {
    this.#state = state;
    this.#parts.changed(state);
  }
}
