/**
 * The way up: reads files, cuts them, names the chunks, and seals what the vault does not hold. Files flow
 * through one buffer of fixed size, so memory grows neither with a file nor with their number.
 */
import type { ChunkId, NodeId, VaultId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import type { Random } from '../crypto/random.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { DiskError, type Disk, type DiskStat } from '../local-fs/disk.ts';
import { Chunker, MAX_CHUNK_BYTES } from './chunker.ts';
import { ContentBuilder } from './content-lists.ts';
import { PackBuilder } from './pack-builder.ts';
import type { PackMemory } from './pack-memory.ts';
import type { FileToIngest, IngestResult, PackToSend } from './sealing-jobs.ts';
import type { Stop } from './stop.ts';

const BUFFER_BYTES = 8 * MIB;
/** For a request of few small files: most are, and 8 MiB each would keep the collector busy. */
const SMALL_BUFFER_BYTES = 2 * MIB;
/** Chunks asked about at once. */
const MAX_BATCH = 1024;
/** Chunk ids remembered as sealed or known, so that a repeated one is not asked about again. */
const MAX_SETTLED = 65_536;

export interface IngestRequest {
  readonly vault: VaultId;
  /** Whose keys seal. */
  readonly epoch: number;
}

/** What the job asks of the control thread. */
export interface IngestJobHooks {
  /** More files; none when there are no more. */
  next(): Promise<readonly FileToIngest[]>;
  known(chunks: readonly ChunkId[]): Promise<readonly boolean[]>;
  pack(pack: PackToSend): Promise<void>;
  /** Bytes read since the last call. */
  progress(bytes: number): Promise<void>;
}

export interface SealingContext {
  readonly disk: Disk;
  readonly keys: VaultKeys;
  readonly random: Random;
  readonly stop: Stop;
  readonly memory: PackMemory;
}

/**
 * When it resolves, every chunk of every content it answers is known or in a pack that was taken. A file's own
 * trouble is its result; what a hook throws passes through.
 */
export async function ingest(
  context: SealingContext,
  request: IngestRequest,
  hooks: IngestJobHooks,
): Promise<IngestResult[]> {
  const job = new Ingest(context, request, hooks);
  try {
    return await job.run();
  } finally {
    job.end();
  }
}

interface Candidate {
  readonly id: ChunkId;
  /** In the buffer, or on its own. Good until the batch is settled. */
  readonly bytes: Uint8Array;
}

type Failure = Extract<IngestResult, { ok: false }>['why'];

class FileFailure extends Error {
  override readonly name = 'FileFailure';
  readonly why: Failure;

  constructor(why: Failure) {
    super(why);
    this.why = why;
  }
}

class Ingest {
  readonly #context: SealingContext;
  readonly #hooks: IngestJobHooks;
  readonly #chunker: Chunker;
  readonly #packs: PackBuilder;
  #buffer = Buffer.alloc(0);
  #filled = 0;
  #batch: Candidate[] = [];
  readonly #settled = new Set<ChunkId>();
  #read = 0;
  /** Where the present file's part of batch and buffer begins. */
  #own = { batched: 0, filled: 0 };
  /** What kept a batch from being settled: no file's own trouble, even when it is a DiskError. */
  #unsettled: unknown = null;

  constructor(context: SealingContext, request: IngestRequest, hooks: IngestJobHooks) {
    const { keys, random } = context;
    const { epoch } = request;
    this.#context = context;
    this.#hooks = hooks;
    this.#chunker = new Chunker(keys.chunkerKey());
    this.#packs = new PackBuilder({
      keys,
      epoch,
      random,
      send: (pack) => hooks.pack(pack),
      memory: context.memory,
    });
  }

  async run(): Promise<IngestResult[]> {
    const results: IngestResult[] = [];
    const first = await this.#hooks.next();
    const bytes = first.reduce((sum, file) => sum + (file.size ?? MAX_CHUNK_BYTES), 0);
    this.#buffer = Buffer.allocUnsafeSlow(bytes < MAX_CHUNK_BYTES ? SMALL_BUFFER_BYTES : BUFFER_BYTES);
    for (let files = first; files.length > 0; files = await this.#hooks.next()) {
      for (const file of files) {
        this.#context.stop.throwIfAborted();
        results.push(await this.#ingest(file));
        if (this.#buffer.length - this.#filled < MAX_CHUNK_BYTES || this.#batch.length >= MAX_BATCH) {
          await this.#settle();
          this.#filled = 0;
        }
      }
    }
    await this.#settle();
    await this.#packs.finish();
    return results;
  }

  /** Lets go of what was sealed and not sent. */
  end(): void {
    this.#packs.end();
  }

  async #ingest(file: FileToIngest): Promise<IngestResult> {
    const { id, path } = file;
    this.#own = { batched: this.#batch.length, filled: this.#filled };
    try {
      // Opening a pipe would wait for its other end, so the type comes first.
      const seen = this.#context.disk.lstat(path);
      if (seen === null) throw new FileFailure('gone');
      if (seen.type !== file.type) throw new FileFailure('not-a-file');
      return file.type === 'symlink' ? this.#ingestLink(id, path, seen) : await this.#ingestFile(id, path);
    } catch (error) {
      const why = this.#unsettled === error ? null : failureOf(error);
      if (why === null) throw error;
      this.#batch.length = this.#own.batched; // what was not asked about yet is not wanted
      this.#filled = this.#own.filled;
      return { id, ok: false, why };
    }
  }

  #ingestLink(id: NodeId, path: string, before: DiskStat): IngestResult {
    const { disk } = this.#context;
    const target = Buffer.from(disk.readLink(path), 'utf8');
    const after = disk.lstat(path);
    if (after === null || !sameStat(before, after)) throw new FileFailure('changed');
    const content = this.#contentBuilder();
    content.add(this.#candidate(target), target.length);
    this.#read += target.length;
    return { id, ok: true, content: content.finish(), stat: after };
  }

  async #ingestFile(id: NodeId, path: string): Promise<IngestResult> {
    const { disk } = this.#context;
    const handle = disk.open(path, 'read');
    try {
      const before = disk.stat(handle);
      if (before.type !== 'file') throw new FileFailure('not-a-file');
      const content = this.#contentBuilder();
      await this.#readChunks(handle, before, content);
      const after = disk.stat(handle);
      if (!sameStat(before, after)) throw new FileFailure('changed');
      return { id, ok: true, content: content.finish(), stat: after };
    } finally {
      disk.close(handle);
    }
  }

  async #readChunks(handle: number, before: DiskStat, content: ContentBuilder): Promise<void> {
    const { disk, stop } = this.#context;
    const { size } = before;
    let start = this.#filled;
    for (let position = 0; position < size;) {
      const room = this.#buffer.subarray(this.#filled, this.#filled + size - position);
      const count = disk.read(handle, room, position);
      if (count === 0) throw new FileFailure('changed');
      position += count;
      this.#filled += count;
      this.#read += count;
      const last = position >= size;
      while (this.#filled - start >= (last ? 1 : MAX_CHUNK_BYTES)) {
        const end = this.#chunker.cut(this.#buffer, start, this.#filled);
        content.add(this.#candidate(this.#buffer.subarray(start, end)), end - start);
        start = end;
      }
      if (!last && this.#filled === this.#buffer.length) {
        stop.throwIfAborted();
        // Before a file that is being written is sealed to its end in vain.
        if (!sameStat(before, disk.stat(handle))) throw new FileFailure('changed');
        await this.#settle();
        this.#own = { batched: 0, filled: 0 };
        this.#buffer.copyWithin(0, start, this.#filled);
        this.#filled -= start;
        start = 0;
      }
    }
  }

  #contentBuilder(): ContentBuilder {
    return new ContentBuilder(this.#chunker, (list) => this.#candidate(list));
  }

  #candidate(bytes: Uint8Array): ChunkId {
    const id = this.#context.keys.chunkId(bytes);
    this.#batch.push({ id, bytes });
    return id;
  }

  async #settle(): Promise<void> {
    try {
      await this.#sealBatch();
    } catch (error) {
      this.#unsettled = error;
      throw error;
    }
  }

  /** Seals what the batch holds and the vault does not. */
  async #sealBatch(): Promise<void> {
    const fresh = new Map<ChunkId, Uint8Array>();
    for (const { id, bytes } of this.#batch) if (!this.#settled.has(id)) fresh.set(id, bytes);
    this.#batch = [];
    const ids = [...fresh.keys()];
    const known = ids.length === 0 ? [] : await this.#hooks.known(ids);
    if (known.length !== ids.length) throw new Error('an answer for each chunk is needed');
    let at = 0;
    for (const [id, bytes] of fresh) {
      if (known[at] === false) await this.#packs.add(id, bytes);
      at += 1;
      this.#remember(id);
    }
    const read = this.#read;
    this.#read = 0;
    if (read > 0) await this.#hooks.progress(read);
  }

  #remember(id: ChunkId): void {
    if (this.#settled.size >= MAX_SETTLED) {
      for (const oldest of this.#settled) {
        this.#settled.delete(oldest);
        break;
      }
    }
    this.#settled.add(id);
  }
}

/** Null for what is not the trouble of one file. */
function failureOf(error: unknown): Failure | null {
  if (error instanceof FileFailure) return error.why;
  if (!(error instanceof DiskError)) return null;
  return error.code === 'not-found' ? 'gone' : error.code;
}

function sameStat(before: DiskStat, after: DiskStat): boolean {
  return (
    after.type === before.type &&
    after.size === before.size &&
    after.mtimeUs === before.mtimeUs &&
    after.ctimeUs === before.ctimeUs &&
    after.ino === before.ino &&
    after.dev === before.dev
  );
}
