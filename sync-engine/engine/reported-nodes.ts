/**
 * Which nodes of a pair a bug report lists: first those that are not simply in sync, with the folders above them,
 * then others, up to a limit. Reads every row once; between some of them the engine does other things.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import { sameState } from '../plan/base.ts';
import { PARKED_NODE, type Trees } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { PairStore } from '../manifest/manifest.ts';
import { subtree } from './paths.ts';

/** Read in one go. */
const NODES_A_TURN = 2000;

interface Rows {
  readonly pair: PairStore;
  readonly books: Books;
}

export interface ChosenNodes {
  readonly ids: readonly NodeId[];
  readonly leftOut: number;
}

/** @param named nodes that issues and plans are about */
export async function chooseNodes(
  sync: Rows,
  trees: Trees,
  named: Iterable<NodeId>,
  limit: number,
  signal: AbortSignal,
): Promise<ChosenNodes> {
  const { pair } = sync;
  const telling = new Set<NodeId>();
  const plain = new Set<NodeId>();
  let seen = 0;
  for (const id of everyNode(sync)) {
    seen += 1;
    if (seen % NODES_A_TURN === 0) {
      await nextTurn();
      signal.throwIfAborted();
    }
    if (isTelling(sync, trees, id)) {
      if (telling.size < limit) telling.add(id);
    } else if (plain.size < limit) plain.add(id);
  }
  const marked = [
    ...pair.dirty(limit, 0, Number.MAX_SAFE_INTEGER).ids,
    ...pair.unsettled(limit).map(({ id }) => id),
    ...pair.deselected(),
    ...named,
  ];
  const all = new Set<NodeId>();
  for (const id of [...marked, ...telling, ...plain]) {
    if (all.size >= limit) break;
    for (const one of [id, ...above(trees, id)]) if (isNode(one, trees)) all.add(one);
  }
  return { ids: [...all], leftOut: Math.max(0, seen - all.size) };
}

function isNode(id: NodeId, trees: Trees): boolean {
  if (id === trees.bound || id === ROOT_NODE || id === TRASH_NODE || id === PARKED_NODE) return false;
  return [trees.local, trees.remote, trees.synced].some((tree) => tree.get(id) !== undefined);
}

/** Each once: of the account only what is not here, of what was agreed on only what is on neither side. */
function* everyNode({ books, pair }: Rows): Generator<NodeId> {
  const { bound } = pair.config;
  for (const top of [bound, PARKED_NODE]) for (const { id } of books.localSubtreeOf(top)) yield id;
  const { remote } = books.vault;
  for (const child of remote.children(bound)) {
    if (child.id === bound || child.id === TRASH_NODE) continue;
    for (const { id } of subtree(remote, child.id)) if (pair.local.get(id) === undefined) yield id;
  }
  const stack: NodeId[] = [bound];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    for (const { id } of pair.synced.children(next)) {
      stack.push(id);
      if (pair.local.get(id) === undefined && books.remoteInScope(id) === undefined) yield id;
    }
  }
}

function isTelling({ pair, books }: Rows, trees: Trees, id: NodeId): boolean {
  if (pair.isDirty(id)) return true;
  const [local, synced] = [pair.local.get(id), pair.synced.get(id)];
  const remote = books.vault.remote.get(id);
  if (remote?.fault !== null) return true;
  // What is kept out of the folder is not here, and that is in order.
  if (local === undefined) return synced !== undefined || trees.excluded(id) === null;
  return local.parked || synced === undefined || !sameState(local, remote) || !sameState(synced, remote);
}

/** Folders above a node, by each of the trees. */
function above({ local, remote, synced, bound }: Trees, id: NodeId): Set<NodeId> {
  const found = new Set<NodeId>();
  for (const tree of [local, remote, synced]) {
    let at = tree.get(id)?.parent;
    for (let depth = 0; at !== undefined && at !== bound && depth <= MAX_DEPTH + 1; depth += 1) {
      found.add(at);
      at = tree.get(at)?.parent;
    }
  }
  return found;
}
