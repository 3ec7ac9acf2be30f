/**
 * The unlock key of this device: 32 random bytes, kept sealed by the keychain of the operating system. Where
 * that keychain is none (Linux without a secret service: Electron would fall back to a fixed key), nothing is
 * sealed and the account password unlocks at every start.
 */
import { randomBytes } from 'node:crypto';
import type { SealedKey } from './app-file.ts';

/** What is used of Electron's safeStorage. The asynchronous half is missing in Electron 25, the other half from 46 on. */
export interface SafeStorage {
  isEncryptionAvailable?(): boolean;
  encryptString?(text: string): Buffer;
  decryptString?(sealed: Buffer): string;
  isAsyncEncryptionAvailable?(): Promise<boolean>;
  encryptStringAsync?(text: string): Promise<Buffer>;
  decryptStringAsync?(sealed: Buffer): Promise<{ result: string; shouldReEncrypt: boolean }>;
  getSelectedStorageBackend?(): string;
}

/** Where the sealed key is kept. */
export interface KeyPlace {
  readonly unlockKey: SealedKey | null;
  keepUnlockKey(key: SealedKey | null): void;
}

const KEY_BYTES = 32;

export class Keychain {
  readonly #storage: SafeStorage;
  readonly #place: KeyPlace;
  readonly #platform: NodeJS.Platform;
  #backend: Promise<string | null> | null = null;

  constructor(storage: SafeStorage, place: KeyPlace, platform: NodeJS.Platform = process.platform) {
    this.#storage = storage;
    this.#place = place;
    this.#platform = platform;
  }

  async isSafe(): Promise<boolean> {
    return (await this.backend()) !== null;
  }

  /** Null where there is no safe keychain. */
  backend(): Promise<string | null> {
    this.#backend ??= this.#find();
    return this.#backend;
  }

  /**
   * The key that locks a device enrolled now, base64; null where the password has to. A new key each time is not
   * needed: it never leaves this machine.
   */
  async forEnrolment(): Promise<string | null> {
    const backend = await this.backend();
    if (backend === null) return null;
    const kept = await this.stored();
    if (kept !== null) return kept;
    const key = randomBytes(KEY_BYTES).toString('base64');
    await this.#keep(backend, key);
    // Only what is known to come back may lock the keys of a device.
    return (await this.stored()) === key ? key : null;
  }

  /** The key as it was kept, base64; null when there is none or this keychain does not open it. */
  async stored(): Promise<string | null> {
    const sealed = this.#place.unlockKey;
    const backend = await this.backend();
    if (sealed === null || backend === null) return null;
    try {
      const { text, isOld } = await this.#open(Buffer.from(sealed.sealed, 'base64'));
      if (Buffer.from(text, 'base64').length !== KEY_BYTES) return null;
      if (isOld) await this.#keep(backend, text);
      return text;
    } catch {
      return null; // another keychain sealed it, or it was reset: the password is asked for
    }
  }

  async #find(): Promise<string | null> {
    const storage = this.#storage;
    const available =
      storage.isAsyncEncryptionAvailable !== undefined
        ? await storage.isAsyncEncryptionAvailable()
        : storage.isEncryptionAvailable?.();
    if (available !== true) return null;
    if (this.#platform !== 'linux') return this.#platform;
    // Electron 25 does not tell its name, and calls nothing but a true keyring available.
    const isOld = storage.getSelectedStorageBackend === undefined && storage.encryptStringAsync === undefined;
    const backend = isOld ? 'keyring' : (storage.getSelectedStorageBackend?.() ?? 'unknown');
    return backend === 'basic_text' || backend === 'unknown' ? null : backend;
  }

  async #keep(backend: string, key: string): Promise<void> {
    const storage = this.#storage;
    const sealed =
      storage.encryptStringAsync !== undefined
        ? await storage.encryptStringAsync(key)
        : storage.encryptString?.(key);
    if (sealed === undefined) throw new Error('safeStorage can neither seal at once nor later');
    this.#place.keepUnlockKey({ backend, sealed: sealed.toString('base64') });
  }

  async #open(sealed: Buffer): Promise<{ text: string; isOld: boolean }> {
    const storage = this.#storage;
    if (storage.decryptStringAsync !== undefined) {
      const { result, shouldReEncrypt } = await storage.decryptStringAsync(sealed);
      return { text: result, isOld: shouldReEncrypt };
    }
    return { text: storage.decryptString?.(sealed) ?? '', isOld: false };
  }
}
