/** What the account's flows take from the world. Tests own the time and make the key stretching cheap. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { UNLOCK_COST } from '../crypto/key-file.ts';
import { PASSWORD_COST, type StretchingCost } from '../crypto/password.ts';
import { secureRandom, type Random } from '../crypto/random.ts';
import { CloudError } from '../remote/cloud.ts';
import { BackOff } from '../remote/back-off.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from '../remote/exchange.ts';

export interface AccountTools {
  readonly random: Random;
  /** Wall clock, ms since 1970: for people to read. */
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Argon2id over the password; never taken from a server. */
  readonly passwordCost: StretchingCost;
  /** Argon2id over the passphrase of the key file. */
  readonly unlockCost: StretchingCost;
  readonly timeouts: Timeouts;
}

export function realTools(): AccountTools {
  return {
    random: secureRandom,
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: async (ms) => {
      await sleep(ms);
    },
    passwordCost: PASSWORD_COST,
    unlockCost: UNLOCK_COST,
    timeouts: DEFAULT_TIMEOUTS,
  };
}

const ATTEMPTS = 3;
/** The server is there and says that it cannot answer now: it is being restarted, which takes some seconds. */
const ATTEMPTS_OF_RESTART = 6;
const PASSING: ReadonlySet<string> = new Set(['offline', 'unavailable', 'internal']);

/** True for a fault that may be gone in a moment, the request's effect unknown. */
export function isPassing(error: unknown): error is CloudError {
  return error instanceof CloudError && PASSING.has(error.fault);
}

/**
 * Runs a request that is safe to repeat: three times at most, or for some six seconds while the server says that it
 * cannot answer now. A person waits for it, so the waits are short.
 */
export async function insist<T>(
  tools: AccountTools,
  work: () => Promise<T>,
  /** Hears of every failed attempt that leaves its effect unknown. */
  lost: (error: CloudError) => void = () => undefined,
): Promise<T> {
  const fraction = (): number => (tools.random(1)[0] ?? 0) / 256;
  const backOff = new BackOff({ fraction, firstMs: 250, mostMs: 2000 });
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      lost(error);
      const most = error.fault === 'unavailable' ? ATTEMPTS_OF_RESTART : ATTEMPTS;
      if (backOff.failures + 1 >= most) throw error;
      await tools.sleep(backOff.next(error.retryAfterS === null ? null : Math.min(error.retryAfterS, 5)));
    }
  }
}
