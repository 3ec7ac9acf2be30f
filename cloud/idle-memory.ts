/**
 * Gives memory back while nobody asks for anything. V8 collects when something is allocated, and a server at rest
 * allocates nothing: it would hold the garbage of the last transfer until the next one.
 */
import type { Server } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MIB } from '../protocol/limits.ts';

/** Without a request for so long it is at rest. */
const REST_MS = 10_000;
/** Of resident memory: a server that just started has a little less, and a collection is not for free. */
const LEAST_BYTES = 120 * MIB;
/** How much more than after the last collection it must hold to be collected again. */
const GROWTH = 1.2;
/** What a collection finds unused is freed a moment later, and then what that alone held on to. */
const AGAIN_MS = 1000;

export class IdleMemory {
  readonly #dropCaches: () => void;
  #fromBytes = LEAST_BYTES;
  #collect: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #open = 0;
  #isOver = false;

  /** @param dropCaches what can be had again: dropped first, so that what lies around it can go */
  constructor(dropCaches: () => void) {
    this.#dropCaches = dropCaches;
  }

  /** Tidies each time that the server comes to rest. */
  watch(server: Server, restMs = REST_MS): void {
    server.on('request', (_request, response) => {
      this.#forget();
      this.#open += 1;
      response.once('close', () => {
        this.#open -= 1;
        if (this.#open > 0) return;
        this.#after(restMs, () => {
          if (this.tidy()) this.#after(AGAIN_MS, () => this.#give());
        });
      });
    });
  }

  #after(ms: number, work: () => void): void {
    this.#forget();
    if (!this.#isOver) this.#timer = setTimeout(work, ms).unref();
  }

  /** For good: an answer that ends after that is no reason to touch caches that are closed. */
  stop(): void {
    this.#isOver = true;
    this.#forget();
  }

  #forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Collects if that may be worth it. Returns whether it did. */
  tidy(): boolean {
    if (process.memoryUsage.rss() < this.#fromBytes) return false;
    this.#give();
    return true;
  }

  #give(): void {
    this.#dropCaches();
    this.#collect ??= collector();
    this.#collect();
    this.#fromBytes = Math.max(LEAST_BYTES, process.memoryUsage.rss() * GROWTH);
  }
}

/** The function that Node offers under a flag, which is not set at the start of the process. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  // The plain collection keeps the pages of the young generation, 48 MiB after some thousand commits.
  return () => {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  };
}
