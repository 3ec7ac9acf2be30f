/** An amount a second over the last few seconds, and the total. */
import type { Clock } from './ports.ts';

const SLOT_MS = 250;

export class Rate {
  total = 0;
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #slots: { at: number; amount: number }[] = [];

  constructor(clock: Clock, windowMs = 3000) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  add(amount: number): void {
    this.total += amount;
    const at = Math.floor(this.#clock.monotonicMs() / SLOT_MS);
    const last = this.#slots.at(-1);
    if (last?.at === at) last.amount += amount;
    else {
      this.#slots.push({ at, amount });
      this.#trim();
    }
  }

  #trim(): void {
    const from = Math.floor((this.#clock.monotonicMs() - this.#windowMs) / SLOT_MS);
    while ((this.#slots[0]?.at ?? from) < from) this.#slots.shift();
  }

  perSecond(): number {
    this.#trim();
    let amount = 0;
    for (const slot of this.#slots) amount += slot.amount;
    return (amount * 1000) / this.#windowMs;
  }
}
