/**
 * Where the unlock key of a device comes from: the OS keychain (the app hands the 32 bytes over), or the key
 * file and its passphrase, which is the account's password unless changed. There is no plaintext fallback.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openUnlockKey, wrapUnlockKey } from '../crypto/key-file.ts';
import { PersonError } from '../../protocol/errors.ts';
import { isErrno } from './durable-file.ts';
import { damaged, type Home, type HomeConfig } from './home.ts';
import { stretchApart } from './password-thread.ts';
import type { AccountTools } from './tools.ts';

export type UnlockWith =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  /** 32 bytes. */
  | { readonly kind: 'keychain'; readonly unlockKey: Uint8Array };

/** @throws PersonError refused (wrong passphrase), locked (no key file to open), home-damaged */
export async function unlockKeyOf(
  home: Home,
  config: HomeConfig,
  unlock: UnlockWith,
  tools: AccountTools,
): Promise<Uint8Array> {
  if (unlock.kind === 'keychain') return unlock.unlockKey;
  if (config.lock === 'keychain') {
    throw new PersonError(
      'locked',
      "this device's keys are held by the keychain of the operating system",
      'Start the Coffre app once, or run `coffre login` to make this a new device locked with a password.',
    );
  }
  const bytes = await home.readIdentity(config.device, 'key-file');
  const opened = await openUnlockKey(bytes, unlock.passphrase, tools.unlockCost, stretchApart);
  if (opened.ok) return opened.unlockKey;
  if (opened.fault !== 'wrong-passphrase') throw damaged(`its key file does not read (${opened.fault})`);
  throw new PersonError(
    'refused',
    'the password does not open the key file of this device',
    'If the account password was changed on another device, the one before still opens it here; or run `coffre login`.',
  );
}

/** Another passphrase for the same unlock key. */
export async function relockKeyFile(
  home: Home,
  config: HomeConfig,
  unlockKey: Uint8Array,
  passphrase: string,
  tools: AccountTools,
): Promise<void> {
  const bytes = await wrapUnlockKey(unlockKey, passphrase, tools.random, tools.unlockCost, stretchApart);
  await home.writeIdentity(config.device, 'key-file', bytes);
}

/**
 * The passphrase a headless machine was given: COFFRE_PASSWORD, or the systemd credential `coffre-password`.
 * Null when there is none: the engine then waits, locked.
 */
export async function passphraseFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const given = environment['COFFRE_PASSWORD'];
  if (given !== undefined && given !== '') return given;
  const folder = environment['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || folder === '') return null;
  try {
    const text = (await readFile(join(folder, 'coffre-password'), 'utf8')).replace(/\r?\n$/, '');
    return text === '' ? null : text;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
