/**
 * Writes what verified commits say into the remote tree. Signatures and roots are checked before; what can
 * still be wrong is a tree fault (unreadable record, orphan, clash, cycle): an issue on that node, the same
 * on every device, while everything else goes on. A faulty node keeps its last good state.
 */
import { ROOT_NODE, TRASH_NODE, ZERO_HASH, type Hash, type NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { NodeRecord } from '../crypto/record.ts';
import type { RemoteNode, VaultStore } from '../manifest/manifest.ts';

/** The parent of nodes that never had a good state: in no pair's scope. */
const NOWHERE = 'ffffffffffffffffffffffffffffffff' as NodeId;
/** The parent of the root node's own record, which carries the vault's name. */
export const ABOVE_ROOT = '00000000000000000000000000000000' as NodeId;

export type TreeFault = 'unreadable' | 'orphan' | 'clash' | 'cycle';

export interface AppliedNode {
  readonly node: NodeId;
  readonly revision: number;
  readonly objectHash: Hash;
  /** Null for a tombstone; a fault where the record does not open. */
  readonly record: NodeRecord | 'unreadable' | null;
}

/** Folders keep no mtime and symlinks no mode or mtime: what differs by platform is no difference. */
function remoteNode(applied: AppliedNode, record: NodeRecord, seq: number): RemoteNode {
  const isFile = record.type === 'file';
  return {
    id: applied.node,
    parent: record.parent,
    name: record.name,
    type: record.type,
    mode: record.type === 'symlink' ? 0o777 : record.mode,
    mtimeUs: isFile ? record.mtimeUs : 0,
    size: record.size,
    content: record.content,
    revision: applied.revision,
    objectHash: applied.objectHash,
    seq,
    fault: null,
  };
}

function keepGood(
  applied: AppliedNode,
  good: RemoteNode | undefined,
  seq: number,
  fault: TreeFault,
): RemoteNode {
  const base: Omit<RemoteNode, 'revision' | 'objectHash' | 'seq' | 'fault'> = good ?? {
    id: applied.node,
    parent: NOWHERE,
    name: applied.node,
    type: 'file',
    mode: 0o600,
    mtimeUs: 0,
    size: 0,
    content: null,
  };
  return { ...base, revision: applied.revision, objectHash: applied.objectHash, seq, fault };
}

/** Whether the node's ancestors end at the root or the trash. */
function pathFault(store: VaultStore, id: NodeId): TreeFault | null {
  let current = id;
  for (let depth = 0; depth <= MAX_DEPTH + 2; depth += 1) {
    if (current === ROOT_NODE || current === TRASH_NODE) return null;
    const node = store.remote.get(current);
    if (node === undefined || node.parent === NOWHERE) return 'orphan';
    if (current !== id && node.type !== 'folder') return 'orphan'; // nothing stands beneath a file or a link
    current = node.parent;
  }
  return 'cycle';
}

function placeFault(store: VaultStore, node: RemoteNode): TreeFault | null {
  if (node.id === ROOT_NODE) return null;
  const trouble = pathFault(store, node.id);
  if (trouble !== null) return trouble;
  if (node.parent === TRASH_NODE) return null; // the trash permits equal names
  for (const sibling of store.remote.children(node.parent)) {
    if (sibling.id !== node.id && sibling.name === node.name) return 'clash';
  }
  return null;
}

/**
 * Applies the nodes of the commit `seq`, or (0) of the live state. Returns the faults found; the caller raises
 * the issues. Clashes are looked for with `child`, so the cost is O(nodes).
 */
export function applyNodes(
  store: VaultStore,
  nodes: readonly AppliedNode[],
  seq: number,
): { readonly node: NodeId; readonly fault: TreeFault }[] {
  const faults: { node: NodeId; fault: TreeFault }[] = [];
  const before = new Map<NodeId, RemoteNode | undefined>();
  for (const applied of nodes) {
    const good = store.remote.get(applied.node);
    before.set(applied.node, good);
    if (applied.objectHash === ZERO_HASH || applied.record === null) {
      store.deleteRemote(applied.node);
    } else if (applied.record === 'unreadable') {
      store.putRemote(keepGood(applied, good, seq, 'unreadable'));
      faults.push({ node: applied.node, fault: 'unreadable' });
    } else {
      const { content, size, depth, list } = applied.record;
      if (content !== null) store.putContent({ id: content, size, depth, list });
      store.putRemote(remoteNode(applied, applied.record, seq));
    }
  }
  for (const applied of nodes) {
    const node = store.remote.get(applied.node);
    if (node?.fault !== null) continue;
    const suspicious =
      node.parent !== TRASH_NODE &&
      node.id !== ROOT_NODE &&
      store.remote.child(node.parent, node.name)?.id !== node.id;
    const trouble = suspicious
      ? placeFault(store, node)
      : node.id === ROOT_NODE
        ? null
        : pathFault(store, node.id);
    if (trouble === null) continue;
    const good = before.get(applied.node);
    store.putRemote(keepGood(applied, good?.fault === null ? good : undefined, seq, trouble));
    faults.push({ node: applied.node, fault: trouble });
  }
  return faults;
}
