/**
 * Which dirty nodes are planned next: what the lanes gave back at once, everything else page by page, oldest
 * first, passing over what is under way.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { PairStore } from '../manifest/manifest.ts';
import type { Clock } from './ports.ts';

/** Nodes planned at a time; enough to fill the lanes, few enough to stay responsive. */
const PLAN_BATCH = 4000;
/**
 * While content moves, the dirty nodes are swept anew no sooner than this, nor before ten times what the last
 * sweep took: most are busy, and passing over 100,000 of them at every wake was half of an upload's work.
 */
const SWEEP_MS = 1000;
const SWEEP_SHARE = 10;

export interface DirtySweepParts {
  readonly pair: PairStore;
  readonly clock: Clock;
  /** Whether a lane or a commit has the node. */
  readonly isUnderWay: (id: NodeId) => boolean;
  /** Whether content moves at all. */
  readonly isBusy: () => boolean;
}

export class DirtySweep {
  readonly #parts: DirtySweepParts;
  readonly #returned = new Set<NodeId>();
  #cursor = 0;
  /** A batch was planned since the sweep over the dirty nodes began. */
  #progressed = false;
  #sweep = { beganMs: Number.NEGATIVE_INFINITY, tookMs: 0 };

  constructor(parts: DirtySweepParts) {
    this.#parts = parts;
  }

  /** A lane is done with the node: it is planned first, without a sweep. */
  giveBack(id: NodeId): void {
    this.#returned.add(id);
  }

  /** The next dirty nodes that no lane is busy with; after the last page it begins anew at a later call. */
  next(): NodeId[] {
    const returned = this.#takeReturned();
    if (returned.length > 0) return returned;
    const { clock } = this.#parts;
    const beganMs = clock.monotonicMs();
    try {
      return this.#sweepOn(beganMs);
    } finally {
      this.#sweep.tookMs += clock.monotonicMs() - beganMs;
    }
  }

  #takeReturned(): NodeId[] {
    const { pair, isUnderWay } = this.#parts;
    const free: NodeId[] = [];
    for (const id of this.#returned) {
      if (free.length >= PLAN_BATCH) break;
      this.#returned.delete(id);
      if (!isUnderWay(id) && pair.isDirty(id)) free.push(id);
    }
    return free;
  }

  #sweepOn(nowMs: number): NodeId[] {
    const { pair, clock, isUnderWay, isBusy } = this.#parts;
    for (;;) {
      const { ids, cursor } = pair.dirty(PLAN_BATCH, this.#cursor, clock.nowMs());
      if (ids.length === 0) {
        const isStart = this.#cursor === 0;
        const { beganMs, tookMs } = this.#sweep;
        // Only what was marked again waits; what is newly marked stands behind the cursor and was just asked for.
        if (isBusy() && nowMs - beganMs < Math.max(SWEEP_MS, SWEEP_SHARE * tookMs)) return [];
        this.#cursor = 0;
        this.#sweep = { beganMs: nowMs, tookMs: 0 };
        if (isStart || !this.#progressed) return [];
        this.#progressed = false;
        continue;
      }
      this.#cursor = cursor;
      const free = ids.filter((id) => !isUnderWay(id));
      if (free.length === 0) continue;
      this.#progressed = true;
      return free;
    }
  }
}
