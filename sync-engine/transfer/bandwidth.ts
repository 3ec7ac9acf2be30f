/** A limit on bytes per second, as a token bucket. Off unless the person sets one. */

/** The engine's clock, as far as this needs it. */
export interface BandwidthClock {
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What may pass at once after a pause: a quarter of a second's worth, so that a limit is felt as a rate. */
const BURST_MS = 250;

export class Bandwidth {
  readonly #clock: BandwidthClock;
  #bytesPerSecond: number | null;
  /** Bytes that may pass; below zero while those that passed are paid for. */
  #balance: number;
  #balanceAtMs: number;

  /** @param bytesPerSecond null for no limit */
  constructor(clock: BandwidthClock, bytesPerSecond: number | null = null) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#balance = 0;
    this.#balanceAtMs = clock.monotonicMs();
  }

  /** Takes effect for whoever takes next. */
  set(bytesPerSecond: number | null): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#balance = 0;
    this.#balanceAtMs = this.#clock.monotonicMs();
  }

  /**
   * Resolves when the bytes may pass, or at once when the signal aborts. More than a burst is let through and
   * paid for by whoever comes next, so a single large piece is never stuck.
   */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const rate = this.#bytesPerSecond;
    if (rate === null) return;
    const now = this.#clock.monotonicMs();
    const earned = ((now - this.#balanceAtMs) * rate) / 1000;
    this.#balance = Math.min((rate * BURST_MS) / 1000, this.#balance + earned) - bytes;
    this.#balanceAtMs = now;
    if (this.#balance < 0) await this.#clock.sleep((-this.#balance * 1000) / rate, signal);
  }
}
