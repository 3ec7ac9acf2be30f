/**
 * A rate that all nodes of a server keep together. The first stage is this node's own bucket and costs nothing; what it
 * lets through is taken from the bucket in the store, several at once where the rate allows many.
 */
import { createHash } from 'node:crypto';
import type { Rate } from '../config.ts';
import type { Hash } from '../../protocol/ids.ts';
import type { RateStore } from '../store/metadata-store.ts';
import { RateLimiter, tooMany } from './rate-limit.ts';

/** How often a burst is asked for in the store. */
const DRAWS_A_BURST = 100;
/** What was drawn and not used by then is not used any more. */
const DRAWN_MS = 60_000;
const MAX_KEYS = 100_000;

interface Drawn {
  tokens: number;
  readonly atMs: number;
}

export class SharedRate {
  readonly #kind: string;
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #store: RateStore | null;
  readonly #local: RateLimiter;
  readonly #drawn = new Map<string, Drawn>();
  readonly #drawing = new Map<string, Promise<void>>();

  /** @param store null for a server that is the only one */
  constructor(kind: string, rate: Rate, now: () => number, store: RateStore | null) {
    this.#kind = kind;
    this.#rate = rate;
    this.#now = now;
    this.#store = store;
    this.#local = new RateLimiter(rate, now);
  }

  /** @throws Refusal rate-limited */
  async take(key: string): Promise<void> {
    this.#local.take(key);
    if (this.#store === null) return;
    while (!this.#takeDrawn(key)) await this.#draw(this.#store, key);
  }

  #takeDrawn(key: string): boolean {
    const drawn = this.#drawn.get(key);
    if (drawn === undefined || drawn.tokens < 1 || this.#now() - drawn.atMs > DRAWN_MS) return false;
    drawn.tokens -= 1;
    return true;
  }

  /** Requests that come meanwhile wait for the same draw. */
  #draw(store: RateStore, key: string): Promise<void> {
    let drawing = this.#drawing.get(key);
    if (drawing === undefined) {
      drawing = this.#drawFrom(store, key).finally(() => this.#drawing.delete(key));
      this.#drawing.set(key, drawing);
    }
    return drawing;
  }

  async #drawFrom(store: RateStore, key: string): Promise<void> {
    const wanted = Math.max(1, Math.floor(this.#rate.burst / DRAWS_A_BURST));
    const nowMs = this.#now();
    // Neither an e-mail address nor a network is written down.
    const hash = createHash('sha256').update(`${this.#kind}\0${key}`).digest('hex') as Hash;
    const { tokens, missing } = await store.draw(hash, this.#rate, wanted, nowMs);
    if (tokens < 1) throw tooMany(missing, this.#rate);
    if (this.#drawn.size >= MAX_KEYS) this.#drawn.clear();
    this.#drawn.set(key, { tokens, atMs: nowMs });
  }
}
