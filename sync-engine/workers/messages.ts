/** What the control thread and a worker say to each other. Both run the same build, so nothing is versioned. */
import type { VaultId } from '../../protocol/ids.ts';
import type { DiskErrorCode } from '../local-fs/disk.ts';
import type { JobName } from './jobs.ts';

export type ToWorker =
  | {
      readonly kind: 'keys';
      readonly vault: VaultId;
      readonly epochs: readonly (readonly [number, Uint8Array])[];
    }
  | {
      readonly kind: 'start';
      readonly task: number;
      readonly job: JobName;
      readonly request: unknown;
      readonly hooks: readonly string[];
      /** Int32: see TaskFlags. */
      readonly flags: SharedArrayBuffer;
    }
  | { readonly kind: 'answer'; readonly question: number; readonly value: unknown }
  /** The hook threw, or the job is no longer wanted; why is kept on the control thread. */
  | { readonly kind: 'refused'; readonly question: number }
  | { readonly kind: 'stop' };

export type FromWorker =
  | {
      readonly kind: 'ask';
      readonly task: number;
      readonly question: number;
      readonly hook: string;
      readonly args: readonly unknown[];
    }
  | { readonly kind: 'tell'; readonly task: number; readonly hook: string; readonly args: readonly unknown[] }
  | { readonly kind: 'done'; readonly task: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly task: number; readonly failure: JobFailure };

export type JobFailure =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'disk'; readonly code: DiskErrorCode; readonly call: string }
  | { readonly kind: 'broken'; readonly error: Error };

/** Unacknowledged tells before the worker waits: two, so that one is handled while the next is made. */
const MAX_TELLS = 2;

/** Shared by both threads, so that a job that never waits for events can be stopped and held back. */
export class TaskFlags {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  get aborted(): boolean {
    return Atomics.load(this.#words, 0) === 1;
  }

  /** Also wakes a worker that waits. */
  abort(): void {
    Atomics.store(this.#words, 0, 1);
    this.acknowledge();
  }

  /** A tell was handled. */
  acknowledge(): void {
    Atomics.add(this.#words, 1, 1);
    Atomics.notify(this.#words, 1);
  }

  /** Worker only. Blocks until fewer than MAX_TELLS of `told` are unhandled, or the task is aborted. */
  waitForRoom(told: number): void {
    while (!this.aborted) {
      const handled = Atomics.load(this.#words, 1);
      if (told - handled < MAX_TELLS) return;
      Atomics.wait(this.#words, 1, handled);
    }
  }
}
