/**
 * Checks of what is about to be done against what the trees say now. The planner uses them on its own plan,
 * the executor again just before it commits or removes: the same questions, the same answers.
 */
import { TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { samePlace } from './base.ts';
import type { Operation } from './operation.ts';
import { Overlay } from './overlay.ts';
import type { Trees } from './tree.ts';
import { Judge } from './verdict.ts';

export type RemoteOperation = Extract<Operation, { kind: 'put' | 'trash' }>;

/**
 * Those of the operations that can be one commit, in their order: after it every node put is in a folder
 * beneath the bound one (or stays where it is), no name repeats, nothing is in a ring, and nothing that lives
 * goes to the trash with its folder. Only the end counts, so swaps and rotations fit.
 */
export function fitting(trees: Trees, operations: readonly RemoteOperation[]): RemoteOperation[] {
  const judge = new Judge(trees);
  let kept = [...operations];
  for (;;) {
    const fits = onePass(judge, kept);
    if (fits.length === kept.length) return fits;
    kept = fits;
  }
}

function onePass(judge: Judge, operations: readonly RemoteOperation[]): RemoteOperation[] {
  const { trees } = judge;
  const after = new Overlay(trees.remote);
  const folders = new Map<NodeId, boolean>();
  for (const operation of operations) {
    if (operation.kind === 'put') {
      after.move(operation.id, operation.state);
      folders.set(operation.id, operation.state.type === 'folder');
    } else {
      after.move(operation.id, { parent: TRASH_NODE, name: operation.id });
    }
  }
  const isFolder = (id: NodeId) => folders.get(id) ?? trees.remote.get(id)?.type === 'folder';
  const named = new Set<string>();
  return operations.filter((operation) => {
    if (operation.kind === 'trash') return goesWhole(judge, after, operation.id);
    const { id, state } = operation;
    const before = trees.remote.get(id);
    if (before !== undefined && samePlace(before, state)) return true;
    if (state.parent !== trees.bound && !isFolder(state.parent)) return false;
    if (!leadsTo(after, id, trees.bound)) return false;
    const place = `${state.parent}/${state.name}`;
    const holder = trees.remote.child(state.parent, state.name);
    const held = holder !== undefined && holder.id !== id && staysPut(after, holder.id, state);
    if (named.has(place) || held) return false;
    named.add(place);
    return true;
  });
}

function staysPut(after: Overlay, id: NodeId, place: { parent: NodeId; name: string }): boolean {
  const end = after.place(id);
  return end !== undefined && samePlace(end, place);
}

function leadsTo(tree: Overlay, id: NodeId, top: NodeId): boolean {
  for (const above of tree.upFrom(id)) if (above === top) return true;
  return false;
}

function goesWhole(judge: Judge, after: Overlay, id: NodeId): boolean {
  if (judge.verdict(id) !== 'trash') return false;
  return after.children(id).every((child) => {
    switch (judge.verdict(child)) {
      case 'trash':
        return goesWhole(judge, after, child);
      case 'kept-out':
        return true;
      case 'ignored':
        return judge.sides(child).local === undefined;
      default:
        return false;
    }
  });
}

/**
 * Whether the node may go from the disk with all beneath it, as the trees stand: everything in it is gone
 * elsewhere, or deselected and safe in the account. The executor asks again just before it does it, and
 * checks besides that the disk holds nothing the local tree does not know.
 */
export function mayRemove(trees: Trees, id: NodeId): boolean {
  const judge = new Judge(trees);
  const removable = (node: NodeId): boolean => {
    if (!judge.removable(node)) return false;
    for (const child of trees.local.children(node)) if (!removable(child.id)) return false;
    return true;
  };
  return removable(id);
}
