/**
 * What time does to an account: superseded records, dropped packs and uploads nobody committed go once their
 * time is over, in small batches so that requests pass in between. A pack is marked `deleting` first, its
 * bytes are removed, then it is forgotten: a stop anywhere in between is continued at the next run. Once a day all
 * blobs are looked through for those that nothing names, left by uploads that never ended.
 */
import { DAY_MS, UNCOMMITTED_MS } from '../../protocol/limits.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { UPLOAD_MS } from './pack-state.ts';

const BATCH = 200;
/** At a time: a store in the network takes its time for each. */
const REMOVALS = 16;
/** Blobs looked at in one run: the next one goes on behind them. */
const LOOKED_AT = 10_000;

export interface UpkeepParts {
  readonly store: MetadataStore;
  readonly blobs: BlobStore;
  readonly now: () => number;
  /** A blob that nothing names goes when it is that old, and older than any upload. */
  readonly strayMs?: number;
  /** Told what a run failed with; the next run tries again. */
  readonly failed: (error: unknown) => void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | null = null;
  #lookAtMs = 0;
  #lookFrom: string | null = null;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.run(), intervalMs);
    this.#timer.unref();
    void this.run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  /** Runs once; asked for during a run, once more after it. */
  run(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#loop().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #loop(): Promise<void> {
    this.#again = false;
    try {
      await this.#once();
    } catch (error) {
      this.#parts.failed(error);
    }
    if (this.#wantsMore()) await this.#loop();
  }

  #wantsMore(): boolean {
    return this.#again && !this.#stopped;
  }

  async #once(): Promise<void> {
    const { store, now } = this.#parts;
    await store.upkeep.forgetExpired(now());
    while (!this.#stopped && (await store.upkeep.forgetRecords(now(), BATCH)) === BATCH);
    await this.#doomStrays();
    while (!this.#stopped && (await this.#removePacks()) === BATCH);
    for (const account of await store.upkeep.doomedAccounts(now())) {
      await this.#parts.blobs.removeAccount(account);
      while (!this.#stopped && (await store.upkeep.forgetAccount(account, BATCH)));
    }
  }

  async #doomStrays(): Promise<void> {
    const { store, blobs, now, strayMs = UNCOMMITTED_MS } = this.#parts;
    const nowMs = now();
    if (nowMs < this.#lookAtMs) return;
    const oldMs = nowMs - Math.max(strayMs, 2 * UPLOAD_MS);
    for (let looked = 0; looked < LOOKED_AT && !this.#stopped;) {
      const page = await blobs.list(this.#lookFrom);
      const old = page.blobs.filter(({ modifiedMs }) => modifiedMs <= oldMs);
      for (let at = 0; at < old.length; at += BATCH) {
        await store.upkeep.doomStrays(old.slice(at, at + BATCH), nowMs);
      }
      looked += Math.max(1, page.blobs.length);
      this.#lookFrom = page.next;
      if (page.next !== null) continue;
      this.#lookAtMs = nowMs + DAY_MS;
      return;
    }
  }

  async #removePacks(): Promise<number> {
    const { store, blobs, now } = this.#parts;
    const doomed = await store.upkeep.doomPacks(now(), BATCH);
    const stored = doomed.filter(({ inline }) => !inline);
    for (let at = 0; at < stored.length; at += REMOVALS) {
      const some = stored.slice(at, at + REMOVALS);
      await Promise.all(some.map(({ account, vault, name }) => blobs.remove({ account, vault, pack: name })));
    }
    if (doomed.length > 0) await store.upkeep.forgetPacks(doomed);
    return doomed.length;
  }
}
