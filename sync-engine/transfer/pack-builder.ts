/**
 * Gathers chunks into segments and segments into packs: a large chunk is a segment of its own, small ones share
 * one. A finished pack is spooled, then handed on; the one after it is built meanwhile, so at most one pack is
 * waiting to be taken.
 */
import { hashOf } from '../../protocol/signing.ts';
import type { ChunkId, PackName } from '../../protocol/ids.ts';
import { KIB, MAX_INLINE_PACK_BYTES, MAX_PACK_BYTES } from '../../protocol/limits.ts';
import { SEGMENT_OVERHEAD_BYTES } from '../crypto/object.ts';
import { sealPackIndex, type IndexChunk, type IndexSegment } from '../crypto/pack-index.ts';
import { MIN_PACK_BYTES, padPackInPlace, padme } from '../crypto/padding.ts';
import type { Random } from '../crypto/random.ts';
import { sealSegment } from '../crypto/segment.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import { compressChunk } from './compress.ts';
import type { LocatedChunk, PackToSend } from './sealing-jobs.ts';

/** Plaintext of a segment that several chunks share. */
const RUN_BYTES = 256 * KIB;
/** Stored chunks of at least this size are segments of their own. */
const LARGE_BYTES = RUN_BYTES / 2;
/** Keeps the index of a pack of tiny chunks under 1 MiB. */
export const MAX_PACK_CHUNKS = 16_384;

export interface PackBuilderOptions {
  readonly disk: Disk;
  readonly keys: VaultKeys;
  /** Whose K_data and K_meta seal. */
  readonly epoch: number;
  /** Made when it is missing. */
  readonly spoolFolder: string;
  readonly random: Random;
  readonly send: (pack: PackToSend) => Promise<void>;
}

type RunChunk = Omit<IndexChunk, 'segment'>;

/** Calls throw DiskError when the spool cannot be written, and what `send` throws. */
export class PackBuilder {
  readonly #options: PackBuilderOptions;
  /** Grows to the largest pack built, and is used again for the next. */
  #pack = Buffer.allocUnsafeSlow(RUN_BYTES);
  #length = 0;
  #segments: IndexSegment[] = [];
  #chunks: IndexChunk[] = [];
  readonly #run = Buffer.allocUnsafeSlow(RUN_BYTES);
  #runLength = 0;
  #runChunks: RunChunk[] = [];
  /** What the unfinished pack holds: an id may stand in a pack once. */
  readonly #held = new Set<ChunkId>();
  #sending: Promise<void> = Promise.resolve();

  constructor(options: PackBuilderOptions) {
    this.#options = options;
  }

  /** `plaintext` is not kept. */
  async add(id: ChunkId, plaintext: Uint8Array): Promise<void> {
    if (this.#held.has(id)) return;
    const { method, bytes } = compressChunk(plaintext);
    const chunk = { id, method, storedLength: bytes.length, length: plaintext.length };
    if (bytes.length >= LARGE_BYTES) {
      await this.#addSegment(bytes, [{ ...chunk, offset: 0 }]);
    } else {
      if (this.#runLength + bytes.length > RUN_BYTES) await this.#closeRun();
      this.#run.set(bytes, this.#runLength);
      this.#runChunks.push({ ...chunk, offset: this.#runLength });
      this.#runLength += bytes.length;
    }
    this.#held.add(id);
    if (this.#held.size >= MAX_PACK_CHUNKS) await this.#flush();
  }

  /** Closes the last pack; every pack has been taken when it resolves. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#sending;
  }

  async #closeRun(): Promise<void> {
    if (this.#runChunks.length === 0) return;
    const chunks = this.#runChunks;
    const plaintext = this.#run.subarray(0, this.#runLength);
    this.#runChunks = [];
    this.#runLength = 0;
    await this.#addSegment(plaintext, chunks);
  }

  async #addSegment(plaintext: Uint8Array, chunks: readonly RunChunk[]): Promise<void> {
    const { keys, epoch, random } = this.#options;
    const length = plaintext.length + SEGMENT_OVERHEAD_BYTES;
    if (this.#length + length > MAX_PACK_BYTES) await this.#sendPack();
    const sealed = sealSegment(keys, epoch, plaintext, random);
    const offset = this.#length;
    const segment = this.#segments.length;
    this.#reserve(offset + length);
    this.#pack.set(sealed, offset);
    this.#length = offset + length;
    this.#segments.push({ offset, length, epoch });
    for (const chunk of chunks) this.#chunks.push({ ...chunk, segment });
  }

  #reserve(length: number): void {
    const needed = Math.max(MIN_PACK_BYTES, padme(length));
    if (needed <= this.#pack.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.min(MAX_PACK_BYTES, Math.max(needed, 2 * this.#pack.length)));
    this.#pack.copy(grown, 0, 0, this.#length);
    this.#pack = grown;
  }

  async #flush(): Promise<void> {
    await this.#closeRun();
    await this.#sendPack();
  }

  async #sendPack(): Promise<void> {
    if (this.#segments.length === 0) return;
    const { keys, epoch, random, send } = this.#options;
    const bytes = padPackInPlace(this.#pack, this.#length, random);
    const name = hashOf(bytes) as string as PackName;
    const segments = this.#segments;
    const index = sealPackIndex(keys, epoch, name, { segments, chunks: this.#chunks }, random);
    const pack: PackToSend = {
      name,
      size: bytes.length,
      index,
      indexHash: hashOf(index),
      chunks: this.#chunks.map((chunk) => locate(name, chunk, segments)),
      bytes: bytes.length <= MAX_INLINE_PACK_BYTES ? (new Uint8Array(bytes) as typeof bytes) : null,
      spoolPath: this.#spool(name, bytes),
    };
    this.#length = 0;
    this.#segments = [];
    this.#chunks = [];
    this.#held.clear();
    for (const { id } of this.#runChunks) this.#held.add(id);
    await this.#sending;
    this.#sending = send(pack);
    // Its failure is thrown by the next `await this.#sending`; until then it is not unhandled.
    this.#sending.catch(() => undefined);
  }

  /** No fsync: a spooled pack that a crash damages is no longer its name, and is sealed again. */
  #spool(name: PackName, bytes: Uint8Array): string {
    const { disk, spoolFolder } = this.#options;
    const path = `${spoolFolder}/${name}`;
    const handle = createSpoolFile(disk, spoolFolder, path);
    try {
      disk.write(handle, bytes, 0);
    } catch (error) {
      disk.close(handle);
      disk.removeFile(path);
      throw error;
    }
    disk.close(handle);
    return path;
  }
}

function createSpoolFile(disk: Disk, folder: string, path: string): number {
  try {
    return disk.open(path, 'create');
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    disk.makeFolder(folder, 0o700);
    return disk.open(path, 'create');
  }
}

function locate(pack: PackName, chunk: IndexChunk, segments: readonly IndexSegment[]): LocatedChunk {
  const segment = segments[chunk.segment];
  if (segment === undefined) throw new Error('a chunk of no segment');
  return {
    id: chunk.id,
    pack,
    epoch: segment.epoch,
    segmentOffset: segment.offset,
    segmentLength: segment.length,
    method: chunk.method,
    offset: chunk.offset,
    storedLength: chunk.storedLength,
    length: chunk.length,
  };
}
