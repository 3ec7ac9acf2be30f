/**
 * The folder that is one device's state (COFFRE_HOME), as far as the account goes:
 *
 *   config.json               which account, device and server; nothing secret. Names the identity in use
 *   identity/DEVICE/secrets   the device's keys, sealed under the unlock key
 *   identity/DEVICE/key-file  the unlock key under a passphrase; absent when the OS keychain holds it
 *   identity/DEVICE/chain     the newest device chain this device verified
 *   engine.lock               held while an engine runs
 *   ahead/                    sealed packs of files that are still being uploaded elsewhere
 *
 * An identity is written whole before config.json names it, so signing in anew over an old identity is one rename.
 */
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { accountIdSchema, deviceIdSchema, emailSchema } from '../../protocol/cloud.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { flushFolder, isErrno, readIfThere, removeUnfinished, writeDurably } from './durable-file.ts';
import { isSameMachine, markOf, type MachineMark } from './machine.ts';

const configSchema = z.object({
  version: z.literal(1),
  server: z.object({
    origin: z.string().min(1),
    fingerprint: z.string().nullable(),
    caPem: z.string().nullable(),
  }),
  account: accountIdSchema,
  device: deviceIdSchema,
  email: emailSchema,
  deviceName: z.string().min(1),
  /** Who holds the unlock key. */
  lock: z.enum(['passphrase', 'keychain']),
  machine: z.object({ machine: z.string().nullable(), folder: z.string() }),
});
export type HomeConfig = z.infer<typeof configSchema>;

/** What an identity consists of, besides what config.json says. */
export interface IdentityFiles {
  readonly secrets: Uint8Array;
  /** Null when the OS keychain holds the unlock key. */
  readonly keyFile: Uint8Array | null;
  readonly chain: Uint8Array;
}
export type IdentityFile = 'secrets' | 'key-file' | 'chain';

const HINT_DAMAGED = 'Restore the folder from a backup, or run `coffre login` to make this a new device.';

export class Home {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder when it is not there, closed to other users. @throws PersonError failed */
  static async open(path: string): Promise<Home> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      if (process.platform !== 'win32') await chmod(path, 0o700);
    } catch (error) {
      const hint = 'Choose another folder with COFFRE_HOME, or make this one writable.';
      throw new PersonError('failed', `the folder for Coffre's state cannot be used (${path})`, hint, {
        cause: error,
      });
    }
    return new Home(path);
  }

  get lockPath(): string {
    return join(this.path, 'engine.lock');
  }

  /** Sealed packs that were fetched before their file was known; they can go at any time. */
  get aheadPath(): string {
    return join(this.path, 'ahead');
  }

  get #configPath(): string {
    return join(this.path, 'config.json');
  }

  #identityPath(device: DeviceId): string {
    return join(this.path, 'identity', device);
  }

  /** Null before sign-up and login. @throws PersonError home-damaged */
  async config(): Promise<HomeConfig | null> {
    const bytes = await readIfThere(this.#configPath);
    if (bytes === null) return null;
    try {
      return configSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    } catch (error) {
      throw damaged('its config.json does not read', error);
    }
  }

  /** @throws PersonError not-set-up, home-damaged */
  async requireConfig(): Promise<HomeConfig> {
    const config = await this.config();
    if (config !== null) return config;
    const hint = 'Run `coffre signup` for a new account, or `coffre login` for one you have.';
    throw new PersonError('not-set-up', 'this device has no account yet', hint);
  }

  async saveConfig(config: HomeConfig): Promise<void> {
    await writeDurably(this.#configPath, `${JSON.stringify(config, null, 2)}\n`);
  }

  /** Where the home is now. */
  mark(): Promise<MachineMark> {
    return markOf(this.path);
  }

  /** @throws PersonError signed-out when the home was copied here from another place */
  async checkMachine(config: HomeConfig): Promise<void> {
    if (isSameMachine(config.machine, await this.mark())) return;
    throw new PersonError(
      'signed-out',
      "this device's state was copied or restored from elsewhere, and the device it belongs to may still be at work",
      'Run `coffre login` to make this a device of its own. Your files stay as they are.',
    );
  }

  /** @throws PersonError home-damaged when it is missing */
  async readIdentity(device: DeviceId, file: IdentityFile): Promise<Uint8Array> {
    const bytes = await readIfThere(join(this.#identityPath(device), file));
    if (bytes === null) throw damaged(`its file ${file} is missing`);
    return bytes;
  }

  async writeIdentity(device: DeviceId, file: IdentityFile, bytes: Uint8Array): Promise<void> {
    await writeDurably(join(this.#identityPath(device), file), bytes);
  }

  /** Makes this home the device of `config`; identities of before are removed. */
  async install(config: HomeConfig, files: IdentityFiles): Promise<void> {
    const folder = this.#identityPath(config.device);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeDurably(join(folder, 'secrets'), files.secrets);
    if (files.keyFile !== null) await writeDurably(join(folder, 'key-file'), files.keyFile);
    await writeDurably(join(folder, 'chain'), files.chain);
    await flushFolder(join(this.path, 'identity'));
    await this.saveConfig(config);
    await this.#removeIdentities(config.device);
  }

  /** Removes what a stop in the middle of a write left, and identities that are over. The caller holds the lock. */
  async tidy(): Promise<void> {
    const config = await this.config();
    await removeUnfinished(this.path);
    if (config === null) return;
    await this.#removeIdentities(config.device);
    await removeUnfinished(this.#identityPath(config.device));
  }

  /** Forgets account, keys and session. */
  async forget(): Promise<void> {
    await rm(this.#configPath, { force: true });
    await flushFolder(this.path);
    await this.#removeIdentities(null);
    await rm(this.aheadPath, { recursive: true, force: true });
  }

  async #removeIdentities(except: DeviceId | null): Promise<void> {
    const root = join(this.path, 'identity');
    let names: string[];
    try {
      names = await readdir(root);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return;
      throw error;
    }
    for (const name of names) {
      if (name !== except) await rm(join(root, name), { recursive: true, force: true });
    }
  }
}

export function damaged(why: string, cause?: unknown): PersonError {
  return new PersonError('home-damaged', `this device's state is damaged: ${why}`, HINT_DAMAGED, { cause });
}
