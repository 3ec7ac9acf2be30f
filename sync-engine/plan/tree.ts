/**
 * The three trees as the planner sees them: synchronous, read-only. `local` is what the disk was last seen
 * to hold, `remote` what the log says, `synced` what both last agreed on (the merge base).
 */
import type { ContentId, NodeId } from '../../protocol/ids.ts';

/**
 * The parent, in the local tree only, of a node that stands parked (`.coffre/parked/`, named by its id there; the
 * row keeps its last name). It has no place of its own until a `move` brings it back; names may repeat here.
 */
export const PARKED_NODE = '00000000000000000000000000000003' as NodeId;

export type NodeType = 'file' | 'folder' | 'symlink';

/** What a tree holds of a node. Folders: mtimeUs 0, size 0, content null. Symlinks: mode 0o777, mtimeUs 0. */
export interface NodeState {
  readonly id: NodeId;
  readonly parent: NodeId;
  /** The account's name, exact; a local alias never shows here. */
  readonly name: string;
  readonly type: NodeType;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** Signed whole microseconds since 1970. */
  readonly mtimeUs: number;
  /** Content bytes; of a symlink, of its target. */
  readonly size: number;
  /** Null for a folder, and in the local tree for content not read since it was seen to change. */
  readonly content: ContentId | null;
}

export interface TreeView {
  get(id: NodeId): NodeState | undefined;
  /** The node of that exact name. In the remote tree's trash names may repeat; any one is returned. */
  child(parent: NodeId, name: string): NodeState | undefined;
  children(parent: NodeId): Iterable<NodeState>;
}

/** Why a node is kept out of this pair's folder. */
export type Exclusion = 'deselected' | 'ignored';

export interface Trees {
  readonly local: TreeView;
  readonly remote: TreeView;
  readonly synced: TreeView;
  /** The node the pair's folder is bound to: the parent of the folder's own entries in all three trees. */
  readonly bound: NodeId;
  /**
   * Whether the node (by its place in the remote tree, else in the synced tree) is kept out of the folder,
   * itself or through a folder above it. Its absence from the disk then says nothing.
   */
  excluded(id: NodeId): Exclusion | null;
}
