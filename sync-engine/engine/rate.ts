/** Bytes a second over the last few seconds, and the total. */
import type { Clock } from './ports.ts';

const WINDOW_MS = 3000;

export class Rate {
  total = 0;
  readonly #clock: Clock;
  #samples: { atMs: number; bytes: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(bytes: number): void {
    this.total += bytes;
    this.#samples.push({ atMs: this.#clock.monotonicMs(), bytes });
    if (this.#samples.length > 256) this.#trim();
  }

  #trim(): void {
    const from = this.#clock.monotonicMs() - WINDOW_MS;
    this.#samples = this.#samples.filter((sample) => sample.atMs >= from);
  }

  perSecond(): number {
    this.#trim();
    let bytes = 0;
    for (const sample of this.#samples) bytes += sample.bytes;
    return Math.round((bytes * 1000) / WINDOW_MS);
  }
}
