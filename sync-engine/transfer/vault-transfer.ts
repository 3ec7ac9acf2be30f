/** The two directions of one vault, as the engine calls them: jobs in workers, questions answered here. */
import type { ChunkId, PackName, VaultId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { CloudError, type Cloud } from '../remote/cloud.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { RangeAnswer } from './chunk-reader.ts';
import type { FetchJobHooks, FetchRequest } from './fetch.ts';
import type { IngestJobHooks, IngestRequest } from './ingest.ts';
import type {
  ChunkLocation,
  FetchResult,
  FileToFetch,
  FileToIngest,
  IngestHooks,
  IngestResult,
  PackToSend,
  VaultTransfer,
} from './sealing-jobs.ts';

interface JobOptions {
  readonly keys: VaultKeys;
  readonly signal: AbortSignal;
  readonly light: boolean;
}

/** What this needs of the workers; `sealingWorkers` gives it. */
export interface SealingWorkers {
  /** How many jobs run side by side. */
  readonly size: number;
  ingest(request: IngestRequest, hooks: IngestJobHooks, options: JobOptions): Promise<IngestResult[]>;
  fetch(request: FetchRequest, hooks: FetchJobHooks, options: JobOptions): Promise<void>;
}

export interface VaultTransferOptions {
  readonly vault: VaultId;
  /** The keyring, with every epoch known so far. Asked at the start of each request. */
  readonly keys: () => VaultKeys;
  /** The epoch that new packs are sealed under. */
  readonly epoch: () => number;
  readonly workers: SealingWorkers;
  readonly cloud: Pick<Cloud, 'getPack'>;
  /** Where a chunk lies, from the live and uploaded packs. */
  readonly locate: (chunk: ChunkId) => ChunkLocation | undefined;
  /** A pack that is at hand (come with a head event), whole; null for what must be fetched. */
  readonly localPack?: (name: PackName) => Uint8Array | null;
  /** Bytes [start, end) of a pack that was fetched before it was known what for; null for what must be fetched. */
  readonly aheadRange?: (name: PackName, start: number, end: number) => Promise<Uint8Array | null>;
  readonly down?: Bandwidth;
  /** Bytes that came from the account. */
  readonly received?: (bytes: number) => void;
}

/** A worker more for each of these in a request. */
const BYTES_PER_WORKER = 32 * MIB;
const FILES_PER_WORKER = 1024;
const LIGHT_FILES = 64;
const LIGHT_BYTES = MIB;
/** Each holds about 40 MiB at most. */
const MAX_WORKERS = 4;
/** What a worker takes at a time. */
const SHARE_FILES = 256;
const SHARE_BYTES = 64 * MIB;

export function createVaultTransfer(options: VaultTransferOptions): VaultTransfer {
  return {
    vault: options.vault,
    ingest: (files, hooks, signal) => ingestFiles(options, files, hooks, signal),
    fetch: (files, done, signal) => fetchInWorkers(options, files, done, signal),
  };
}

async function ingestFiles(
  options: VaultTransferOptions,
  files: readonly FileToIngest[],
  hooks: IngestHooks,
  signal: AbortSignal,
): Promise<IngestResult[]> {
  signal.throwIfAborted();
  const shares = new Shares(files, (file) => file.size ?? 0);
  const request: IngestRequest = { vault: options.vault, epoch: options.epoch() };
  const claims = new Claims(hooks);
  const jobHooks: IngestJobHooks = {
    next: () => Promise.resolve(shares.next()),
    known: (chunks) => claims.known(chunks),
    pack: (pack) => claims.pack(pack),
    progress: (bytes) => Promise.resolve(hooks.progress?.(bytes)),
  };
  const results = await inWorkers(options, shares, signal, (jobOptions) =>
    options.workers.ingest(request, jobHooks, jobOptions),
  );
  return results.flat();
}

async function fetchInWorkers(
  options: VaultTransferOptions,
  files: readonly FileToFetch[],
  done: (result: FetchResult) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const shares = new Shares(files, (file) => file.content.size);
  await inWorkers(options, shares, signal, (jobOptions) => {
    const jobHooks: FetchJobHooks = {
      next: () => Promise.resolve(shares.next()),
      locate: (chunks) => Promise.resolve(chunks.map((chunk) => options.locate(chunk) ?? null)),
      range: (pack, start, end) => readRange(options, pack, start, end, jobOptions.signal),
      done: (results) => {
        for (const result of results) done(result);
        return Promise.resolve();
      },
    };
    return options.workers.fetch({ vault: options.vault }, jobHooks, jobOptions);
  });
}

/** Runs as many jobs as the request is worth; the first that fails stops the others and is what is thrown. */
async function inWorkers<T>(
  options: VaultTransferOptions,
  shares: { worth(): number; readonly isLight: boolean },
  signal: AbortSignal,
  run: (jobOptions: JobOptions) => Promise<T>,
): Promise<T[]> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const jobOptions = { keys: options.keys(), signal: stop, light: shares.isLight };
  const count = Math.min(shares.worth(), options.workers.size, MAX_WORKERS);
  const jobs = Array.from({ length: count }, () => run(jobOptions));
  try {
    return await Promise.all(jobs);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(jobs); // nothing of this request is under way once it has failed
    throw error;
  }
}

async function readRange(
  options: VaultTransferOptions,
  pack: PackName,
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<RangeAnswer> {
  const local = options.localPack?.(pack) ?? null;
  // A copy: what is answered may be moved to the worker.
  if (local !== null) return { ok: true, bytes: new Uint8Array(local.subarray(start, end)) };
  const ahead = (await options.aheadRange?.(pack, start, end)) ?? null;
  if (ahead !== null) return { ok: true, bytes: ahead };
  signal.throwIfAborted();
  await options.down?.take(end - start, signal);
  signal.throwIfAborted();
  try {
    const bytes = await options.cloud.getPack(options.vault, pack, start, end, signal);
    options.received?.(bytes.length);
    return { ok: true, bytes };
  } catch (error) {
    if (signal.aborted || !(error instanceof CloudError)) throw error;
    switch (error.fault) {
      case 'not-found':
      case 'gone':
        return { ok: false, why: 'missing' };
      case 'malformed':
        return { ok: false, why: 'corrupt' };
      default:
        return { ok: false, why: 'offline' };
    }
  }
}

/** Files handed out in order, in shares small enough to spread and large enough to keep neighbours together. */
class Shares<T> {
  readonly #items: readonly T[];
  readonly #size: (item: T) => number;
  #next = 0;

  constructor(items: readonly T[], size: (item: T) => number) {
    this.#items = items;
    this.#size = size;
  }

  /** How many workers the whole is worth, at least one. */
  worth(): number {
    const bytes = this.#items.reduce((sum, item) => sum + this.#size(item), 0);
    const count = Math.max(bytes / BYTES_PER_WORKER, this.#items.length / FILES_PER_WORKER);
    return Math.min(Math.max(1, this.#items.length), Math.max(1, Math.ceil(count)));
  }

  /** So little that a busy thread does it in passing. */
  get isLight(): boolean {
    if (this.#items.length > LIGHT_FILES) return false;
    return this.#items.reduce((sum, item) => sum + this.#size(item), 0) <= LIGHT_BYTES;
  }

  next(): T[] {
    const share: T[] = [];
    let bytes = 0;
    while (share.length < SHARE_FILES && bytes < SHARE_BYTES) {
      const item = this.#items[this.#next];
      if (item === undefined) break;
      this.#next += 1;
      bytes += this.#size(item);
      share.push(item);
    }
    return share;
  }
}

/**
 * Lets one worker alone seal a chunk that several of them meet: to the others it counts as known. That holds,
 * since the request answers only when all its packs were taken.
 */
class Claims {
  readonly #hooks: IngestHooks;
  /** Being sealed: not yet in a pack that was taken. */
  readonly #claimed = new Set<ChunkId>();

  constructor(hooks: IngestHooks) {
    this.#hooks = hooks;
  }

  async known(chunks: readonly ChunkId[]): Promise<boolean[]> {
    const known = await this.#hooks.known(chunks);
    return chunks.map((chunk, index) => {
      if (known[index] === true || this.#claimed.has(chunk)) return true;
      this.#claimed.add(chunk);
      return false;
    });
  }

  async pack(pack: PackToSend): Promise<void> {
    await this.#hooks.pack(pack);
    for (const { id } of pack.chunks) this.#claimed.delete(id);
  }
}
