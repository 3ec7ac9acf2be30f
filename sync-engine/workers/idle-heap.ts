/**
 * Gives garbage back while nothing is to be done. V8 collects when something is allocated, and an idle engine
 * allocates nothing: after 10,000 files it would hold a hundred MiB of garbage until the next day's work.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MIB } from '../../protocol/limits.ts';

/** Less is not worth the pause of a full collection, some tens of milliseconds. What a start leaves is more. */
const LEAST_BYTES = 24 * MIB;
/** How much more than after the last collection the heap must hold to be collected again. */
const GROWTH = 1.5;

type Collector = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Of the thread it is used in. */
export class IdleHeap {
  #fromBytes = LEAST_BYTES;
  #collect: Collector | null = null;

  /**
   * Collects if that may be worth it. Returns whether it did.
   * @param sharedBytes memory shared between threads that may be garbage by now: V8 does not count it
   */
  tidy(sharedBytes = 0): boolean {
    if (heldBytes() + sharedBytes < this.#fromBytes) return false;
    this.#collect ??= collector();
    // A plain collection keeps the young generation as it is, up to 48 MiB.
    this.#collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    this.#fromBytes = Math.max(LEAST_BYTES, heldBytes() * GROWTH);
    return true;
  }
}

function heldBytes(): number {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** The function that Node offers under a flag, which is not set at the start of the process. */
function collector(): Collector {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collector;
}
