/** The jobs run where they are called, on a given disk: for simulation, where one thread owns the world. */
import { secureRandom, type Random } from '../crypto/random.ts';
import type { Disk } from '../local-fs/disk.ts';
import { PackMemory } from '../transfer/pack-memory.ts';
import { JOBS, type HooksOf, type JobContext, type JobName, type RequestOf, type ResultOf } from './jobs.ts';
import type { RunOptions, Workers } from './workers.ts';

export class InlineWorkers implements Workers {
  readonly size = 1;
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #memory = new PackMemory();
  readonly #closed = new AbortController();

  constructor(disk: Disk, random: Random = secureRandom) {
    this.#disk = disk;
    this.#random = random;
  }

  async run<N extends JobName>(
    job: N,
    request: RequestOf<N>,
    hooks: HooksOf<N>,
    options: RunOptions = {},
  ): Promise<ResultOf<N>> {
    const signal =
      options.signal === undefined
        ? this.#closed.signal
        : AbortSignal.any([options.signal, this.#closed.signal]);
    const context: JobContext = {
      disk: this.#disk,
      random: this.#random,
      memory: this.#memory,
      stop: {
        isAborted: () => signal.aborted,
        throwIfAborted: () => {
          signal.throwIfAborted();
        },
      },
      keys: () => {
        if (options.keys === undefined) throw new Error('a sealing job needs keys');
        return options.keys;
      },
    };
    return (await JOBS[job].run(context, request as never, hooks as never)) as ResultOf<N>;
  }

  close(): Promise<void> {
    this.#closed.abort(new Error('the workers are closed'));
    return Promise.resolve();
  }
}
