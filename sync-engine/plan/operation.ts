/**
 * What a plan is made of. The executor switches over `kind` exhaustively; an operation whose precondition
 * no longer holds when its turn comes is dropped and its node stays dirty, so the next plan sees the truth.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { NodeState } from './tree.ts';

/** Why an operation is done; shown in `coffre activity`. */
export type Reason =
  | 'created-here'
  | 'edited-here'
  | 'moved-here'
  | 'deleted-here'
  | 'created-elsewhere'
  | 'edited-elsewhere'
  | 'moved-elsewhere'
  | 'deleted-elsewhere'
  | 'both-edited' // conflict copy
  | 'both-created' // the same name on both sides
  | 'both-same' // identical changes
  | 'edit-beats-delete'
  | 'cycle' // moves on two sides that would make a cycle; the log's order stands
  | 'deselected'
  | 'excluded'
  | 'name-taken';

export type Operation =
  /** Read a file or symlink: content id, chunks; seal and upload what the vault does not hold yet. */
  | { readonly kind: 'ingest'; readonly id: NodeId; readonly reason: Reason }

  // To the account. All consecutive ones that fit go into one commit, in this order.
  /** Make the remote state of the node be `state` (create, edit, move, rename, restore from the trash). */
  | { readonly kind: 'put'; readonly id: NodeId; readonly state: NodeState; readonly reason: Reason }
  /** Move the node, and with it its subtree, under the trash node. */
  | { readonly kind: 'trash'; readonly id: NodeId; readonly reason: Reason }

  // To the disk.
  | { readonly kind: 'make-folder'; readonly id: NodeId; readonly state: NodeState; readonly reason: Reason }
  /** Stage the remote content and put it at state's place; replaces the node's own old content there. */
  | { readonly kind: 'fetch'; readonly id: NodeId; readonly state: NodeState; readonly reason: Reason }
  | {
      readonly kind: 'move';
      readonly id: NodeId;
      readonly parent: NodeId;
      readonly name: string;
      readonly reason: Reason;
    }
  /** Move the local node aside (`.coffre/parked/`) so that another can take its name; a later `move` brings it back. */
  | { readonly kind: 'park'; readonly id: NodeId; readonly reason: Reason }
  | {
      readonly kind: 'set';
      readonly id: NodeId;
      readonly mode: number;
      readonly mtimeUs: number;
      readonly reason: Reason;
    }
  /** Move the local node with all beneath it to the local trash. */
  | { readonly kind: 'remove'; readonly id: NodeId; readonly reason: Reason }

  // To the books only.
  /** Local and remote agree: the synced state becomes theirs (or goes, when the node is in neither). */
  | { readonly kind: 'settle'; readonly id: NodeId; readonly reason: Reason }
  /** Drop the synced state without touching disk or account (the node is excluded here). */
  | { readonly kind: 'forget'; readonly id: NodeId; readonly reason: Reason }
  /** The local node `id`, made here on its own, is the remote node `remote`: it takes that id. */
  | { readonly kind: 'adopt'; readonly id: NodeId; readonly remote: NodeId; readonly reason: Reason }
  /**
   * The local content becomes a node of its own: rename on disk to `name` in the same folder, give it a
   * fresh id. The node `id` is then absent here, and the next plan fetches the remote side's version.
   */
  | { readonly kind: 'conflict'; readonly id: NodeId; readonly name: string; readonly reason: Reason }
  /** Give the local node a fresh id (its children follow): its old self went to the trash remotely, this one stays. */
  | { readonly kind: 'renew'; readonly id: NodeId; readonly reason: Reason };

export type OperationKind = Operation['kind'];

/** What the planner needs to name conflict copies; a date is a name here, it orders nothing. */
export interface PlanOptions {
  readonly deviceName: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

/**
 * plan(trees, dirty, options): pure, no I/O, clock, randomness or async; cost O(dirty) (plus the subtree of
 * a folder that goes). Executing the operations in order and planning again with what is still dirty ends
 * in local = remote = synced. Implemented in plan.ts.
 */
export interface Plan {
  readonly operations: readonly Operation[];
  /** Dirty nodes that need nothing done: clear them. */
  readonly clean: readonly NodeId[];
}
