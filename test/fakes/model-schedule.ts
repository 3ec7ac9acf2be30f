/** Plans and executes a model world in rounds, as busy and as unlucky as a seed says. */
import type { ContentId } from '../../protocol/ids.ts';
import type { PlanOptions } from '../../sync-engine/plan/operation.ts';
import { plan } from '../../sync-engine/plan/plan.ts';
import type { ModelWorld } from './model-world.ts';

export const OPTIONS: PlanOptions = { deviceName: 'laptop', date: '2026-01-31' };
const MAX_ROUNDS = 200;

/** What stands between a plan and its being done: nothing; a stop at some operation; any operation failing. */
export type Trouble = 'none' | 'stops' | 'drops';

export class Schedule {
  readonly #on: ModelWorld;
  readonly #next: () => number;
  readonly #trouble: Trouble;
  readonly #account = new Set<ContentId>();

  constructor(on: ModelWorld, seed: number, trouble: Trouble) {
    this.#on = on;
    this.#next = chance(seed);
    this.#trouble = trouble;
  }

  rounds(count: number): void {
    for (let round = 0; round < count && this.#on.dirty.size > 0; round++) {
      const share = this.#next() < 0.4 ? 1 : this.#next();
      const batch = [...this.#on.dirty].filter(() => this.#next() < share);
      this.#shuffle(batch);
      const { operations, clean } = plan(this.#on, batch, OPTIONS);
      for (const id of clean) this.#on.dirty.delete(id);
      const stop = this.#trouble === 'stops' && this.#next() < 0.5 ? this.#next() : 1;
      const drops = this.#trouble === 'drops' ? 0.3 : 0;
      const before = [...this.#on.onDisk.values()];
      this.#on.execute(operations.slice(0, Math.ceil(stop * operations.length)), () => this.#next() < drops);
      this.#expectKept(before);
    }
  }

  settle(): void {
    this.rounds(MAX_ROUNDS);
    if (this.#on.dirty.size > 0) {
      throw new Error(`dirty after ${MAX_ROUNDS} rounds: ${[...this.#on.dirty].join()}`);
    }
  }

  /** Whatever left the disk in this round is in the local trash, or the account has it or once had it. */
  #expectKept(before: readonly ContentId[]): void {
    const { remote, onDisk, removed, unseen } = this.#on;
    for (const { content } of remote.all()) if (content !== null) this.#account.add(content);
    const held = new Set(onDisk.values());
    for (const content of before) {
      if (held.has(content) || removed.has(content) || unseen.has(content)) continue;
      if (!this.#account.has(content)) throw new Error(`lost on the way: content ${content}`);
    }
  }

  #shuffle(items: unknown[]): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = Math.floor(this.#next() * (last + 1));
      [items[last], items[other]] = [items[other], items[last]];
    }
  }
}

/** mulberry32 */
function chance(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
