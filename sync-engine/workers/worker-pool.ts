/**
 * Worker threads, started when there is work and stopped when there was none for a while, so that a settled
 * engine holds neither their memory nor keys in them.
 */
import { availableParallelism } from 'node:os';
import type { HooksOf, JobName, RequestOf, ResultOf } from './jobs.ts';
import { Thread, type HookTable } from './thread.ts';
import type { RunOptions, Workers } from './workers.ts';

const IDLE_MS = 30_000;
/** Of the first thread: longer than anybody waits. */
const KEPT_MS = 2 ** 31 - 1;

export interface WorkerPoolOptions {
  /** Threads at most. By default one less than the cores, and no fewer than two. */
  readonly size?: number;
  readonly idleMs?: number;
  /** The first thread stays: starting one is what a person would notice. */
  readonly keepFirst?: boolean;
}

export class WorkerPool implements Workers {
  readonly size: number;
  readonly #idleMs: number;
  readonly #keepFirst: boolean;
  readonly #threads = new Set<Thread>();
  #closed = false;

  constructor(options: WorkerPoolOptions = {}) {
    this.size = options.size ?? Math.max(2, availableParallelism() - 1);
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#keepFirst = options.keepFirst ?? false;
  }

  /** Threads alive now. */
  get running(): number {
    return this.#threads.size;
  }

  async run<N extends JobName>(
    job: N,
    request: RequestOf<N>,
    hooks: HooksOf<N>,
    options: RunOptions = {},
  ): Promise<ResultOf<N>> {
    if (this.#closed) throw new Error('the workers are closed');
    options.signal?.throwIfAborted();
    return (await this.#thread(options.light === true).run(
      job,
      request,
      hooks as HookTable,
      options,
    )) as ResultOf<N>;
  }

  /**
   * The least busy thread; a new one while all are busy and there may be more. Light work shares a busy thread
   * rather than wait for a new one to load.
   */
  #thread(light: boolean): Thread {
    let best: Thread | null = null;
    for (const thread of this.#threads) if (best === null || thread.load < best.load) best = thread;
    if (best !== null && (light || best.load === 0 || this.#threads.size >= this.size)) return best;
    const idleMs = this.#keepFirst && this.#threads.size === 0 ? KEPT_MS : this.#idleMs;
    const thread: Thread = new Thread(idleMs, () => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }
}
