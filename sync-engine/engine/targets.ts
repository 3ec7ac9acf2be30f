/** Where something is put on the disk: whether the place is free, and what it is called there. */
import type { NodeId } from '../../protocol/ids.ts';
import type { Place } from '../plan/base.ts';
import type { Books } from './books.ts';
import type { ExecutorParts } from './executor-parts.ts';
import type { PairDisk } from './pair-disk.ts';

/** The place is free and its folder stands, not beneath the node itself. */
export function isRoom({ pair }: Books, id: NodeId, { parent, name }: Place): boolean {
  const holder = pair.local.child(parent, name);
  if (holder !== undefined && holder.id !== id) return false;
  for (let at = parent; at !== pair.config.bound;) {
    const folder = pair.local.get(at);
    if (folder?.type !== 'folder' || folder.parked || at === id) return false;
    at = folder.parent;
  }
  return true;
}

/** Where a name goes on this disk; raises the issue and answers null when it cannot. */
export function targetOf(
  { books, disk, hooks }: Pick<ExecutorParts, 'books' | 'disk' | 'hooks'>,
  parent: NodeId,
  name: string,
  id: NodeId,
): { path: string; alias: string | null } | null {
  const place = placeOnDisk(books, disk, parent, name, id);
  if (place === null) return null;
  if ('problem' in place) {
    hooks.blocked(id, place.problem);
    return null;
  }
  return place;
}

/** The path of a name in a folder of the account on this disk, and the name's alias there; null: no such folder. */
export function placeOnDisk(
  books: Books,
  disk: Pick<PairDisk, 'nameFor'>,
  parent: NodeId,
  name: string,
  id: NodeId,
): { path: string; alias: string | null } | { readonly problem: string } | null {
  const folder = books.pair.diskPath(parent);
  if (folder === null) return null;
  const chosen = disk.nameFor(parent, name, id);
  if (typeof chosen === 'object') return chosen;
  const path = folder === '' ? chosen : `${folder}/${chosen}`;
  return { path, alias: chosen === name ? null : chosen };
}
