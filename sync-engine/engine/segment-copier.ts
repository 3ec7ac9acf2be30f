/**
 * Copies sealed segments into new packs without sealing them again. Each is opened and its chunks verified on
 * the way, so that damage is never carried into a pack this device signs for. Holds one pack at a time.
 */
import type { ChunkId, PackName, VaultId } from '../../protocol/ids.ts';
import { MAX_PACK_BYTES, MIB, RANGE_ALIGNMENT } from '../../protocol/limits.ts';
import { hashOf } from '../../protocol/signing.ts';
import { sealPackIndex, type IndexChunk, type IndexSegment } from '../crypto/pack-index.ts';
import { padPack } from '../crypto/padding.ts';
import type { Random } from '../crypto/random.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import type { ChunkRow, VaultStore } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import { chunkOf, openSealedSegment } from '../transfer/open.ts';
import type { SegmentToCopy } from './housekeeping.ts';
import { chunkRows } from './pack-rows.ts';

/** Bytes of one read. */
const MAX_READ_BYTES = 4 * MIB;

export interface SegmentCopierParts {
  readonly vault: VaultId;
  readonly store: VaultStore;
  readonly cloud: Pick<Cloud, 'getPack' | 'putPack'>;
  readonly keys: VaultKeys;
  /** Whose K_meta seals the new indexes. */
  readonly epoch: number;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export type CopyOutcome = 'copied' | 'damaged' | 'full';

export class SegmentCopier {
  readonly #parts: SegmentCopierParts;
  #segments: { readonly sealed: Uint8Array; readonly place: IndexSegment }[] = [];
  #chunks: IndexChunk[] = [];
  #held = new Set<ChunkId>();
  #length = 0;
  /** Packs made and stored, in no commit yet. */
  readonly made: PackName[] = [];
  /** Chunks that are in them. */
  readonly carried = new Set<ChunkId>();

  constructor(parts: SegmentCopierParts) {
    this.#parts = parts;
  }

  /** All segments of a pack that are to live on. `damaged`: leave that pack as it is. @throws CloudError */
  async copy(pack: PackName, segments: readonly SegmentToCopy[]): Promise<CopyOutcome> {
    let bytes: Uint8Array = new Uint8Array(0);
    let start = 0;
    for (const segment of segments) {
      this.#parts.signal.throwIfAborted();
      const end = segment.offset + segment.length;
      if (end > start + bytes.length || segment.offset < start) {
        start = segment.offset - (segment.offset % RANGE_ALIGNMENT);
        bytes = await this.#read(pack, start, end, segments);
      }
      const sealed = bytes.subarray(segment.offset - start, end - start);
      const chunks = this.#verified(segment, sealed);
      if (chunks === null) return 'damaged';
      if (this.#length + sealed.length > MAX_PACK_BYTES && !(await this.flush())) return 'full';
      this.#add(segment, sealed, chunks);
    }
    return 'copied';
  }

  #read(pack: PackName, start: number, end: number, segments: readonly SegmentToCopy[]): Promise<Uint8Array> {
    let last = end;
    for (const { offset, length } of segments) {
      const next = offset + length;
      if (offset >= start && next > last && next - start <= MAX_READ_BYTES) last = next;
    }
    const aligned = Math.min(MAX_PACK_BYTES, Math.ceil(last / RANGE_ALIGNMENT) * RANGE_ALIGNMENT);
    return this.#parts.cloud.getPack(this.#parts.vault, pack, start, aligned, this.#parts.signal);
  }

  /** The chunks of a segment, every id computed again; null when one is not what its index says. */
  #verified(segment: SegmentToCopy, sealed: Uint8Array): readonly ChunkRow[] | null {
    const { keys } = this.#parts;
    if (sealed.length !== segment.length) return null;
    const plaintext = openSealedSegment(keys, segment.epoch, sealed);
    if (plaintext === null) return null;
    for (const chunk of segment.chunks) if (chunkOf(keys, plaintext, chunk.id, chunk) === null) return null;
    return segment.chunks;
  }

  #add(segment: SegmentToCopy, sealed: Uint8Array, chunks: readonly ChunkRow[]): void {
    const place = { offset: this.#length, length: sealed.length, epoch: segment.epoch };
    const index = this.#segments.length;
    this.#segments.push({ sealed: Uint8Array.from(sealed), place });
    this.#length += sealed.length;
    for (const chunk of chunks) {
      if (this.#held.has(chunk.id)) continue; // an id may stand in a pack once
      this.#held.add(chunk.id);
      const { id, offset, storedLength, length } = chunk;
      this.#chunks.push({
        id,
        segment: index,
        method: chunk.method === 1 ? 1 : 0,
        offset,
        storedLength,
        length,
      });
    }
  }

  /** Stores the pack under way. False when the account has no room for it. @throws CloudError */
  async flush(): Promise<boolean> {
    if (this.#segments.length === 0) return true;
    const { vault, store, cloud, keys, epoch, random, signal } = this.#parts;
    const bytes = padPack(
      this.#segments.map(({ sealed }) => sealed),
      random,
    );
    const name = hashOf(bytes) as string as PackName;
    const index = { segments: this.#segments.map(({ place }) => place), chunks: this.#chunks };
    const sealed = sealPackIndex(keys, epoch, name, index, random);
    this.#segments = [];
    this.#chunks = [];
    this.#held = new Set();
    this.#length = 0;
    const outcome = await cloud.putPack(vault, name, { size: bytes.length, chunks: () => [bytes] }, signal);
    if (outcome.kind !== 'stored') return false;
    const rows = chunkRows(name, index);
    store.addPack(
      {
        name,
        size: bytes.length,
        indexHash: hashOf(sealed),
        epoch,
        state: 'uploaded',
        trusted: true,
        author: 'self',
        index: sealed,
      },
      rows,
    );
    this.made.push(name);
    for (const { id } of rows) this.carried.add(id);
    return true;
  }
}
