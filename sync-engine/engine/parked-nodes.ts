/**
 * Nodes that a stop in the middle of a plan left in `.coffre/parked`. The disk may know of the parking while the
 * manifest does not, for a batch is written down when it has ended. Looked at before the first scan, to which the
 * empty place would look like a deletion.
 */
import { isId16, type NodeId } from '../../protocol/ids.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import { PARKED_NODE } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { PairDisk } from './pair-disk.ts';
import { remotePath } from './paths.ts';

/** Rows follow the disk; what no row knows goes to the local trash. @throws DiskError */
export function recoverParked(
  disk: Pick<PairDisk, 'parked' | 'trashParked' | 'absolute'>,
  books: Books,
  lstat: (path: string) => DiskStat | null,
): void {
  const { pair, vault } = books;
  for (const item of disk.parked()) {
    const id = item.name as NodeId;
    const local = isId16(item.name) ? pair.local.get(id) : undefined;
    if (local?.parked === true) continue;
    const { stat } = item;
    const path = local === undefined ? null : pair.diskPath(id);
    const isIts = local?.ino === stat.ino && local.dev === stat.dev;
    // A second link in its place is the node itself: what is parked is a name too many.
    const isInPlace = path !== null && lstat(disk.absolute(path))?.ino === stat.ino;
    if (local !== undefined && isIts && !isInPlace) {
      books.restat(local, stat, { parent: PARKED_NODE, localName: null, parked: true });
      pair.markDirty(id);
    } else {
      disk.trashParked(item, path ?? remotePath(vault.remote, id)?.path.slice(1) ?? item.name);
    }
  }
}
