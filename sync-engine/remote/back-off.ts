/** Exponential back-off with full jitter: many devices that lost one server come back spread out. */

export interface BackOffOptions {
  /** In [0, 1); injected. */
  readonly fraction: () => number;
  /** Bound of the first wait, in ms. */
  readonly firstMs?: number;
  /** Bound of every wait, in ms. */
  readonly mostMs?: number;
}

/** A server that asks for more than this is asked again anyway. */
const MOST_ASKED_S = 3600;

export class BackOff {
  readonly #fraction: () => number;
  readonly #firstMs: number;
  readonly #mostMs: number;
  #failures = 0;

  constructor({ fraction, firstMs = 1000, mostMs = 60_000 }: BackOffOptions) {
    this.#fraction = fraction;
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Counts a failure; the wait before the next attempt, in ms.
   * @param retryAfterS what the server asked for: the wait is never shorter, and spread upwards
   */
  next(retryAfterS: number | null = null): number {
    const bound = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    const jittered = Math.floor(this.#fraction() * bound);
    const askedMs = retryAfterS === null ? 0 : Math.min(Math.max(retryAfterS, 0), MOST_ASKED_S) * 1000;
    return askedMs + jittered;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
