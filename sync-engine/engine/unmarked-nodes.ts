/**
 * The safety net under the marks. Whatever changes a row marks its node in the same transaction, so that nothing
 * but the dirty nodes is ever planned; a node that differs and is not marked would stay different for good, with
 * the pair "in sync". After each full scan that was asked for, and every hour, all rows are held against each
 * other, and what is found is marked and counted: the count is a defect, and tests expect none.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { Manifest, PairStore } from '../manifest/manifest.ts';
import type { Trees } from '../plan/tree.ts';
import type { Clock } from './ports.ts';

/** Larger pairs are looked at in 256 parts, for the control thread has others to answer. */
const MANY = 5000;
const MOST_MS = 10;

export interface UnmarkedParts {
  readonly pair: PairStore;
  readonly manifest: Manifest;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly trees: () => Trees;
  /** Of some nodes those that a plan finds in order. */
  readonly clean: (nodes: readonly NodeId[]) => readonly NodeId[];
}

export class UnmarkedNodes {
  readonly #parts: UnmarkedParts;

  constructor(parts: UnmarkedParts) {
    this.#parts = parts;
  }

  /** Marks what nothing marked. @returns how many there were */
  async mark(): Promise<number> {
    const { pair, manifest, clock, signal } = this.#parts;
    const bytes = pair.localCount() > MANY ? 1 : 256;
    let found = 0;
    let beganMs = clock.monotonicMs();
    for (let first = 0; first < 256 && !signal.aborted; first += bytes) {
      found += manifest.transaction(() => this.#markIn(first, first + bytes - 1));
      if (clock.monotonicMs() - beganMs < MOST_MS) continue;
      await clock.sleep(0, signal);
      beganMs = clock.monotonicMs();
    }
    return found;
  }

  #markIn(first: number, last: number): number {
    const { pair, trees, clean } = this.#parts;
    const candidates = pair.unmarked(first, last);
    if (candidates.length === 0) return 0;
    const now = trees();
    const wanted = candidates.filter((id) => now.excluded(id) === null);
    const inOrder = new Set(clean(wanted));
    const lost = wanted.filter((id) => !inOrder.has(id));
    for (const id of lost) pair.markDirty(id);
    return lost.length;
  }
}
