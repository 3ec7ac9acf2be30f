/** What carrying out a plan works with, and what its parts share. */
import type { NodeId } from '../../protocol/ids.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { RemoteOperation } from '../plan/fitting.ts';
import type { Reason } from '../plan/operation.ts';
import type { Trees } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { FetchLane } from './fetch-lane.ts';
import type { IngestLane } from './ingest-lane.ts';
import type { NewFolders } from './new-folders.ts';
import type { PairDisk } from './pair-disk.ts';
import type { VaultLog } from './vault-log.ts';

export interface ExecutorParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly log: VaultLog;
  readonly commits: CommitQueue;
  readonly ingest: IngestLane;
  readonly fetch: FetchLane;
  readonly newFolders: NewFolders;
  readonly disk: PairDisk;
  readonly newId: () => NodeId;
  /** The trees as they are now: what is about to be done is checked against them once more. */
  readonly trees: () => Trees;
  /** Those of one pair's operations that can be one commit now; the commit queue asks. */
  readonly fits: (operations: readonly RemoteOperation[]) => readonly RemoteOperation[];
  readonly hooks: {
    did(id: NodeId, action: string, reason: Reason, bytes: number): void;
    /** The disk refused: an issue, tried again later. */
    blocked(id: NodeId, code: string): void;
    settled(id: NodeId): void;
    /** Its commit was not made: it is planned again. */
    uncommitted(id: NodeId, outcome: 'released' | 'unread'): void;
    /** The local version of `of` is a node of its own now, beside the account's. */
    copied(copy: NodeId, of: NodeId, name: string): void;
    /** The disk differs from what was last seen: scan the folder. */
    rescan(path: string): void;
  };
}

/** After something was done to a node. */
export function touched({ books, hooks }: Pick<ExecutorParts, 'books' | 'hooks'>, id: NodeId): void {
  books.touched(id);
  if (!books.pair.isDirty(id)) hooks.settled(id);
}
