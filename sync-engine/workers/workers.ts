/**
 * Work off the control thread, as a port. The engine gets `WorkerPool` (threads); a simulation and a test of
 * anything else get `InlineWorkers`, which run the same functions where they are called.
 */
import type { VaultKeys } from '../crypto/vault-keys.ts';
import type { HooksOf, JobName, RequestOf, ResultOf } from './jobs.ts';

export interface RunOptions {
  /** The keyring a sealing job works with. A worker keeps its own copy until it stops. */
  readonly keys?: VaultKeys;
  readonly signal?: AbortSignal;
  /** Done in a moment: not worth a thread of its own. */
  readonly light?: boolean;
}

export interface Workers {
  /** How many jobs run side by side; more than that share. */
  readonly size: number;
  /**
   * Runs one job to its end. Hooks are called on this thread; what one throws ends the job and is thrown here,
   * the same object. A DiskError of the job is thrown as such, an abort as the signal's reason, a thread that
   * died as WorkerDied, and anything else, which is a defect, as JobBroken.
   */
  run<N extends JobName>(
    job: N,
    request: RequestOf<N>,
    hooks: HooksOf<N>,
    options?: RunOptions,
  ): Promise<ResultOf<N>>;
  /** Ends what runs and forgets the keys. Jobs under way reject. */
  close(): Promise<void>;
}

/** The thread ended under the job: out of memory, or killed. Others go on, and the next job gets a new one. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
}

/** The job threw what no job may throw: a broken invariant. The cause has its name, message and stack. */
export class JobBroken extends Error {
  override readonly name = 'JobBroken';
}
