/**
 * Work done off the control thread: reading, chunking and sealing on the way up, opening and writing on the
 * way down. Each is a plain function over the Disk port, run in worker threads in the engine and inline in
 * simulation; the ports here are what the control thread calls.
 */
import type {
  ChunkId,
  ContentId,
  Hash,
  NodeId,
  PackName,
  SealedObject,
  SealedPack,
  VaultId,
} from '../../protocol/ids.ts';
import type { DiskErrorCode, DiskStat } from '../local-fs/disk.ts';

/** A stretch of content: a chunk and the content bytes beneath it. */
export interface ListEntry {
  readonly chunk: ChunkId;
  readonly length: number;
}

/** Content as a record states it. depth 0: `list` names the content's chunks; deeper: chunks of lists. */
export interface Content {
  readonly id: ContentId;
  readonly size: number;
  readonly depth: number;
  /** At most MAX_LIST_ENTRIES. */
  readonly list: readonly ListEntry[];
}

/** Where a chunk lies. Offsets and lengths in bytes. */
export interface ChunkLocation {
  readonly pack: PackName;
  /** The segment's epoch, from the pack index: which K_data opens it. */
  readonly epoch: number;
  readonly segmentOffset: number;
  readonly segmentLength: number;
  /** 0 stored, 1 zstd. */
  readonly method: number;
  /** Within the segment's plaintext. */
  readonly offset: number;
  readonly storedLength: number;
  readonly length: number;
}

export interface LocatedChunk extends ChunkLocation {
  readonly id: ChunkId;
}

/** A sealed pack on its way to the account. */
export interface PackToSend {
  readonly name: PackName;
  readonly size: number;
  readonly index: SealedObject;
  readonly indexHash: Hash;
  readonly chunks: readonly LocatedChunk[];
  /** Whoever is handed the pack owns this memory, and alone calls `releasePackMemory`, once. */
  readonly bytes: SealedPack;
}

export interface FileToIngest {
  readonly id: NodeId;
  readonly path: string;
  readonly type: 'file' | 'symlink';
  /** As last seen; only spreads the work. Without it the file counts as small. */
  readonly size?: number;
}

export type IngestResult =
  | {
      readonly id: NodeId;
      readonly ok: true;
      readonly content: Content;
      /** The stat before and after reading, which agreed. */
      readonly stat: DiskStat;
      /** Chunk lists of depth > 0 were sealed too; every chunk of the content is known or in a sent pack. */
    }
  | {
      readonly id: NodeId;
      readonly ok: false;
      readonly why: 'changed' | 'gone' | 'not-a-file' | DiskErrorCode;
    };

export interface IngestHooks {
  /** For each chunk id, whether the vault already holds it (live, or uploaded by this device). */
  known(chunks: readonly ChunkId[]): Promise<readonly boolean[]>;
  /** Called for each finished pack; awaited, which is the back-pressure. */
  pack(pack: PackToSend): Promise<void>;
  /** Bytes read since the last call, for progress. */
  progress?(bytes: number): void;
}

export interface FileToFetch {
  readonly id: NodeId;
  readonly content: Content;
  /**
   * Where the staged file is written, with mode 0600; its folder exists. Removed when the file fails, but kept
   * when the account is out of reach or the fetch is aborted: the next fetch to the same path takes up what
   * verifies, so give it the same path for the same content.
   */
  readonly stagingPath: string;
  /** A local file that probably shares chunks with it (the node's present one): what verifies is not fetched. */
  readonly basis?: { readonly path: string; readonly content: Content };
}

export type FetchResult =
  /** `ino`: of what is staged. */
  | { readonly id: NodeId; readonly ok: true; readonly ino: number }
  | {
      readonly id: NodeId;
      readonly ok: false;
      /** corrupt: a pack, segment or chunk failed verification. missing: no live pack holds a chunk. */
      readonly why: 'corrupt' | 'missing' | 'offline' | DiskErrorCode;
      readonly pack: PackName | null;
    };

/** The two directions, as the engine calls them. One object a vault. */
export interface VaultTransfer {
  readonly vault: VaultId;
  ingest(files: readonly FileToIngest[], hooks: IngestHooks, signal: AbortSignal): Promise<IngestResult[]>;
  /** `done` is called as each file is staged and verified, in any order. Symlink targets are staged as files. */
  fetch(
    files: readonly FileToFetch[],
    done: (result: FetchResult) => void,
    signal: AbortSignal,
  ): Promise<void>;
}
