/**
 * Brings chunks by id: asks where they lie, reads the packs in few ranges, opens and verifies. A few reads are
 * under way at a time, which bounds memory; issuing waits for a free place.
 */
import type { ChunkId, PackName } from '../../protocol/ids.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { chunkOf, openSealedSegment } from './open.ts';
import { planRanges, type PlannedRange } from './range-plan.ts';
import type { ChunkLocation, LocatedChunk } from './sealing-jobs.ts';
import type { Stop } from './stop.ts';

/** Reads under way. With MAX_RANGE_BYTES: what a fetch holds in memory. */
const MAX_READS = 4;
/** Chunks located at once. */
const LOCATE_BATCH = 4096;

export type ReadFault = 'corrupt' | 'missing' | 'offline';

export type ChunkOutcome =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly why: ReadFault; readonly pack: PackName | null };

export type RangeAnswer =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly why: ReadFault };

/** A chunk that what follows cannot do without is not to be had. */
export class ChunkUnreadable extends Error {
  override readonly name = 'ChunkUnreadable';
  readonly why: ReadFault;
  readonly pack: PackName | null;

  constructor(why: ReadFault, pack: PackName | null) {
    super(why);
    this.why = why;
    this.pack = pack;
  }
}

/** What the control thread answers. */
export interface ReadHooks {
  /** In the order asked; null for a chunk that no pack holds. */
  locate(chunks: readonly ChunkId[]): Promise<readonly (ChunkLocation | null)[]>;
  /** Bytes [start, end) of a pack; fewer where it ends before. */
  range(pack: PackName, start: number, end: number): Promise<RangeAnswer>;
}

/** Called once for each chunk wanted, in any order. `bytes` are good until it returns. */
export type Take = (id: ChunkId, outcome: ChunkOutcome) => void;

export class ChunkReader {
  readonly #keys: VaultKeys;
  readonly #hooks: ReadHooks;
  readonly #stop: Stop;
  readonly #afterRange: () => Promise<void>;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];
  /** Once the account is out of reach, what is left fails without a try of its own. */
  #offline = false;

  constructor(keys: VaultKeys, hooks: ReadHooks, stop: Stop, afterRange: () => Promise<void>) {
    this.#keys = keys;
    this.#hooks = hooks;
    this.#stop = stop;
    this.#afterRange = afterRange;
  }

  /**
   * Resolves when all reads are under way; `done` when every chunk was taken. Both reject with what a hook or
   * `take` threw.
   */
  async issue(wanted: readonly ChunkId[], take: Take): Promise<{ readonly done: Promise<void> }> {
    const located: LocatedChunk[] = [];
    for (let from = 0; from < wanted.length; from += LOCATE_BATCH) {
      const ids = wanted.slice(from, from + LOCATE_BATCH);
      const locations = await this.#hooks.locate(ids);
      if (locations.length !== ids.length) throw new Error('an answer for each chunk is needed');
      for (const [index, id] of ids.entries()) {
        const location = locations[index] ?? null;
        if (location === null) take(id, { ok: false, why: 'missing', pack: null });
        else located.push({ ...location, id });
      }
    }
    const reads: Promise<void>[] = [];
    for (const range of planRanges(located)) {
      await this.#enter();
      const read = this.#read(range, take).finally(() => {
        this.#leave();
      });
      read.catch(() => undefined); // seen through `done`
      reads.push(read);
      this.#stop.throwIfAborted();
    }
    const done = Promise.all(reads).then(() => undefined);
    done.catch(() => undefined); // the caller awaits it later
    return { done };
  }

  async #read(range: PlannedRange, take: Take): Promise<void> {
    const { pack, start, end, segments } = range;
    const answer: RangeAnswer = this.#offline
      ? { ok: false, why: 'offline' }
      : await this.#hooks.range(pack, start, end);
    this.#stop.throwIfAborted();
    if (!answer.ok && answer.why === 'offline') this.#offline = true;
    for (const segment of segments) {
      if (!answer.ok) {
        for (const { id } of segment.chunks) take(id, { ok: false, why: answer.why, pack });
        continue;
      }
      const at = segment.offset - start;
      const sealed = answer.bytes.subarray(at, at + segment.length);
      const plaintext =
        sealed.length === segment.length ? openSealedSegment(this.#keys, segment.epoch, sealed) : null;
      for (const chunk of segment.chunks) {
        const bytes = plaintext === null ? null : chunkOf(this.#keys, plaintext, chunk.id, chunk);
        take(chunk.id, bytes === null ? { ok: false, why: 'corrupt', pack } : { ok: true, bytes });
      }
    }
    await this.#afterRange();
  }

  async #enter(): Promise<void> {
    if (this.#reading >= MAX_READS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve)); // the place is handed over
    } else {
      this.#reading += 1;
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#reading -= 1;
    else next();
  }
}
