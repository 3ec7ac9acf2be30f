/** One worker thread, seen from the control thread: the jobs in it, their questions, its keys and its end. */
import { Worker } from 'node:worker_threads';
import type { VaultId } from '../../protocol/ids.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { DiskError } from '../local-fs/disk.ts';
import type { JobName } from './jobs.ts';
import { TaskFlags, type FromWorker, type JobFailure, type ToWorker } from './messages.ts';
import { JobBroken, WorkerDied, type RunOptions } from './workers.ts';

/** Tests run from sources, installations from what the compiler made of them. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export type HookTable = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

interface Task {
  readonly hooks: HookTable;
  readonly signal: AbortSignal | undefined;
  readonly flags: TaskFlags;
  /** Asked by the job and not answered yet. */
  readonly questions: Set<number>;
  /** What a hook threw first: then that is why the job ends. */
  thrown: Failure | null;
  readonly end: (outcome: Failure | { readonly value: unknown }) => void;
}

interface Failure {
  readonly error: unknown;
}

export class Thread {
  readonly #worker = new Worker(ENTRY, { name: 'coffre-worker' });
  readonly #idleMs: number;
  /** Called when no more jobs are to be given to it. */
  readonly #retired: () => void;
  readonly #exited: Promise<void>;
  readonly #tasks = new Map<number, Task>();
  /** The keyring a vault was given here, and as of which change. */
  readonly #keys = new Map<VaultId, { readonly keys: VaultKeys; readonly changes: number }>();
  #lastTask = 0;
  #idle: NodeJS.Timeout | null = null;
  /** Why it ends, once it does. */
  #ending: Error | null = null;

  constructor(idleMs: number, retired: () => void) {
    this.#idleMs = idleMs;
    this.#retired = retired;
    this.#worker.on('message', (message: FromWorker) => {
      this.#receive(message);
    });
    this.#worker.on('error', (cause) => {
      this.#ending ??= new WorkerDied('a worker failed', { cause });
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#bury(code);
        resolve();
      });
    });
  }

  /** Jobs under way. */
  get load(): number {
    return this.#tasks.size;
  }

  run(job: JobName, request: unknown, hooks: HookTable, { keys, signal }: RunOptions): Promise<unknown> {
    this.#wake();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#lastTask += 1;
    const id = this.#lastTask;
    const flags = new TaskFlags();
    const onAbort = () => {
      this.#stopTask(task);
    };
    const end: Task['end'] = (outcome) => {
      signal?.removeEventListener('abort', onAbort);
      this.#tasks.delete(id);
      if (this.#tasks.size === 0) this.#rest();
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
    };
    const task: Task = { hooks, signal, flags, questions: new Set(), thrown: null, end };
    this.#tasks.set(id, task);
    signal?.addEventListener('abort', onAbort);
    try {
      if (keys !== undefined) this.#teach(keys);
      const names = Object.keys(hooks);
      this.#send({ kind: 'start', task: id, job, request, hooks: names, flags: flags.buffer });
    } catch (error) {
      end({ error });
    }
    return promise;
  }

  /** Ends the jobs under way, wipes the keys and ends the thread. */
  async stop(): Promise<void> {
    this.#ending ??= new WorkerDied('the workers are closed');
    this.#retired();
    for (const task of this.#tasks.values()) this.#stopTask(task);
    this.#worker.ref(); // its end is awaited
    this.#send({ kind: 'stop' });
    await this.#exited;
  }

  #send(message: ToWorker, move: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, move);
  }

  #teach(keys: VaultKeys): void {
    const taught = this.#keys.get(keys.vault);
    // Not by how many there are: another key may have taken the place of one.
    if (taught?.keys === keys && taught.changes === keys.changes) return;
    // Moved, not cloned: after this the worker alone has these copies, and wipes them.
    const copies = keys.epochs().map((epoch) => [epoch, Uint8Array.from(keys.epochKey(epoch))] as const);
    this.#send(
      { kind: 'keys', vault: keys.vault, epochs: copies },
      copies.map(([, key]) => key.buffer),
    );
    this.#keys.set(keys.vault, { keys, changes: keys.changes });
  }

  #receive(message: FromWorker): void {
    const task = this.#tasks.get(message.task);
    if (task === undefined) return;
    switch (message.kind) {
      case 'ask':
        void this.#answer(task, message.question, message.hook, message.args);
        return;
      case 'tell':
        hear(task, message.hook, message.args);
        return;
      case 'done':
        // What a hook threw stands, even when the job went on without its answer.
        task.end(task.thrown ?? { value: message.value });
        return;
      case 'failed':
        task.end(task.thrown ?? { error: this.#errorOf(task, message.failure) });
    }
  }

  async #answer(task: Task, question: number, hook: string, args: readonly unknown[]): Promise<void> {
    task.questions.add(question);
    try {
      if (task.flags.aborted) {
        this.#refuse(task, question);
        return;
      }
      const value = await task.hooks[hook]?.(...args);
      if (!task.questions.delete(question) || this.#ending !== null) return;
      this.#send({ kind: 'answer', question, value }, movable(value));
    } catch (error) {
      task.thrown ??= { error };
      task.questions.add(question);
      this.#refuse(task, question);
    }
  }

  #refuse(task: Task, question: number): void {
    if (task.questions.delete(question)) this.#send({ kind: 'refused', question });
  }

  /** The job ends at its next step; no question keeps it. */
  #stopTask(task: Task): void {
    task.flags.abort();
    for (const question of [...task.questions]) this.#refuse(task, question);
  }

  #errorOf(task: Task, failure: JobFailure): unknown {
    switch (failure.kind) {
      case 'stopped':
        return task.signal?.aborted === true ? (task.signal.reason as unknown) : this.#ending;
      case 'disk':
        return new DiskError(failure.code, failure.call);
      case 'broken':
        return new JobBroken(failure.error.message, { cause: failure.error });
    }
  }

  #wake(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#worker.ref();
  }

  #rest(): void {
    if (this.#ending !== null) return;
    this.#worker.unref(); // an idle thread keeps no program alive
    this.#idle = setTimeout(() => void this.stop(), this.#idleMs);
    this.#idle.unref();
  }

  #bury(code: number): void {
    this.#retired();
    this.#ending ??= new WorkerDied(`a worker ended with code ${code}`);
    for (const task of [...this.#tasks.values()]) {
      const aborted = task.signal?.aborted === true ? { error: task.signal.reason as unknown } : null;
      task.end(task.thrown ?? aborted ?? { error: this.#ending });
    }
    if (this.#idle !== null) clearTimeout(this.#idle);
  }
}

function hear(task: Task, hook: string, args: readonly unknown[]): void {
  try {
    if (!task.flags.aborted) task.hooks[hook]?.(...args);
  } catch (error) {
    task.thrown ??= { error };
    task.flags.abort();
  }
  task.flags.acknowledge();
}

/** The buffer of an answer that is bytes, when it is all of a buffer: moved to the worker instead of copied. */
function movable(value: unknown): ArrayBuffer[] {
  const bytes: unknown = typeof value === 'object' && value !== null && 'bytes' in value ? value.bytes : null;
  if (!(bytes instanceof Uint8Array) || !(bytes.buffer instanceof ArrayBuffer)) return [];
  return bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : [];
}
