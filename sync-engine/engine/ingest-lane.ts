/**
 * Reading on the way up: takes nodes whose content must be known, has them read, chunked and sealed in
 * workers, sends the packs, and writes the content into the local tree. After that the next plan commits
 * them; a lost race at the commit never costs a second read.
 */
import { MAX_INLINE_PACK_BYTES, MIB } from '../../protocol/limits.ts';
import type { ChunkId, NodeId, PackName } from '../../protocol/ids.ts';
import { isSame, type KnownStat } from '../local-fs/subtree.ts';
import type { LocalNode, Manifest } from '../manifest/manifest.ts';
import type { FileToIngest, IngestResult, PackToSend, VaultTransfer } from '../transfer/sealing-jobs.ts';
import type { Books } from './books.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { PackUploads } from './pack-uploads.ts';
import type { PairDisk } from './pair-disk.ts';
import { standingPath } from './paths.ts';

const MAX_FILES = 2000;
const MAX_BYTES = 32 * MIB;
/** Two at a time: one is read and sealed while the packs of the other are sent. */
const LANES = 2;

export interface IngestLaneParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly transfer: VaultTransfer;
  readonly uploads: PackUploads;
  readonly commits: CommitQueue;
  readonly disk: Pick<PairDisk, 'absolute' | 'mtimeOf'>;
  readonly signal: AbortSignal;
  /** What adds bytes is not to be read: it could not be stored. */
  readonly isFull: () => boolean;
  readonly hooks: {
    /** Something was read (or could not be): plan again. */
    done(id: NodeId): void;
    failed(id: NodeId, result: Extract<IngestResult, { ok: false }>): void;
    /** It was read, and what it relies on did not reach the account. */
    unsent(id: NodeId): void;
    /** It stands nowhere: a folder above it went meanwhile. */
    unreachable(id: NodeId): void;
    crashed(error: unknown): void;
  };
}

export class IngestLane {
  readonly #parts: IngestLaneParts;
  readonly #waiting = new Set<NodeId>();
  /** With its row as it was when reading began. */
  readonly #reading = new Map<NodeId, LocalNode>();
  /** Packs that a node's chunks lie in, between reading and commit. */
  readonly #relies = new Map<NodeId, readonly PackName[]>();
  #lanes = 0;

  constructor(parts: IngestLaneParts) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#waiting.size > 0 || this.#lanes > 0;
  }

  has(id: NodeId): boolean {
    return this.#waiting.has(id) || this.#reading.has(id);
  }

  add(id: NodeId): void {
    if (!this.#reading.has(id)) this.#waiting.add(id);
  }

  /** The packs a node that was read relies on; undefined when it was not read since the engine started. */
  relies(id: NodeId): readonly PackName[] | undefined {
    return this.#relies.get(id);
  }

  forget(id: NodeId): void {
    this.#relies.delete(id);
  }

  /** Starts what can be started. */
  pump(): void {
    if (this.#parts.isFull()) {
      const ids = [...this.#waiting];
      this.#waiting.clear();
      for (const id of ids) this.#parts.hooks.done(id);
    }
    while (this.#lanes < LANES && this.#waiting.size > 0 && !this.#parts.signal.aborted) {
      const files = this.#takeBatch();
      if (files.length === 0) continue;
      this.#lanes += 1;
      this.#run(files)
        .catch((error: unknown) => {
          this.#parts.hooks.crashed(error);
        })
        .finally(() => {
          this.#lanes -= 1;
          for (const file of files) this.#reading.delete(file.id);
          for (const file of files) this.#parts.hooks.done(file.id);
          this.pump();
        });
    }
  }

  #takeBatch(): FileToIngest[] {
    const { pair } = this.#parts.books;
    const files: FileToIngest[] = [];
    let bytes = 0;
    for (const id of this.#waiting) {
      if (files.length >= MAX_FILES || bytes >= MAX_BYTES) break;
      this.#waiting.delete(id);
      const local = pair.local.get(id);
      const path = local === undefined ? null : standingPath(pair, id);
      if (local === undefined || local.type === 'folder') {
        this.#parts.hooks.done(id);
        continue;
      }
      if (path === null) {
        this.#parts.hooks.unreachable(id);
        continue;
      }
      this.#reading.set(id, local);
      files.push({ id, path: this.#parts.disk.absolute(path), type: local.type, size: local.size });
      bytes += local.size;
    }
    return files;
  }

  async #run(files: readonly FileToIngest[]): Promise<void> {
    const { books, manifest, transfer, uploads, commits, hooks, isFull, signal } = this.#parts;
    const { vault } = books;
    const sent: PackName[] = [];
    const relied = new Set<PackName>();
    let held: PackToSend | null = null;
    const results = await transfer.ingest(
      files,
      {
        known: (chunks) => Promise.resolve(chunks.map((chunk) => this.#isKnown(chunk, relied))),
        pack: async (pack) => {
          uploads.record(pack);
          sent.push(pack.name);
          // The first small pack waits: if it stays the only one it travels inside the commit.
          if (held === null && sent.length === 1 && pack.size <= MAX_INLINE_PACK_BYTES) {
            held = pack;
            return;
          }
          await uploads.send(pack, signal);
        },
      },
      signal,
    );
    const small = held as PackToSend | null;
    if (small !== null && !(sent.length === 1 && commits.offerInline(small.name, small.bytes))) {
      await uploads.send(small, signal);
    }
    const arrived = await Promise.all(
      [...sent, ...relied].map(async (name) => commits.carries(name) || uploads.acknowledged(name)),
    );
    const allThere = arrived.every(Boolean);
    const packs = [...sent, ...relied];
    manifest.transaction(() => {
      for (const result of results) {
        if (!result.ok) {
          hooks.failed(result.id, result);
          continue;
        }
        // What it relies on is not stored: it stays unread, and is read again.
        if (!allThere && result.content.list.length > 0) {
          // Without room it waits for that, and at a stop for the next start.
          if (!isFull() && !signal.aborted) hooks.unsent(result.id);
          continue;
        }
        // A scan saw it change while packs were on their way: what was read is not what is there.
        if (!this.#isStill(result.id, result.stat)) continue;
        vault.putContent(result.content);
        if (this.#wasRead(result)) {
          this.#relies.set(result.id, packs);
        }
      }
    });
  }

  #wasRead({ id, content, stat }: Extract<IngestResult, { ok: true }>): boolean {
    const { books, disk } = this.#parts;
    const local = books.pair.local.get(id);
    if (local === undefined) return false;
    const mtimeUs = disk.mtimeOf(local.mtimeUs, stat.mtimeUs);
    const isHere = books.read(id, content.id, content.size, { ...stat, mtimeUs });
    // Read from memory, and it may never have reached the disk: after a loss of power it would be there with other
    // bytes under the same times, which no scan sees, or be gone as if somebody had removed it.
    if (isHere && local.type === 'file')
      books.pair.markUnsettled(id, { content: content.id, mtimeUs, ino: stat.ino });
    return isHere;
  }

  /** Whether no scan has seen another file there than the one that was read. */
  #isStill(id: NodeId, read: KnownStat): boolean {
    const before = this.#reading.get(id);
    const now = this.#parts.books.pair.local.get(id);
    if (before === undefined || now === undefined) return false;
    return isSame(now, before, 'with ctime') || isSame(read, now, 'with ctime');
  }

  #isKnown(chunk: ChunkId, relied: Set<PackName>): boolean {
    const pack = this.#parts.books.vault.packHolding(chunk);
    if (pack === undefined) return false;
    relied.add(pack.name);
    return true;
  }
}
