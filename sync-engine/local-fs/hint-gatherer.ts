/** Gathers what a watcher sees for a moment: a burst of thousands of events becomes one hint a folder. */
import { EVERYTHING, troubleOf, type Hint, type WatcherHooks, type WatchTrouble } from './watcher.ts';

const GATHER_MS = 20;
/** Above it, naming the folders costs more than a full scan. */
const MAX_GATHERED = 5_000;

export class HintGatherer {
  readonly #hooks: WatcherHooks;
  readonly #hints = new Set<Hint>();
  readonly #told = new Set<WatchTrouble>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(hooks: WatcherHooks) {
    this.#hooks = hooks;
  }

  add(hint: Hint): void {
    if (this.#isClosed) return;
    this.#hints.add(hint);
    this.#timer ??= setTimeout(() => {
      this.#tell();
    }, GATHER_MS);
  }

  /** Told at once, and once for each kind. */
  trouble(error: unknown): void {
    const trouble = troubleOf(error);
    if (this.#isClosed || this.#told.has(trouble)) return;
    this.#told.add(trouble);
    this.#hooks.onTrouble(trouble);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#hints.clear();
  }

  #tell(): void {
    this.#timer = null;
    const hints: readonly Hint[] =
      this.#hints.has(EVERYTHING) || this.#hints.size > MAX_GATHERED ? [EVERYTHING] : [...this.#hints];
    this.#hints.clear();
    for (const hint of hints) this.#hooks.onHint(hint);
  }
}
