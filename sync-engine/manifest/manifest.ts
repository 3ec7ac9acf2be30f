/**
 * The device's manifest: three trees, chunk locations, cursors, unsettled rows, issues. It holds
 * observations, never pending work, and only the engine opens it. All calls are synchronous and cheap (one
 * indexed statement or a few); group them with `transaction`. The SQLite implementation is sqlite-manifest.ts.
 */
import type { SignedHeader } from '../../protocol/commit.ts';
import type { ChunkId, ContentId, DeviceId, Hash, NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import type { NodeState, TreeView } from '../plan/tree.ts';

/** An id of a pair on this device: 8 random bytes in hex. */
export type PairId = string;

export interface ListEntryRow {
  readonly chunk: ChunkId;
  readonly length: number;
}

/** Content as a record states it (transfer's `Content`). */
export interface ContentRow {
  readonly id: ContentId;
  readonly size: number;
  readonly depth: number;
  readonly list: readonly ListEntryRow[];
}

export interface RemoteNode extends NodeState {
  readonly revision: number;
  readonly objectHash: Hash;
  /** The commit that wrote it; 0 where it came with the live state. */
  readonly seq: number;
  /** Why the record cannot be used (unreadable, clash, orphan, cycle); the node then keeps its last good state. */
  readonly fault: string | null;
}

export interface LocalNode extends NodeState {
  /** The name on disk where it is an alias; null when it is `name`. */
  readonly localName: string | null;
  readonly dev: number;
  readonly ino: number;
  readonly birthUs: number;
  readonly ctimeUs: number;
  /** Moved aside to `.coffre/parked/<id>` by the executor. */
  readonly parked: boolean;
}

export interface RemoteView extends TreeView {
  get(id: NodeId): RemoteNode | undefined;
  child(parent: NodeId, name: string): RemoteNode | undefined;
  children(parent: NodeId): Iterable<RemoteNode>;
}

interface LocalView extends TreeView {
  get(id: NodeId): LocalNode | undefined;
  child(parent: NodeId, name: string): LocalNode | undefined;
  children(parent: NodeId): Iterable<LocalNode>;
}

/** What lies directly in a folder of the remote tree. */
export interface FolderContents {
  readonly folder: NodeId;
  /** Files and links, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  readonly folders: readonly NodeId[];
}

/** How far this device has verified a vault's log. */
export interface VaultCursor {
  readonly seq: number;
  readonly hash: Hash;
  readonly epoch: number;
  /** S, the running sum of the live set: 32 bytes of hex. */
  readonly sum: Hash;
  /** Device-chain position of the last commit; a log's never regresses. */
  readonly chainLength: number;
  /** The newest head ever verified, which a rolled-back server falls behind. */
  readonly highSeq: number;
  readonly highHash: Hash;
}

export type PackState =
  | 'sealed' // sealed here, not acknowledged by the server
  | 'uploaded' // acknowledged, in no commit yet
  | 'live'
  | 'dropped';

export interface PackRow {
  readonly name: PackName;
  readonly size: number;
  readonly indexHash: Hash;
  readonly epoch: number;
  readonly state: PackState;
  /** Whether its chunks may be relied on for dedup (uploaded here, signed by a live device of the account, or read back). */
  readonly trusted: boolean;
  /** On whose word: `self` when it was uploaded here; null where it is not known. */
  readonly author: DeviceId | 'self' | null;
  /** For `sealed` and `uploaded`: the sealed index, needed for the commit; null once live. */
  readonly index: Uint8Array | null;
}

export interface ChunkRow {
  readonly id: ChunkId;
  readonly pack: PackName;
  readonly epoch: number;
  readonly segmentOffset: number;
  readonly segmentLength: number;
  readonly method: number;
  readonly offset: number;
  readonly storedLength: number;
  readonly length: number;
}

/** A verified commit of the log. */
export interface HeaderRow {
  readonly seq: number;
  readonly hash: Hash;
  readonly device: DeviceId;
  readonly receivedAtMs: number;
  /** Null for what an older Coffre verified. */
  readonly signed: SignedHeader | null;
  /** How many nodes it changed, by the list its header signs; null where only the header was read. */
  readonly nodes: number | null;
}

export interface VaultStore {
  readonly id: VaultId;
  cursor(): VaultCursor;
  setCursor(cursor: VaultCursor): void;

  /** Views see only rows; TreeView.get returns a RemoteNode. */
  readonly remote: RemoteView;
  /** Inserts or replaces. Does not mark anything dirty. */
  putRemote(node: RemoteNode): void;
  /** After a tombstone. */
  deleteRemote(id: NodeId): void;
  remoteCount(): number;
  /** In one pass over many folders; an empty one has no row. */
  contentsOf(folders: readonly NodeId[]): readonly FolderContents[];
  /** Every live row, streamed in id order (root recomputation, audits). */
  remoteRows(): IterableIterator<RemoteNode>;

  putContent(content: ContentRow): void;
  content(id: ContentId): ContentRow | undefined;

  addHeader(header: HeaderRow): void;
  headerHash(seq: number): Hash | undefined;
  header(seq: number): HeaderRow | undefined;
  /** From `seq` on, oldest first. */
  headersFrom(seq: number, limit: number): readonly HeaderRow[];
  /** Below `seq`, newest first. */
  headersBefore(seq: number, limit: number): readonly HeaderRow[];
  /** How many commits from `fromSeq` on the server received in each `stepMs` since `fromMs`, oldest first. */
  commitsPer(
    stepMs: number,
    fromSeq: number,
    fromMs: number,
  ): readonly { readonly startMs: number; readonly commits: number }[];
  /** The newest commit of each device that was verified. */
  lastSeen(): readonly { device: DeviceId; seq: number; hash: Hash }[];
  deleteHeadersFrom(seq: number): void;

  addPack(pack: PackRow, chunks: readonly ChunkRow[]): void;
  pack(name: PackName): PackRow | undefined;
  setPackState(name: PackName, state: PackState): void;
  /** False: it failed, and is the last to be read where another pack holds a chunk too. */
  setPackTrusted(name: PackName, trusted: boolean): void;
  /** What these devices vouched for, and what nobody known did, is relied on no more. */
  distrustPacksOf(authors: readonly DeviceId[]): void;
  /** Forgets a pack and its chunk rows. */
  deletePack(name: PackName): void;
  packs(state: PackState): readonly PackRow[];
  /** Where to read a chunk: live or uploaded packs, live first. */
  locate(chunk: ChunkId): ChunkRow | undefined;
  /** Where a chunk lies in a dropped pack: readable while it is retained, and needed again once it is revived. */
  locateDropped(chunk: ChunkId): ChunkRow | undefined;
  chunksOf(pack: PackName): readonly ChunkRow[];
  /** The pack that makes a chunk known for dedup (live and trusted, uploaded or sealed here), if any. */
  packHolding(chunk: ChunkId): PackRow | undefined;

  meta(key: string): string | null;
  setMeta(key: string, value: string | null): void;
}

export interface PairConfig {
  readonly id: PairId;
  /** Absolute path of the local folder. */
  readonly folder: string;
  readonly vault: VaultId;
  /** ROOT_NODE or the folder the pair is bound to. */
  readonly bound: NodeId;
}

/** What is in place, or was read there, of a node that is not known to be on stable storage. Microseconds. */
interface UnsettledContent {
  readonly content: ContentId;
  readonly mtimeUs: number;
  /** Null for a link that is put in place: its inode is not known before. */
  readonly ino: number | null;
}

export interface UnsettledMark {
  readonly id: NodeId;
  readonly put: UnsettledContent | null;
  /** What was marked before that, other content, and is not flushed either: a loss of power may bring it back. */
  readonly before: Pick<UnsettledContent, 'content' | 'mtimeUs'> | null;
}

export interface PairStore {
  readonly config: PairConfig;

  readonly local: LocalView;
  putLocal(node: LocalNode): void;
  deleteLocal(id: NodeId): void;
  /** Changes the id; children follow. */
  relabelLocal(from: NodeId, to: NodeId): void;
  localChildren(parent: NodeId): readonly LocalNode[];
  /** By the name on disk. */
  localByDiskName(parent: NodeId, diskName: string): LocalNode | undefined;
  localByIdentity(dev: number, ino: number): readonly LocalNode[];
  localCount(): number;
  /** Relative path on disk with `/`, through aliases; null when an ancestor is missing or parked. '' for bound. */
  diskPath(id: NodeId): string | null;
  /** The node at a relative path on disk; the bound node for ''. */
  localAt(path: string): NodeId | null;

  readonly synced: TreeView;
  putSynced(node: NodeState): void;
  deleteSynced(id: NodeId): void;
  syncedFileCount(): number;
  syncedBytes(): number;

  /** After the put that made it so: its weight for `pending` is taken here. Marked again, it keeps its place. */
  markDirty(id: NodeId): void;
  clearDirty(id: NodeId): void;
  isDirty(id: NodeId): boolean;
  /** Oldest first, after `after` (a cursor from the last call), without those in quarantine at `nowMs`. */
  dirty(
    limit: number,
    after: number,
    nowMs: number,
  ): { readonly ids: readonly NodeId[]; readonly cursor: number };
  dirtyCount(): number;
  /**
   * Nodes whose id begins with a byte from `first` to `last` that are not dirty, though the trees differ about them
   * or only the account has them where their folder is here. An audit: what is deselected or ignored is among them.
   */
  unmarked(first: number, last: number): readonly NodeId[];
  /** Dirty files, and the bytes of theirs that have to travel (a renamed or removed file: none). */
  pending(): { files: number; bytes: number };

  /** Not tried before `untilMs`; `attempts` grows with each call and is returned. */
  quarantine(id: NodeId, untilMs: number): number;
  attempts(id: NodeId): number;
  release(id: NodeId): void;
  /** Releases all whose quarantine ends between the two times, both included. */
  releaseAll(fromMs: number, toMs: number): void;
  /** Null when it is in no quarantine. */
  quarantinedUntil(id: NodeId): number | null;
  /** The earliest `untilMs` of a dirty node after the `nowMs` last given to `dirty`, or null. */
  nextRelease(): number | null;

  /**
   * Applied, or read from the folder, since the last flush of the file system; verified against its content after an
   * unclean stop. The last mark of a node counts.
   * @param content null for what has none
   */
  markUnsettled(id: NodeId, content: UnsettledContent | null): void;
  unsettled(limit: number): readonly UnsettledMark[];
  /** It is on stable storage (called after a flush), or was verified. A newer mark of the node stays. */
  clearUnsettled(mark: UnsettledMark): void;

  deselect(id: NodeId, on: boolean): void;
  deselected(): ReadonlySet<NodeId>;

  meta(key: string): string | null;
  setMeta(key: string, value: string | null): void;
}

export interface IssueRow {
  readonly id: number;
  readonly pair: PairId | null;
  readonly node: NodeId | null;
  readonly code: string;
  readonly path: string;
  readonly reason: string;
  readonly ways: readonly string[];
  readonly sinceMs: number;
}

export interface ActivityRow {
  readonly id: number;
  readonly atMs: number;
  readonly pair: PairId | null;
  readonly path: string;
  readonly action: string;
  readonly reason: string;
  readonly bytes: number;
}

export interface ActivityPage {
  readonly limit: number;
  /** Only rows with a greater id. */
  readonly after: number;
  /** Only rows with a smaller one; null: from the newest. */
  readonly before: number | null;
  readonly actions: readonly string[] | null;
  readonly pair: PairId | null;
}

export interface Manifest {
  /**
   * Nested calls join the outer one. Throws roll back; where a nested throw is caught, the outer one still rolls
   * back and throws. `work` must be synchronous: a promise rolls back and throws.
   */
  readonly transaction: <T>(work: () => T) => T;
  vaults(): readonly VaultId[];
  addVault(id: VaultId): VaultStore;
  vault(id: VaultId): VaultStore;
  removeVault(id: VaultId): void;
  pairs(): readonly PairConfig[];
  addPair(config: PairConfig): PairStore;
  pair(id: PairId): PairStore;
  /** Forgets the trees; touches no file. */
  removePair(id: PairId): void;

  /** One issue a (pair, node or path, code): raising it again updates it. */
  raiseIssue(issue: Omit<IssueRow, 'id'>): number;
  clearIssue(pair: PairId | null, node: NodeId | null, code?: string): void;
  clearIssueAt(pair: PairId, path: string, code?: string): void;
  deleteIssue(id: number): void;
  issue(id: number): IssueRow | undefined;
  issues(): readonly IssueRow[];
  addActivity(row: Omit<ActivityRow, 'id'>): void;
  /** Newest first; `after` for following. Kept to the newest 10,000. */
  activity(limit: number, after?: number): readonly ActivityRow[];
  /** Newest first. */
  activityPage(wanted: ActivityPage): readonly ActivityRow[];

  meta(key: string): string | null;
  setMeta(key: string, value: string | null): void;
  /**
   * Deletes content rows no tree names; returns how many. Dropped packs keep their chunk rows, which a restore
   * needs, until `deletePack`.
   */
  collect(): number;
  /** Flushes the write-ahead log to disk. */
  checkpoint(): void;
  close(): void;
}
