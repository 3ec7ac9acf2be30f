/** Whether the account is full, and when to try again. */
import type { QuotaState } from './commit-queue.ts';
import type { IssueBoard } from './issue-board.ts';
import type { Clock } from './ports.ts';

const RETRY_MS = 60_000;

export class QuotaWait {
  readonly #clock: Clock;
  readonly #issues: IssueBoard;
  readonly #changed: () => void;
  #state: QuotaState | null = null;
  #untilMs = 0;

  constructor(clock: Clock, issues: IssueBoard, changed: () => void) {
    this.#clock = clock;
    this.#issues = issues;
    this.#changed = changed;
  }

  /** What the server said last; null while there is room. */
  get state(): QuotaState | null {
    return this.#state;
  }

  /** The server said that the account is full, or took something. */
  set(state: QuotaState | null): void {
    const wasFull = this.#state !== null;
    this.#state = state;
    if (state !== null) {
      this.#untilMs = this.#clock.monotonicMs() + RETRY_MS;
      this.#issues.raise(null, null, 'quota', '');
    } else if (wasFull) this.#issues.clear(null, null, 'quota');
    if (wasFull !== (state !== null)) this.#changed();
  }

  retryNow(): void {
    this.#untilMs = 0;
  }

  /** How long until it is tried again; null when there is room. */
  get waitMs(): number | null {
    return this.#state === null ? null : Math.max(0, this.#untilMs - this.#clock.monotonicMs());
  }
}
