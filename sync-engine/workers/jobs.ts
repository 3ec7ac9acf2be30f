/**
 * The jobs a worker knows: plain functions over the disk. A hook named in `tells` answers nothing and is called
 * from synchronous code; every other is asked and awaited. Requests, answers and results are cloned between
 * threads, so they are plain data; the `bytes` of what a hook named in `gives` is called with are moved.
 */
import type { VaultId } from '../../protocol/ids.ts';
import type { Random } from '../crypto/random.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { applyBatch } from '../local-fs/apply.ts';
import type { ApplyContext, ApplyOperation, ApplyResult } from '../local-fs/apply-types.ts';
import type { Disk } from '../local-fs/disk.ts';
import { walk, type WalkedFolder, type WalkOutcome, type WalkRequest } from '../local-fs/walk.ts';
import { fetchFiles, type FetchJobHooks, type FetchRequest } from '../transfer/fetch.ts';
import { ingest, type IngestJobHooks, type IngestRequest } from '../transfer/ingest.ts';
import type { PackMemory } from '../transfer/pack-memory.ts';
import type { IngestResult } from '../transfer/sealing-jobs.ts';
import type { Stop } from '../transfer/stop.ts';

export interface JobContext {
  readonly disk: Disk;
  readonly random: Random;
  readonly stop: Stop & { isAborted(): boolean };
  readonly memory: PackMemory;
  /** @throws Error when the job was started without them */
  readonly keys: (vault: VaultId) => VaultKeys;
}

interface Job<Request, Hooks, Result> {
  /** Names of hooks that answer nothing. */
  readonly tells: readonly (keyof Hooks & string)[];
  /** Names of hooks that are given an object with `bytes`, whose whole buffer goes to the control thread. */
  readonly gives?: readonly (keyof Hooks & string)[];
  readonly run: (context: JobContext, request: Request, hooks: Hooks) => Result | Promise<Result>;
}

/** For its types: what a job is, is what it was written as. */
function job<Request, Hooks, Result>(definition: Job<Request, Hooks, Result>): Job<Request, Hooks, Result> {
  return definition;
}

/** A job that asks and tells nothing. */
export type NoHooks = Readonly<Record<string, never>>;

export interface ApplyRequest {
  readonly context: ApplyContext;
  readonly operations: readonly ApplyOperation[];
}

export interface WalkHooks {
  batch(folders: readonly WalkedFolder[]): void;
}

export const JOBS = {
  walk: job<WalkRequest, WalkHooks, WalkOutcome>({
    tells: ['batch'],
    run: ({ disk, stop }, request, hooks) =>
      walk(
        disk,
        request,
        (batch) => {
          hooks.batch(batch);
        },
        () => stop.isAborted(),
      ),
  }),
  ingest: job<IngestRequest, IngestJobHooks, IngestResult[]>({
    tells: [],
    gives: ['pack'],
    run: ({ disk, random, stop, memory, keys }, request, hooks) =>
      ingest({ disk, random, stop, memory, keys: keys(request.vault) }, request, hooks),
  }),
  fetch: job<FetchRequest, FetchJobHooks, undefined>({
    tells: [],
    run: async ({ disk, stop, keys }, request, hooks) => {
      await fetchFiles({ disk, stop, keys: keys(request.vault) }, hooks);
      return undefined;
    },
  }),
  apply: job<ApplyRequest, NoHooks, ApplyResult[]>({
    tells: [],
    run: ({ disk }, { context, operations }) => applyBatch(disk, context, operations),
  }),
  /** Everything written so far to the file system of the folder is on stable storage when it ends. */
  flush: job<{ readonly root: string }, NoHooks, undefined>({
    tells: [],
    run: ({ disk }, { root }) => {
      disk.flush(root, true);
      return undefined;
    },
  }),
} as const;

export type JobName = keyof typeof JOBS;
export type RequestOf<N extends JobName> =
  (typeof JOBS)[N] extends Job<infer T, infer _H, infer _R> ? T : never;
export type HooksOf<N extends JobName> =
  (typeof JOBS)[N] extends Job<infer _T, infer H, infer _R> ? H : never;
export type ResultOf<N extends JobName> =
  (typeof JOBS)[N] extends Job<infer _T, infer _H, infer R> ? R : never;
