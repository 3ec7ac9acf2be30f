/**
 * Nodes that a stop in the middle of a plan left in `.coffre/parked`, or had just brought back. The disk may know
 * of it while the manifest does not, for a batch is written down when it has ended. Looked at before the first
 * scan, to which the empty place would look like a deletion.
 */
import { isId16, type NodeId } from '../../protocol/ids.ts';
import type { LocalNode } from '../manifest/manifest.ts';
import { PARKED_NODE } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { PairDisk } from './pair-disk.ts';
import { remotePath } from './paths.ts';
import { placeOnDisk } from './targets.ts';

type ParkingDisk = Pick<PairDisk, 'parked' | 'trashParked' | 'lstat' | 'nameFor'>;

/** Rows follow the disk; what no row knows goes to the local trash. @throws DiskError */
export function recoverParked(disk: ParkingDisk, books: Books): void {
  const { pair, vault } = books;
  const items = disk.parked();
  const there = new Set(items.map(({ name }) => name));
  for (const row of pair.localChildren(PARKED_NODE))
    if (!there.has(row.id)) recoverBroughtBack(disk, books, row);
  for (const item of items) {
    const id = item.name as NodeId;
    const local = isId16(item.name) ? pair.local.get(id) : undefined;
    if (local?.parked === true) continue;
    const { stat } = item;
    const path = local === undefined ? null : pair.diskPath(id);
    const isIts = local?.ino === stat.ino && local.dev === stat.dev;
    // A second link in its place is the node itself: what is parked is a name too many.
    const isInPlace = path !== null && disk.lstat(path)?.ino === stat.ino;
    if (local !== undefined && isIts && !isInPlace) {
      books.restat(local, stat, { parent: PARKED_NODE, localName: null, parked: true });
      pair.markDirty(id);
    } else {
      disk.trashParked(item, path ?? remotePath(vault.remote, id)?.path.slice(1) ?? item.name);
    }
  }
}

/** It is parked for its row, not on the disk: it was being brought back, or a power loss took the parking back. */
export function recoverBroughtBack(
  disk: Pick<PairDisk, 'lstat' | 'nameFor'>,
  books: Books,
  row: LocalNode,
): void {
  const remote = books.remoteInScope(row.id);
  const place = remote === undefined ? null : placeOnDisk(books, disk, remote.parent, remote.name, row.id);
  if (remote !== undefined && place !== null && 'path' in place) {
    const stat = disk.lstat(place.path);
    if (stat?.ino === row.ino && stat.dev === row.dev) {
      const { parent, name } = remote;
      books.restat(row, stat, { parent, name, localName: place.alias, parked: false });
      books.touched(row.id);
      return;
    }
  }
  // Wherever it is, the scan finds it. That it is not here is nobody's removal.
  books.vanished(row.id);
  books.disown(row.id);
}
