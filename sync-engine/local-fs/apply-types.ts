/** What the engine asks of the disk and what it hears back. Plain data: it crosses to a worker thread. */
import type { NodeId } from '../../protocol/ids.ts';
import type { Capabilities } from './capabilities.ts';
import type { DiskErrorCode, DiskStat } from './disk.ts';
import type { RootExpectation, RootProblem } from './root-marker.ts';
import type { KnownEntry, KnownStat, SubtreeDifference } from './subtree.ts';

/**
 * All paths are relative to the pair, with local names. `staged` is a name in `.coffre/staging`. Where a
 * `KnownStat` is asked for, it is what the local tree holds of the node; null says that nothing may be there.
 */
export type ApplyOperation =
  | { readonly kind: 'make-folder'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'place-file';
      readonly staged: string;
      readonly path: string;
      readonly known: KnownStat | null;
      readonly mode: number;
      readonly mtimeUs: number;
    }
  | {
      readonly kind: 'place-link';
      readonly target: string;
      readonly path: string;
      readonly known: KnownStat | null;
    }
  /** Makes a folder in staging, and the folders in it, for files to be written to. */
  | {
      readonly kind: 'stage-folder';
      readonly staged: string;
      readonly inside: readonly Pick<StagedEntry, 'path' | 'type'>[];
    }
  /** Removes a folder from staging. */
  | { readonly kind: 'drop-staged'; readonly staged: string }
  /** A whole new folder, built in staging, by one rename. */
  | {
      readonly kind: 'place-folder';
      readonly staged: string;
      readonly path: string;
      readonly mode: number;
      /** Everything in it; what differs is `blocked` with `staging`. */
      readonly inside: readonly StagedEntry[];
    }
  | { readonly kind: 'move'; readonly from: string; readonly to: string; readonly known: KnownStat }
  | { readonly kind: 'park'; readonly path: string; readonly id: NodeId; readonly known: KnownStat }
  | { readonly kind: 'unpark'; readonly id: NodeId; readonly path: string }
  /** What is parked under the id, to the local trash, as coming from `path`. Where it is not there, nothing is done. */
  | { readonly kind: 'trash-parked'; readonly id: NodeId; readonly path: string }
  | {
      readonly kind: 'set-attributes';
      readonly path: string;
      readonly known: KnownStat;
      readonly mode: number;
      /** Null leaves it (folders, links). */
      readonly mtimeUs: number | null;
    }
  /** To the local trash; of a folder with all that is in it, which must be what is known. */
  | {
      readonly kind: 'remove';
      readonly path: string;
      readonly known: KnownStat;
      readonly inside: readonly KnownEntry[];
    };

/** `path` is relative to the staged folder; a folder stands before what is in it. A link is staged as a file of its target. */
export interface StagedEntry {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'symlink';
  readonly mode: number;
  /** Set on files only. */
  readonly mtimeUs: number;
}

export type StaleCode =
  | 'taken' // something is where nothing should be
  | 'changed' // not what was known
  | 'missing'
  | 'parent-missing'
  | SubtreeDifference; // of a folder to remove

export type BlockedCode =
  | DiskErrorCode
  | RootProblem
  | 'parent-is-link' // a folder above is, or became, a link or no folder
  | 'bad-path'
  | 'staging'; // what should be staged is not, or is not what it should be

export type ApplyResult =
  | {
      readonly outcome: 'applied';
      /** Of what is at the path now; null when nothing is. What another program changed since is not in it. */
      readonly stat: DiskStat | null;
      /** For `place-folder`: everything in it, with paths relative to it. */
      readonly inside: readonly { readonly path: string; readonly stat: DiskStat }[];
    }
  /** Nothing was done, or it was undone: look again and plan again. `found`: what is there, as far as known. */
  | { readonly outcome: 'stale'; readonly code: StaleCode; readonly found: DiskStat | null }
  /** Nothing was done: an issue, and a later attempt. */
  | { readonly outcome: 'blocked'; readonly code: BlockedCode };

export interface ApplyContext {
  /** Absolute. */
  readonly root: string;
  readonly expected: RootExpectation;
  readonly capabilities: Capabilities;
  /** For the local trash; orders nothing. */
  readonly nowMs: number;
  /** Unique for each batch ever run in this pair: letters and digits. */
  readonly batchId: string;
}
