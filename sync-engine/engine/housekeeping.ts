/**
 * Housekeeping of one vault, done by one device at a time (an advisory lease; safety never rests on it):
 * tombstones for what lay in the trash for 30 days, packs that no live record needs dropped, packs under
 * half live copied together without re-sealing. Everything it decides is committed like any other change,
 * so a device that saw something newer wins by compare-and-swap.
 */
import type { PackEntry } from '../../protocol/commit.ts';
import { TRASH_NODE, type ChunkId, type NodeId, type PackName } from '../../protocol/ids.ts';
import { MIB, RETENTION_MS } from '../../protocol/limits.ts';
import type { ChunkRow, PackRow } from '../manifest/manifest.ts';
import { entryOf } from './pack-rows.ts';
import { subtree } from './paths.ts';
import { TRASHED_AT } from './log-scope.ts';
import type { VaultLog } from './vault-log.ts';

/** Below this share of live bytes a pack is copied and dropped. */
const LIVE_SHARE = 0.5;
/** When the account is nearly full, anything this dead is worth it. */
const LIVE_SHARE_WHEN_FULL = 0.9;
/** Packs smaller than this are merged, when there are several. */
const SMALL_PACK_BYTES = 1 * MIB;
const SMALL_PACKS_TO_MERGE = 16;
/** Bytes copied in one round: it is rate-limited by being small and rare. */
const MAX_COPY_BYTES = 64 * MIB;
const MAX_TOMBSTONES = 2000;

/** Nodes whose time in the trash is over, children before parents. */
export function expiredNodes(log: VaultLog, nowMs: number, retentionMs = RETENTION_MS): NodeId[] {
  const { store } = log;
  const expired: NodeId[] = [];
  for (const child of store.remote.children(TRASH_NODE)) {
    const at = store.meta(`${TRASHED_AT}${child.id}`);
    if (at === null) {
      // Not seen going: its time begins now, rather than end too early.
      store.setMeta(`${TRASHED_AT}${child.id}`, String(nowMs));
      continue;
    }
    if (nowMs - Number(at) < retentionMs) continue;
    const nodes = [...subtree(store.remote, child.id)].map((node) => node.id).reverse();
    if (expired.length > 0 && expired.length + nodes.length > MAX_TOMBSTONES) break;
    expired.push(...nodes);
  }
  return expired;
}

/** What answers whether a chunk is needed; it may say so of one that is not. */
export interface NeededChunks {
  has(chunk: ChunkId): boolean;
}

export interface PackUse {
  readonly pack: PackRow;
  /** Chunks its index names; 0 when it did not open. */
  readonly chunks: number;
  /** Sealed bytes of the segments that hold a chunk a live record needs. */
  readonly neededBytes: number;
}

/**
 * How much of a live pack is needed. `needed` knows every chunk live records name, lists included. A chunk in
 * several packs counts in the one `locate` reads from.
 */
export function packUse(log: VaultLog, pack: PackRow, needed: NeededChunks): PackUse {
  const { store } = log;
  const chunks = store.chunksOf(pack.name);
  const segments = new Map<number, number>();
  for (const chunk of chunks) {
    if (segments.has(chunk.segmentOffset) || !needed.has(chunk.id)) continue;
    if (store.locate(chunk.id)?.pack === pack.name) segments.set(chunk.segmentOffset, chunk.segmentLength);
  }
  let neededBytes = 0;
  for (const length of segments.values()) neededBytes += length;
  return { pack, chunks: chunks.length, neededBytes };
}

export interface RepackPlan {
  /** Nothing in them is needed. */
  readonly drop: readonly PackEntry[];
  /** Their needed segments are copied into new packs, then they are dropped. */
  readonly copy: readonly PackUse[];
}

export function planRepack(uses: readonly PackUse[], nearlyFull: boolean): RepackPlan {
  const share = nearlyFull ? LIVE_SHARE_WHEN_FULL : LIVE_SHARE;
  const drop: PackEntry[] = [];
  const copy: PackUse[] = [];
  let bytes = 0;
  const small: PackUse[] = [];
  for (const use of uses) {
    // A pack whose index does not open is nobody's to judge.
    if (use.chunks === 0) continue;
    if (use.neededBytes === 0) drop.push(entryOf(use.pack));
    else if (use.neededBytes < use.pack.size * share) {
      if (bytes + use.neededBytes > MAX_COPY_BYTES) continue;
      bytes += use.neededBytes;
      copy.push(use);
    } else if (use.pack.size < SMALL_PACK_BYTES) small.push(use);
  }
  if (small.length >= SMALL_PACKS_TO_MERGE) {
    for (const use of small) {
      if (bytes + use.neededBytes > MAX_COPY_BYTES) break;
      bytes += use.neededBytes;
      copy.push(use);
    }
  }
  // Copying a single pack of one that is as large gains nothing.
  const lone =
    copy.length === 1 && copy[0] !== undefined && copy[0].pack.size - copy[0].neededBytes < 64 * 1024;
  return { drop, copy: lone ? [] : copy };
}

/** A sealed segment of a pack and all the chunks in it. */
export interface SegmentToCopy {
  readonly offset: number;
  readonly length: number;
  readonly epoch: number;
  readonly chunks: readonly ChunkRow[];
}

/** The segments of a pack to copy, in order: those with a chunk that is needed and read from this very pack. */
export function segmentsToCopy(log: VaultLog, pack: PackName, needed: NeededChunks): SegmentToCopy[] {
  const segments = new Map<number, { chunks: ChunkRow[]; isNeeded: boolean }>();
  for (const chunk of log.store.chunksOf(pack)) {
    const segment = segments.get(chunk.segmentOffset) ?? { chunks: [], isNeeded: false };
    segments.set(chunk.segmentOffset, segment);
    segment.chunks.push(chunk);
    segment.isNeeded ||= needed.has(chunk.id) && log.store.locate(chunk.id)?.pack === pack;
  }
  return [...segments.values()].flatMap(({ chunks, isNeeded }) => {
    const [first] = chunks;
    if (first === undefined || !isNeeded) return [];
    return [{ offset: first.segmentOffset, length: first.segmentLength, epoch: first.epoch, chunks }];
  });
}
