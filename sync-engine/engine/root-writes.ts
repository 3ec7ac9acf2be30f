/**
 * Whether the folder itself takes writes. Asked when a write in it was refused: on a medium that is read-only all of
 * them would be, and one issue of the folder says more than one of each file. What changes here still goes to the
 * account; what comes from elsewhere waits.
 */
import type { PairDisk } from './pair-disk.ts';
import type { Clock } from './ports.ts';

/** It is not asked more often. */
const ASK_MS = 5000;

export interface RootWritesParts {
  readonly disk: Pick<PairDisk, 'check'>;
  readonly clock: Clock;
  readonly refused: () => void;
  readonly takesThemAgain: () => void;
}

export class RootWrites {
  readonly #parts: RootWritesParts;
  /** When it was last found to take none; null when it takes them, as far as is known. */
  #refusedAtMs: number | null = null;

  constructor(parts: RootWritesParts) {
    this.#parts = parts;
  }

  get isRefused(): boolean {
    return this.#refusedAtMs !== null;
  }

  /** A person asks: it is asked at the next look. */
  lookAnew(): void {
    if (this.#refusedAtMs !== null) this.#refusedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** A write was refused in it. */
  takesWrites(): boolean {
    if (this.#isFresh) return false;
    if (this.#parts.disk.check(true).state !== 'read-only') return true;
    this.#refusedAtMs = this.#parts.clock.monotonicMs();
    this.#parts.refused();
    return false;
  }

  /** Time has passed: where it took none, it is asked again. */
  look(): void {
    if (this.#refusedAtMs === null || this.#isFresh) return;
    if (this.#parts.disk.check(true).state === 'read-only') {
      this.#refusedAtMs = this.#parts.clock.monotonicMs();
      return;
    }
    this.#refusedAtMs = null;
    this.#parts.takesThemAgain();
  }

  get #isFresh(): boolean {
    return this.#refusedAtMs !== null && this.#parts.clock.monotonicMs() - this.#refusedAtMs < ASK_MS;
  }
}
