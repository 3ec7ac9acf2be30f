/**
 * What the engine takes from the world besides disk, cloud and workers: time and randomness. A seeded
 * simulation owns both; `main.ts` gives the real ones.
 */
export interface Clock {
  /** Wall clock, ms since 1970: shown to people, never used to order changes. */
  nowMs(): number;
  /** Ms since some start; never goes back. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface RandomSource {
  bytes(size: number): Uint8Array;
  /** In [0, 1), for back-off jitter. */
  fraction(): number;
}
