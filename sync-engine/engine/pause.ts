/**
 * A person's pause: kept across restarts, for ever or until a time of the day. Looked at again and again rather
 * than waited for: a machine that slept through its end resumes when it wakes.
 */
import type { Manifest } from '../manifest/manifest.ts';
import type { Clock } from './ports.ts';
import { Signal } from './signal.ts';

const KEPT = 'paused-until';
const FOR_EVER = 'resume';
/** A timer does not run while the machine sleeps, and the wall clock can be set. */
const LOOK_MS = 20_000;

export interface PauseParts {
  readonly manifest: Pick<Manifest, 'meta' | 'setMeta'>;
  readonly clock: Clock;
  readonly began: () => void;
  readonly ended: () => void;
}

export class Pause {
  readonly #parts: PauseParts;
  readonly #changed = new Signal();
  /** Null: not paused. */
  #until: number | typeof FOR_EVER | null;

  constructor(parts: PauseParts) {
    this.#parts = parts;
    const kept = parts.manifest.meta(KEPT);
    this.#until = kept === null || kept === FOR_EVER ? kept : Number(kept);
  }

  get isPaused(): boolean {
    return this.#until !== null;
  }

  /** When it ends by itself; null when it is not paused, or until it is resumed. */
  get untilMs(): number | null {
    return typeof this.#until === 'number' ? this.#until : null;
  }

  /** @param untilMs null: until it is resumed */
  begin(untilMs: number | null): void {
    this.#set(untilMs ?? FOR_EVER);
    this.#parts.began();
  }

  end(): void {
    if (!this.isPaused) return;
    this.#set(null);
    this.#parts.ended();
  }

  /** Ends it when its time has come. */
  look(): void {
    if (typeof this.#until === 'number' && this.#parts.clock.nowMs() >= this.#until) this.end();
  }

  /** Until the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      this.look();
      const until = this.untilMs;
      if (until === null) {
        await this.#changed.next(signal);
        continue;
      }
      const timer = new AbortController();
      const ms = Math.max(1, Math.min(LOOK_MS, until - clock.nowMs()));
      await Promise.race([
        this.#changed.next(signal),
        clock.sleep(ms, AbortSignal.any([timer.signal, signal])),
      ]);
      timer.abort();
    }
  }

  #set(until: number | typeof FOR_EVER | null): void {
    this.#until = until;
    this.#parts.manifest.setMeta(KEPT, until === null ? null : String(until));
    this.#changed.raise();
  }
}
