/**
 * Time as a queue of events. It moves only when everything that could still run has run, so a run is the same
 * each time however slow the machine is.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../sync-engine/engine/ports.ts';

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** More events than this without time moving on is a loop that never waits. */
const MAX_AT_ONCE = 20_000;

/** Something in the world goes round without getting anywhere. */
class Spinning extends Error {
  override readonly name = 'Spinning';
}

export class VirtualTime {
  /** Ms since the world began. */
  nowMs = 0;
  events = 0;
  /** A binary heap: the earliest first, and of equals the one scheduled first. */
  readonly #heap: Scheduled[] = [];
  readonly #waiting = new Set<() => void>();
  #order = 0;
  #atOnce = 0;

  /** Runs `run` in `ms`; the answer takes it back. */
  in(ms: number, run: () => void): () => void {
    let wanted = true;
    this.#order += 1;
    this.#push({
      atMs: this.nowMs + Math.max(0, ms),
      order: this.#order,
      run: () => {
        if (wanted) run();
      },
    });
    return () => {
      wanted = false;
    };
  }

  /** `letGo` is called if time ends before the answer is. */
  waits(letGo: () => void): () => void {
    this.#waiting.add(letGo);
    return () => {
      this.#waiting.delete(letGo);
    };
  }

  /** Time ends here. What listens to a signal would otherwise be kept for ever, and the whole world with it. */
  async end(): Promise<void> {
    for (const letGo of this.#waiting) letGo();
    this.#waiting.clear();
    this.#heap.length = 0;
    await this.#settle();
  }

  /** Lets time run on for so long. @throws Spinning */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await this.#settle();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.#atOnce = next.atMs > this.nowMs ? 0 : this.#atOnce + 1;
      if (this.#atOnce > MAX_AT_ONCE) throw new Spinning('the world spins without time passing');
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.events += 1;
      next.run();
      await this.#settle();
    }
    this.nowMs = untilMs;
  }

  /** All promises that can go on have gone on; twice, as some work gives way to other turns now and then. */
  async #settle(): Promise<void> {
    await nextTurn();
    await nextTurn();
  }

  #push(item: Scheduled): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (isBefore(heap[above], item)) break;
      heap[at] = heap[above] ?? item;
      at = above;
    }
    heap[at] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below += 1;
      if (isBefore(last, heap[below])) break;
      heap[at] = heap[below] ?? last;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(one: Scheduled | undefined, other: Scheduled | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/**
 * A clock over virtual time.
 * @param wallMs what its wall clock shows when the world begins; devices disagree about it
 * @param isDead a sleep of one that is dead never ends
 */
export function virtualClock(time: VirtualTime, wallMs: number, isDead: () => boolean = () => false): Clock {
  return {
    nowMs: () => Math.floor(wallMs + time.nowMs),
    monotonicMs: () => time.nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const end = (): void => {
          takeBack();
          isOver();
          signal?.removeEventListener('abort', end);
          if (!isDead()) resolve();
        };
        const takeBack = time.in(ms, end);
        signal?.addEventListener('abort', end, { once: true });
        const isOver = time.waits(() => signal?.removeEventListener('abort', end));
      }),
  };
}
