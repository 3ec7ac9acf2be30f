import { describe, expect, it } from 'vitest';
import type { SealedKey } from './app-file.ts';
import { Keychain, type KeyPlace, type SafeStorage } from './keychain.ts';

function placeOf(unlockKey: SealedKey | null = null): KeyPlace & { unlockKey: SealedKey | null } {
  return {
    unlockKey,
    keepUnlockKey(key) {
      this.unlockKey = key;
    },
  };
}

/** A keychain with a secret: what another one sealed it does not open. */
function storage(secret: string, backend = 'gnome_libsecret'): SafeStorage {
  return {
    isEncryptionAvailable: () => true,
    encryptString: (text) => Buffer.from(secret + text),
    decryptString: (sealed) => {
      const text = sealed.toString();
      if (!text.startsWith(secret)) throw new Error('it does not open');
      return text.slice(secret.length);
    },
    getSelectedStorageBackend: () => backend,
  };
}

function asynchronous(of: SafeStorage, shouldReEncrypt = false): SafeStorage {
  return {
    isAsyncEncryptionAvailable: async () => true,
    encryptStringAsync: async (text) => of.encryptString!(text),
    decryptStringAsync: async (sealed) => ({ result: of.decryptString!(sealed), shouldReEncrypt }),
    getSelectedStorageBackend: () => 'gnome_libsecret',
  };
}

describe.each([
  ['at once', (secret: string) => storage(secret)],
  ['later', (secret: string) => asynchronous(storage(secret))],
])('a keychain that answers %s', (_, make) => {
  it('keeps one key of 32 bytes and gives it back after a restart', async () => {
    const place = placeOf();
    const key = await new Keychain(make('k1'), place, 'linux').forEnrolment();
    expect(Buffer.from(key!, 'base64')).toHaveLength(32);
    expect(place.unlockKey?.backend).toBe('gnome_libsecret');
    const again = new Keychain(make('k1'), place, 'linux');
    expect(await again.stored()).toBe(key);
    expect(await again.forEnrolment()).toBe(key);
  });

  it('gives nothing when another keychain sealed it, and does not throw', async () => {
    const place = placeOf();
    await new Keychain(make('k1'), place, 'linux').forEnrolment();
    expect(await new Keychain(make('k2'), place, 'linux').stored()).toBeNull();
  });
});

describe('Electron 25, which does not name its keychain', () => {
  it('is believed that it has one, which nothing newer is', async () => {
    const { getSelectedStorageBackend: _, ...nameless } = storage('k1');
    expect(await new Keychain(nameless, placeOf(), 'linux').isSafe()).toBe(true);
    const { getSelectedStorageBackend: _name, ...newer } = asynchronous(nameless);
    expect(await new Keychain(newer, placeOf(), 'linux').isSafe()).toBe(false);
  });
});

describe('a system without a safe keychain', () => {
  it.each(['basic_text', 'unknown'])('keeps nothing (%s)', async (backend) => {
    const place = placeOf();
    const keychain = new Keychain(storage('k', backend), place, 'linux');
    expect(await keychain.isSafe()).toBe(false);
    expect(await keychain.forEnrolment()).toBeNull();
    expect(place.unlockKey).toBeNull();
  });

  it('is one that says so, or says nothing', async () => {
    expect(await new Keychain({ isEncryptionAvailable: () => false }, placeOf(), 'darwin').isSafe()).toBe(
      false,
    );
    expect(await new Keychain({}, placeOf(), 'win32').isSafe()).toBe(false);
  });
});

it('seals again what the keychain calls old', async () => {
  const place = placeOf();
  const key = await new Keychain(asynchronous(storage('k')), place, 'linux').forEnrolment();
  place.keepUnlockKey({ ...place.unlockKey!, backend: 'before' });
  expect(await new Keychain(asynchronous(storage('k'), true), place, 'linux').stored()).toBe(key);
  expect(place.unlockKey?.backend).toBe('gnome_libsecret');
});
