/**
 * Whether the account is full. Then what adds bytes waits, and is tried again after a wait that grows with each
 * refusal, or as soon as the account is heard to have more room than when it refused.
 */
import type { PairId } from '../manifest/manifest.ts';
import type { QuotaState } from './commit-queue.ts';
import type { IssueBoard } from './issue-board.ts';
import type { Clock, RandomSource } from './ports.ts';

const FIRST_RETRY_MS = 15_000;
const MOST_RETRY_MS = 5 * 60_000;

export interface QuotaWaitParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly issues: Pick<IssueBoard, 'raise' | 'clear'>;
  readonly pairs: () => Iterable<PairId>;
  /** It became full, is tried again, or has room. */
  readonly changed: () => void;
}

export class QuotaWait {
  readonly #parts: QuotaWaitParts;
  #state: QuotaState | null = null;
  #refusals = 0;
  #untilMs = 0;
  /** Pairs in which something may wait for room. */
  #waiting = new Set<PairId>();

  constructor(parts: QuotaWaitParts) {
    this.#parts = parts;
  }

  /** What the server said last; null while nothing waits for room. */
  get state(): QuotaState | null {
    return this.#state;
  }

  /** Nothing that adds bytes is tried now. */
  get isFull(): boolean {
    return this.#state !== null && !this.isTrying;
  }

  /** What waited may be tried again. */
  get isTrying(): boolean {
    return this.#state !== null && this.#parts.clock.monotonicMs() >= this.#untilMs;
  }

  /** How long until it is tried again. */
  get waitMs(): number {
    return Math.max(0, this.#untilMs - this.#parts.clock.monotonicMs());
  }

  /** The server refused. */
  refused(state: QuotaState): void {
    const { clock, random, issues, pairs, changed } = this.#parts;
    // What was under way when it became full is refused too, and says nothing new.
    if (!this.isFull) {
      const wait = Math.min(MOST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#refusals, 10));
      this.#untilMs = clock.monotonicMs() + wait * (0.75 + random.fraction() / 2);
      this.#refusals += 1;
      this.#waiting = new Set(pairs());
    }
    this.#state = state;
    issues.raise(null, null, 'quota', '');
    changed();
  }

  /** The server took content. What was under way when it became full does not count. */
  took(): void {
    if (this.isTrying) this.#hasRoom();
  }

  /** The account as it is now: more room than when it refused is worth another try. */
  heard(usedBytes: number, limitBytes: number): void {
    const state = this.#state;
    if (state === null || limitBytes - usedBytes <= state.limitBytes - state.usedBytes) return;
    this.#state = { ...state, usedBytes, limitBytes };
    this.retryNow();
  }

  retryNow(): void {
    if (this.#state === null) return;
    this.#untilMs = 0;
    this.#parts.changed();
  }

  waits(pair: PairId): void {
    if (this.#state !== null) this.#waiting.add(pair);
  }

  /** Nothing of the pair waits for room. */
  waitsNoMore(pair: PairId): void {
    if (this.#state === null) return;
    this.#waiting.delete(pair);
    if (this.#waiting.size === 0) this.#hasRoom();
  }

  #hasRoom(): void {
    this.#state = null;
    this.#refusals = 0;
    this.#waiting.clear();
    this.#parts.issues.clear(null, null, 'quota');
    this.#parts.changed();
  }
}
