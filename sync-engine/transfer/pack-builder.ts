/**
 * Gathers chunks into segments and segments into packs: a large chunk is a segment of its own, small ones share
 * one. A finished pack is handed on with its memory; the one after it is built meanwhile, so at most one pack is
 * waiting to be taken.
 */
import { hashOf } from '../../protocol/signing.ts';
import type { ChunkId, PackName } from '../../protocol/ids.ts';
import { KIB, MAX_PACK_BYTES, MIB } from '../../protocol/limits.ts';
import { SEGMENT_OVERHEAD_BYTES } from '../crypto/object.ts';
import { sealPackIndex, type IndexChunk, type IndexSegment } from '../crypto/pack-index.ts';
import { paddedPackSize, padPackInPlace } from '../crypto/padding.ts';
import type { Random } from '../crypto/random.ts';
import { sealSegmentInto } from '../crypto/segment.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { compressChunk } from './compress.ts';
import { releasePackMemory, type PackMemory } from './pack-memory.ts';
import type { LocatedChunk, PackToSend } from './sealing-jobs.ts';

/** Plaintext of a segment that several chunks share. */
const RUN_BYTES = 256 * KIB;
/** Stored chunks of at least this size are segments of their own. */
const LARGE_BYTES = RUN_BYTES / 2;
/** Keeps the index of a pack of tiny chunks under 1 MiB. */
export const MAX_PACK_CHUNKS = 16_384;
/**
 * The first pack is closed at that, each later one at twice as much, up to what a pack may hold: what is sealed first
 * is on its way early, and several packs on the way are not all done at one time.
 */
const FIRST_PACK_BYTES = 4 * MIB;

export interface PackBuilderOptions {
  readonly keys: VaultKeys;
  /** Whose K_data and K_meta seal. */
  readonly epoch: number;
  readonly random: Random;
  readonly send: (pack: PackToSend) => Promise<void>;
  /** For packs above 4 MiB; who is sent one releases it. */
  readonly memory: PackMemory;
}

type RunChunk = Omit<IndexChunk, 'segment'>;

/** Calls throw what `send` throws. */
export class PackBuilder {
  readonly #options: PackBuilderOptions;
  /** Grows with the pack, and goes with it. */
  #pack: Buffer = Buffer.alloc(0);
  #length = 0;
  #closesAt = FIRST_PACK_BYTES;
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

  /** Nothing more is added, and what is not sent yet will not be. */
  end(): void {
    releasePackMemory(this.#pack);
    this.#pack = Buffer.alloc(0);
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
    if (this.#length + length > this.#closesAt) await this.#sendPack();
    const offset = this.#length;
    const segment = this.#segments.length;
    this.#reserve(offset + length);
    sealSegmentInto(keys, epoch, plaintext, random, this.#pack, offset);
    this.#length = offset + length;
    this.#segments.push({ offset, length, epoch });
    for (const chunk of chunks) this.#chunks.push({ ...chunk, segment });
  }

  #reserve(length: number): void {
    const needed = paddedPackSize(length);
    if (needed <= this.#pack.length) return;
    const size = Math.max(RUN_BYTES, needed, 4 * this.#pack.length);
    const grown = size > FIRST_PACK_BYTES ? this.#options.memory.take() : Buffer.allocUnsafeSlow(size);
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
    // What is mostly empty is not held for a small pack.
    const isMostlyEmpty = bytes.length * 2 < this.#pack.length;
    const index = sealPackIndex(keys, epoch, name, { segments, chunks: this.#chunks }, random);
    const pack: PackToSend = {
      name,
      size: bytes.length,
      index,
      indexHash: hashOf(index),
      chunks: this.#chunks.map((chunk) => locate(name, chunk, segments)),
      bytes: isMostlyEmpty ? (new Uint8Array(bytes) as typeof bytes) : bytes,
    };
    if (isMostlyEmpty) releasePackMemory(bytes);
    this.#pack = Buffer.alloc(0);
    this.#length = 0;
    this.#closesAt = Math.min(MAX_PACK_BYTES, 2 * this.#closesAt);
    this.#segments = [];
    this.#chunks = [];
    this.#held.clear();
    for (const { id } of this.#runChunks) this.#held.add(id);
    await this.#sending;
    this.#sending = send(pack);
    // Its failure is thrown by the next `await this.#sending`; until then it is not unhandled.
    // Nor is its memory released here: who was handed it may have it still, and releases it once.
    this.#sending.catch(() => undefined);
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
