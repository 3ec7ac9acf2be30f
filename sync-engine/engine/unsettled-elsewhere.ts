/**
 * What was put in place, is not known to be on stable storage, and is not in its place after an unclean stop: a person
 * may have moved it, and no scan has seen that. Found by its inode and its time, it is theirs if it is whole; with
 * other bytes the power loss damaged it, and a scan would take it for a new file of theirs.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import type { UnsettledMark } from '../manifest/manifest.ts';
import type { PairDisk } from './pair-disk.ts';

export interface Elsewhere {
  readonly path: string;
  readonly stat: DiskStat;
}

/**
 * By node. Looks through the whole folder, and only when something is missing.
 * @param placeOf the path a node has, or was to get
 */
export async function findElsewhere(
  disk: PairDisk,
  marks: readonly UnsettledMark[],
  placeOf: (id: NodeId) => string | null,
): Promise<ReadonlyMap<NodeId, Elsewhere>> {
  const missing = new Map<number, { readonly id: NodeId; readonly mtimeUs: number }>();
  for (const { id, put } of marks) {
    if (typeof put?.ino !== 'number') continue;
    const path = placeOf(id);
    if (path === null || disk.lstat(path)?.ino !== put.ino)
      missing.set(put.ino, { id, mtimeUs: put.mtimeUs });
  }
  const found = new Map<NodeId, Elsewhere>();
  if (missing.size === 0) return found;
  // What cannot be looked into holds nothing that a scan could take for a person's, either.
  await disk.walk([{ path: '', recursive: true }], (folders) => {
    for (const { path: folder, entries } of folders) {
      for (const { name, stat } of entries) {
        const mark = stat.type === 'file' ? missing.get(stat.ino) : undefined;
        // An inode is given to another file in time; that has a time of its own.
        if (mark === undefined) continue;
        const isPut = disk.mtimeOf(mark.mtimeUs, stat.mtimeUs) === mark.mtimeUs;
        if (isPut) found.set(mark.id, { path: folder === '' ? name : `${folder}/${name}`, stat });
      }
    }
  });
  return found;
}
