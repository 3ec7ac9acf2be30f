/**
 * A local file that probably shares chunks with one to be fetched. Its list and the wanted one mostly run side
 * by side, so only the stretch of it around the present place is in memory. Nothing of it is trusted: every
 * chunk is verified as it is read.
 */
import { MalformedError } from '../../protocol/bytes.ts';
import type { ChunkId } from '../../protocol/ids.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { ChunkUnreadable } from './chunk-reader.ts';
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from './chunker.ts';
import { flattenContent } from './content-lists.ts';
import type { Content, ListEntry } from './sealing-jobs.ts';

/** Entries in memory: about 16 GiB of content. */
const MAX_ENTRIES = 65_536;
/** How far its list is read ahead of the wanted place: a shift by an insertion or a removal. */
const AHEAD_BYTES = 4 * 1024 ** 3;

type Runs = AsyncGenerator<readonly ListEntry[], void, void>;

export class Basis {
  readonly #disk: Disk;
  readonly #chunks: LocalChunks;
  readonly #handle: number;
  readonly #runs: Runs;
  readonly #offsets = new Map<ChunkId, number>();
  #listed = 0;
  #ended = false;

  private constructor(disk: Disk, chunks: LocalChunks, handle: number, runs: Runs) {
    this.#disk = disk;
    this.#chunks = chunks;
    this.#handle = handle;
    this.#runs = runs;
  }

  /** Null when the file cannot be read. @param read throws ChunkUnreadable when a list is not to be had */
  static open(
    disk: Disk,
    chunks: LocalChunks,
    basis: { readonly path: string; readonly content: Content },
    read: (chunk: ChunkId) => Promise<Uint8Array>,
  ): Basis | null {
    try {
      const handle = disk.open(basis.path, 'read');
      return new Basis(disk, chunks, handle, flattenContent(basis.content, read));
    } catch (error) {
      if (error instanceof DiskError) return null;
      throw error;
    }
  }

  /** The chunk, verified and good until the next is read, when the file has it near `position`; null otherwise. */
  async find(entry: ListEntry, position: number): Promise<Uint8Array | null> {
    await this.#readTo(position + AHEAD_BYTES);
    const offset = this.#offsets.get(entry.chunk);
    if (offset === undefined) return null;
    return this.#chunks.read(entry, (buffer) => this.#disk.read(this.#handle, buffer, offset));
  }

  async #readTo(position: number): Promise<void> {
    while (!this.#ended && this.#listed < position) {
      try {
        const run = await this.#runs.next();
        if (run.done === true) this.#ended = true;
        else this.#note(run.value);
      } catch (error) {
        // A list that is gone or wrong ends the saving, not the fetch.
        if (!(error instanceof ChunkUnreadable) && !(error instanceof MalformedError)) throw error;
        this.#ended = true;
      }
    }
  }

  #note(run: readonly ListEntry[]): void {
    for (const entry of run) {
      this.#offsets.delete(entry.chunk);
      this.#offsets.set(entry.chunk, this.#listed);
      this.#listed += entry.length;
      if (this.#offsets.size > MAX_ENTRIES) {
        const oldest = this.#offsets.keys().next();
        if (oldest.done !== true) this.#offsets.delete(oldest.value);
      }
    }
  }

  close(): void {
    this.#disk.close(this.#handle);
  }
}

/** Reads chunks from local files into one piece of memory: of a large file that changed, nearly all come this way. */
export class LocalChunks {
  readonly #keys: VaultKeys;
  #memory = Buffer.alloc(0);

  constructor(keys: VaultKeys) {
    this.#keys = keys;
  }

  /** An entry's chunk, good until the next call; null when what is there is another, or cannot be read. */
  read(entry: ListEntry, read: (buffer: Uint8Array) => number): Uint8Array | null {
    if (this.#memory.length < entry.length) {
      const least = entry.length <= MIN_CHUNK_BYTES ? MIN_CHUNK_BYTES : MAX_CHUNK_BYTES;
      this.#memory = Buffer.allocUnsafeSlow(Math.max(entry.length, least));
    }
    const chunk = this.#memory.subarray(0, entry.length);
    try {
      if (read(chunk) < chunk.length) return null;
    } catch (error) {
      if (error instanceof DiskError) return null;
      throw error;
    }
    return this.#keys.chunkId(chunk) === entry.chunk ? chunk : null;
  }
}
