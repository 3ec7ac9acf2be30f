/**
 * What time does to an account: superseded records, dropped packs and uploads nobody committed go once their
 * time is over, in small batches so that requests pass in between. A pack is marked `deleting` first, its
 * bytes are removed, then it is forgotten: a stop anywhere in between is continued at the next run. Once a day all
 * blobs are looked through for those that nothing names, left by uploads that never ended, and what accounts count for
 * is summed up again.
 *
 * Of several servers on one store one runs it, by a lease that it renews as it goes. What it removes could be uploaded
 * again once another one has forgotten it, so it acts on a lease only while that is fresh.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DAY_MS, UNCOMMITTED_MS } from '../../protocol/limits.ts';
import { AUDIT_RETENTION_MS, auditEntry } from '../audit/entry.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { MetadataStore, UsageAudit } from '../store/metadata-store.ts';
import { UPLOAD_MS } from './pack-state.ts';

const BATCH = 200;
/** At a time: a store in the network takes its time for each. */
const REMOVALS = 16;
/** How long the lease is, and how old it may be before it is renewed: a removal takes less than what is between. */
const LEASE_MS = 10 * 60_000;
const RENEW_MS = 60_000;
/** Blobs looked at in one run: the next one goes on behind them. */
const LOOKED_AT = 10_000;
/** Accounts whose bytes are summed up at a time, and in one run. */
const AUDIT_BATCH = 50;
const AUDITED = 5000;
/** Entries of the audit log forgotten at a time. */
const AUDIT_ENTRIES = 1000;

export interface UpkeepParts {
  readonly store: MetadataStore;
  readonly blobs: BlobStore;
  readonly now: () => number;
  /** A blob that nothing names goes when it is that old, and older than any upload. */
  readonly strayMs?: number;
  /** How long entries of the audit log are kept. */
  readonly auditRetentionMs?: number;
  /** Rests after each batch for as long as that took: others use the same database. */
  readonly paced?: boolean;
  /** Told what a run failed with; the next run tries again. */
  readonly failed: (error: unknown) => void;
  /** Told what was mended of byte counts that were wrong. Where nobody is to be told, none is looked at. */
  readonly mended?: (mended: UsageAudit['mended']) => void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | null = null;
  readonly #name = randomUUID();
  readonly #stopping = new AbortController();
  #heldAtMs = -Infinity;
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
    this.#stopping.abort();
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
      if (await this.#mayGoOn()) await this.#once();
    } catch (error) {
      this.#parts.failed(error);
    } finally {
      await this.#letGo();
    }
    if (this.#wantsMore()) await this.#loop();
  }

  #wantsMore(): boolean {
    return this.#again && !this.#stopped;
  }

  async #once(): Promise<void> {
    const { store, now, auditRetentionMs = AUDIT_RETENTION_MS } = this.#parts;
    await store.upkeep.forgetExpired(now());
    await store.legacy.forgetExpired(now());
    await this.#inBatches(
      async () => (await store.audit.forget(now() - auditRetentionMs, AUDIT_ENTRIES)) === AUDIT_ENTRIES,
    );
    await this.#inBatches(async () => (await store.upkeep.forgetRecords(now(), BATCH)) === BATCH);
    await this.#doomStrays();
    await this.#inBatches(async () => (await this.#removePacks()) === BATCH);
    for (const account of await store.upkeep.doomedAccounts(now())) {
      if (!(await this.#mayGoOn())) return;
      await this.#parts.blobs.removeAccount(account);
      await this.#inBatches(() =>
        store.upkeep.forgetAccount(
          account,
          BATCH,
          auditEntry({ kind: 'account-forgotten', actor: 'system', atMs: now(), account }),
        ),
      );
    }
    await this.#auditUsage();
  }

  /** Each account once a day, or as often as that many a run come round. */
  async #auditUsage(): Promise<void> {
    const { store, now, mended } = this.#parts;
    if (mended === undefined) return;
    let looked = 0;
    await this.#inBatches(async () => {
      const audit = await store.upkeep.auditUsage(now(), AUDIT_BATCH, DAY_MS);
      looked += audit.accounts;
      if (audit.mended.length > 0) mended(audit.mended);
      return audit.more && looked < AUDITED;
    });
  }

  /** @param batch says whether there is more */
  async #inBatches(batch: () => Promise<boolean>): Promise<void> {
    while (await this.#mayGoOn()) {
      const began = performance.now();
      if (!(await batch())) return;
      if (this.#parts.paced === true) await this.#rest(performance.now() - began);
    }
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
  }

  /** Whether this server is the one to do it, and is not about to stop. */
  async #mayGoOn(): Promise<boolean> {
    if (this.#stopped) return false;
    // A machine that slept has a wall clock that knows.
    const nowMs = Date.now();
    const ageMs = nowMs - this.#heldAtMs;
    if (ageMs >= 0 && ageMs < RENEW_MS) return true;
    if (!(await this.#parts.store.upkeep.hold(this.#name, LEASE_MS))) return false;
    this.#heldAtMs = nowMs;
    return true;
  }

  async #letGo(): Promise<void> {
    if (this.#heldAtMs === -Infinity) return;
    this.#heldAtMs = -Infinity;
    // Else it ends by itself.
    await this.#parts.store.upkeep.release(this.#name).catch(this.#parts.failed);
  }

  async #doomStrays(): Promise<void> {
    const { store, blobs, now, strayMs = UNCOMMITTED_MS } = this.#parts;
    const nowMs = now();
    if (nowMs < this.#lookAtMs) return;
    const oldMs = nowMs - Math.max(strayMs, 2 * UPLOAD_MS);
    for (let looked = 0; looked < LOOKED_AT && (await this.#mayGoOn());) {
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
      if (!(await this.#mayGoOn())) return 0;
      const some = stored.slice(at, at + REMOVALS);
      await Promise.all(some.map(({ account, vault, name }) => blobs.remove({ account, vault, pack: name })));
    }
    if (doomed.length > 0) await store.upkeep.forgetPacks(doomed);
    return doomed.length;
  }
}
