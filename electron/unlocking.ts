/**
 * What opens the keys of this device when its engine starts: the key in the OS keychain, or, after a crash of the
 * engine, the password that the person gave since the app started. That one is in memory alone, and only where no
 * keychain holds a key: a crash should not ask the person for anything.
 */
import type { ControlMethod } from '../protocol/control.ts';
import { PersonError } from '../protocol/errors.ts';
import type { ControlClient } from '../sync-engine/client/client.ts';
import type { Keychain } from './keychain.ts';

export class Unlocking {
  readonly #keychain: Pick<Keychain, 'isSafe' | 'stored'>;
  #password: string | null = null;

  constructor(keychain: Pick<Keychain, 'isSafe' | 'stored'>) {
    this.#keychain = keychain;
  }

  /** What cannot be opened here the person opens with the password. */
  async unlock(engine: Pick<ControlClient, 'call'>): Promise<void> {
    const unlockKey = await this.#keychain.stored();
    if (unlockKey !== null && (await opens(engine, { unlockKey }))) return;
    if (this.#password !== null) await opens(engine, { password: this.#password });
  }

  /** After a call of the window went well. */
  async done(method: ControlMethod, params: unknown): Promise<void> {
    if (method === 'logout' || method === 'account.delete') this.#password = null;
    const given = passwordAfter(method, params);
    if (given !== null && !(await this.#keychain.isSafe())) this.#password = given;
  }
}

async function opens(
  engine: Pick<ControlClient, 'call'>,
  secret: { unlockKey: string } | { password: string },
): Promise<boolean> {
  try {
    await engine.call('unlock', secret);
    return true;
  } catch (error) {
    if (error instanceof PersonError) return false;
    throw error;
  }
}

/** The password that locks the key file once the call is done; null when it does not change that. */
function passwordAfter(method: ControlMethod, params: unknown): string | null {
  const given = params as { readonly password?: unknown; readonly newPassword?: unknown };
  const password =
    method === 'signup' || method === 'claim' || method === 'login' || method === 'unlock'
      ? given.password
      : method === 'password' || method === 'recover'
        ? given.newPassword
        : null;
  return typeof password === 'string' ? password : null;
}
