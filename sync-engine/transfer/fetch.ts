/**
 * The way down: resolves lists, keeps what is already here, reads the rest from packs and writes it to staging.
 * Chunks of many files are gathered into one window before packs are read, so files that share a pack share its
 * reads. A chunk that fails fails the files that need it; the others go on.
 */
import { MalformedError } from '../../protocol/bytes.ts';
import type { ChunkId, NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import { KIB, MIB } from '../../protocol/limits.ts';
import { DiskError } from '../local-fs/disk.ts';
import { Basis, LocalChunks } from './basis.ts';
import { ChunkReader, ChunkUnreadable, type ChunkOutcome, type ReadHooks } from './chunk-reader.ts';
import { flattenContent } from './content-lists.ts';
import type { SealingContext } from './ingest.ts';
import type { FetchResult, FileToFetch, ListEntry } from './sealing-jobs.ts';
import { StagedFile, Staging } from './staging.ts';

/** List entries gathered before packs are read. */
const MAX_WINDOW = 32_768;
/** Lists read ahead for files about to be fetched, in bytes, roughly. */
const MAX_LISTS_BYTES = 8 * MIB;
/** What a list takes for each byte of content, with chunks of 256 KiB. */
const LIST_BYTES_RATIO = 40 / (256 * KIB);
const FREE_CHECK_FROM_BYTES = 1 * MIB;

export interface FetchRequest {
  readonly vault: VaultId;
}

/** What the job asks of the control thread. */
export interface FetchJobHooks extends ReadHooks {
  /** More files; none when there are no more. */
  next(): Promise<readonly FileToFetch[]>;
  /** Each file once, in any order. */
  done(results: readonly FetchResult[]): Promise<void>;
}

/** Resolves when every file was reported; rejects when a hook does, or when stopped. */
export async function fetchFiles(
  context: Omit<SealingContext, 'random' | 'memory'>,
  hooks: FetchJobHooks,
): Promise<void> {
  await new Fetch(context, hooks).run();
}

type Failure = Extract<FetchResult, { ok: false }>['why'];

interface Target {
  readonly id: NodeId;
  readonly staged: StagedFile;
  /** Chunks that are listed and not yet written. */
  missing: number;
  /** All of its list was read, and is that of its content. */
  listed: boolean;
  ended: boolean;
}

interface Place {
  readonly target: Target;
  readonly position: number;
  readonly length: number;
}

class Fetch {
  readonly #context: Omit<SealingContext, 'random' | 'memory'>;
  readonly #hooks: FetchJobHooks;
  readonly #reader: ChunkReader;
  readonly #staging: Staging;
  readonly #local: LocalChunks;
  readonly #lists = new Map<ChunkId, Uint8Array>();
  #window = new Map<ChunkId, Place[]>();
  #windowPlaces = 0;
  #reading: Promise<void> = Promise.resolve();
  #results: FetchResult[] = [];

  constructor(context: Omit<SealingContext, 'random' | 'memory'>, hooks: FetchJobHooks) {
    this.#context = context;
    this.#hooks = hooks;
    this.#staging = new Staging(context.disk);
    this.#local = new LocalChunks(context.keys);
    this.#reader = new ChunkReader(context.keys, hooks, context.stop, () => this.#report());
  }

  async run(): Promise<void> {
    try {
      for (let files = await this.#hooks.next(); files.length > 0; files = await this.#hooks.next()) {
        await this.#readLists(files);
        for (const file of files) await this.#fetch(file);
        this.#lists.clear();
      }
      await this.#issueWindow();
      await this.#reading;
      await this.#report();
    } finally {
      this.#staging.closeAll();
    }
  }

  async #report(): Promise<void> {
    const results = this.#results;
    this.#results = [];
    if (results.length > 0) await this.#hooks.done(results);
  }

  /** The lists these files begin with, in one go: one after another each would cost a round trip. */
  async #readLists(files: readonly FileToFetch[]): Promise<void> {
    const wanted = new Set<ChunkId>();
    let bytes = 0;
    for (const content of files.flatMap((file) => [file.content, file.basis?.content])) {
      if (content === undefined || content.depth === 0) continue;
      for (const entry of content.list) {
        bytes += content.depth === 1 ? entry.length * LIST_BYTES_RATIO : MIB;
        if (bytes > MAX_LISTS_BYTES) break;
        wanted.add(entry.chunk);
      }
    }
    if (wanted.size === 0) return;
    const { done } = await this.#reader.issue([...wanted], (id, outcome) => {
      if (outcome.ok) this.#lists.set(id, Uint8Array.from(outcome.bytes));
    });
    await done;
  }

  /** One chunk of a list. @throws ChunkUnreadable */
  async #readList(chunk: ChunkId): Promise<Uint8Array> {
    const read = this.#lists.get(chunk);
    if (read !== undefined) return read;
    const taken: ChunkOutcome[] = [];
    const { done } = await this.#reader.issue([chunk], (_id, outcome) => {
      taken.push(outcome.ok ? { ok: true, bytes: Uint8Array.from(outcome.bytes) } : outcome);
    });
    await done;
    const [outcome] = taken;
    if (outcome === undefined) throw new Error('a chunk that was asked for is taken');
    if (!outcome.ok) throw new ChunkUnreadable(outcome.why, outcome.pack);
    return outcome.bytes;
  }

  async #fetch(file: FileToFetch): Promise<void> {
    this.#context.stop.throwIfAborted();
    const { size } = file.content;
    const staged = new StagedFile(file.stagingPath, size);
    const target: Target = { id: file.id, staged, missing: 0, listed: false, ended: false };
    const readList = (chunk: ChunkId) => this.#readList(chunk);
    let basis: Basis | null = null;
    try {
      this.#checkRoom(file);
      const left = this.#staging.takeUp(staged);
      if (file.basis !== undefined && size > 0) {
        basis = Basis.open(this.#context.disk, this.#local, file.basis, readList);
      }
      await this.#gather(file, target, left, basis);
      target.listed = true;
      this.#endIfWhole(target);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === null) throw error;
      this.#fail(target, failure.why, failure.pack);
    } finally {
      basis?.close();
    }
  }

  /** Writes what is here already, and puts the rest into the window. */
  async #gather(file: FileToFetch, target: Target, left: boolean, basis: Basis | null): Promise<void> {
    const { stop } = this.#context;
    const { staged } = target;
    let position = 0;
    for await (const run of flattenContent(file.content, (chunk) => this.#readList(chunk))) {
      for (const entry of run) {
        if (target.ended) return;
        const at = position;
        position += entry.length;
        if (left && this.#local.read(entry, (buffer) => this.#staging.read(staged, buffer, at)) !== null) {
          stop.throwIfAborted();
          continue;
        }
        const here = (await basis?.find(entry, at)) ?? null;
        if (here !== null) {
          stop.throwIfAborted();
          this.#staging.write(staged, here, at);
          continue;
        }
        target.missing += 1;
        await this.#want(entry, { target, position: at, length: entry.length });
      }
    }
  }

  async #want(entry: ListEntry, place: Place): Promise<void> {
    const places = this.#window.get(entry.chunk);
    if (places === undefined) this.#window.set(entry.chunk, [place]);
    else places.push(place);
    this.#windowPlaces += 1;
    if (this.#windowPlaces >= MAX_WINDOW) await this.#issueWindow();
  }

  async #issueWindow(): Promise<void> {
    const window = this.#window;
    this.#window = new Map();
    this.#windowPlaces = 0;
    if (window.size === 0) return;
    const { done } = await this.#reader.issue([...window.keys()], (id, outcome) => {
      for (const place of window.get(id) ?? []) this.#take(place, outcome);
      window.delete(id);
    });
    const before = this.#reading;
    this.#reading = Promise.all([before, done]).then(() => undefined);
    this.#reading.catch(() => undefined); // awaited at the end
  }

  #take({ target, position, length }: Place, outcome: ChunkOutcome): void {
    if (target.ended) return;
    if (!outcome.ok) {
      this.#fail(target, outcome.why, outcome.pack);
      return;
    }
    if (outcome.bytes.length !== length) {
      // The list says one length, the index another: neither the chunk nor what follows has its place.
      this.#fail(target, 'corrupt', null);
      return;
    }
    try {
      this.#staging.write(target.staged, outcome.bytes, position);
      target.missing -= 1;
      this.#endIfWhole(target);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#fail(target, error.code, null);
    }
  }

  #endIfWhole(target: Target): void {
    if (target.ended || !target.listed || target.missing > 0) return;
    const ino = this.#staging.finish(target.staged);
    target.ended = true;
    this.#results.push({ id: target.id, ok: true, ino });
  }

  #fail(target: Target, why: Failure, pack: PackName | null): void {
    if (target.ended) return;
    target.ended = true;
    this.#staging.abandon(target.staged, why === 'offline');
    this.#results.push({ id: target.id, ok: false, why, pack });
  }

  /** A record may state any size: it is believed only as far as there is room. */
  #checkRoom(file: FileToFetch): void {
    const { size } = file.content;
    if (size < FREE_CHECK_FROM_BYTES) return;
    const folder = file.stagingPath.slice(0, Math.max(1, file.stagingPath.lastIndexOf('/')));
    if (this.#context.disk.freeBytes(folder) < size) throw new DiskError('full', 'stage');
  }
}

/** Null for what is not the trouble of one file. */
function failureOf(error: unknown): { why: Failure; pack: PackName | null } | null {
  if (error instanceof ChunkUnreadable) return { why: error.why, pack: error.pack };
  if (error instanceof MalformedError) return { why: 'corrupt', pack: null };
  if (error instanceof DiskError) return { why: error.code, pack: null };
  return null;
}
