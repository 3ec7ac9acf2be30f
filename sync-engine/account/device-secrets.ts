/** The device's secrets while it is unlocked, and their sealed file. Updates are one after another and durable. */
import {
  openDeviceSecrets,
  sealDeviceSecrets,
  type DeviceSecrets,
  type VaultEpochKey,
} from '../crypto/device-secrets.ts';
import type { Random } from '../crypto/random.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { damaged, type Home } from './home.ts';

export class SecretStore {
  readonly #home: Home;
  readonly #device: DeviceId;
  readonly #unlockKey: Uint8Array;
  readonly #random: Random;
  #secrets: DeviceSecrets;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly home: Home;
    readonly device: DeviceId;
    readonly unlockKey: Uint8Array;
    readonly secrets: DeviceSecrets;
    readonly random: Random;
  }) {
    this.#home = parts.home;
    this.#device = parts.device;
    this.#unlockKey = Uint8Array.from(parts.unlockKey);
    this.#secrets = parts.secrets;
    this.#random = parts.random;
  }

  /** @throws PersonError refused (another unlock key), home-damaged */
  static async open(
    home: Home,
    device: DeviceId,
    unlockKey: Uint8Array,
    random: Random,
  ): Promise<SecretStore> {
    const sealed = await home.readIdentity(device, 'secrets');
    if (unlockKey.length !== 32) throw wrongUnlockKey();
    const opened = openDeviceSecrets(unlockKey, sealed);
    if (opened.ok) return new SecretStore({ home, device, unlockKey, secrets: opened.secrets, random });
    if (opened.fault === 'wrong-commitment') throw wrongUnlockKey();
    throw damaged(`its file secrets does not open (${opened.fault})`);
  }

  get secrets(): DeviceSecrets {
    return this.#secrets;
  }

  /** To lock it under another passphrase. */
  get unlockKey(): Uint8Array {
    return this.#unlockKey;
  }

  /** Durable once it resolves; readers see the change from then on, and none of it when it fails. */
  update(change: (secrets: DeviceSecrets) => DeviceSecrets): Promise<void> {
    const work = async (): Promise<void> => {
      const next = change(this.#secrets);
      const sealed = sealDeviceSecrets(this.#unlockKey, next, this.#random);
      await this.#home.writeIdentity(this.#device, 'secrets', sealed);
      this.#secrets = next;
    };
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined); // the caller hears of it; the next update stands on its own
    return done;
  }

  /** Adds the keys that are new. */
  keepEpochKeys(keys: readonly VaultEpochKey[]): Promise<void> {
    return this.update((secrets) => {
      const named = new Map([...secrets.epochKeys, ...keys].map((key) => [nameOf(key), key]));
      return { ...secrets, epochKeys: [...named.values()] };
    });
  }

  /** Waits for what is being written, then overwrites the keys in memory. */
  async close(): Promise<void> {
    await this.#last;
    const { signSeed, boxSecret, epochKeys } = this.#secrets;
    this.#unlockKey.fill(0);
    signSeed.fill(0);
    boxSecret.fill(0);
    for (const { key } of epochKeys) key.fill(0);
  }
}

function nameOf(key: VaultEpochKey): string {
  return `${key.vault}/${key.epoch}`;
}

function wrongUnlockKey(): PersonError {
  return new PersonError(
    'refused',
    "the unlock key does not open this device's keys",
    'Unlock with the password, or run `coffre login` to make this a new device.',
  );
}
