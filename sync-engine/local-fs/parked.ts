/** What lies in `.coffre/parked`: nodes moved aside within one plan, each under its id. */
import type { Disk, DiskStat } from './disk.ts';
import { withFolder, writeNewFile } from './inside.ts';
import { ENTRY_NAME, ITEM_NAME, trashRecordBytes } from './local-trash.ts';
import { PARKED, TRASH } from './root-marker.ts';
import { bytesOfTree } from './subtree.ts';

export interface ParkedItem {
  readonly name: string;
  readonly stat: DiskStat;
}

/** Throws DiskError. */
export function listParked(disk: Disk, root: string): readonly ParkedItem[] {
  return withFolder(disk, root, PARKED, (parked) => disk.list(disk.inFolder(parked, '.')).entries);
}

/**
 * To the local trash, as coming from `path` (relative to the pair). `entry` names it there: ids sort by time.
 * Throws DiskError; what a stop leaves half done is done by the next call or cleared with the trash.
 */
export function trashParked(
  disk: Disk,
  root: string,
  item: ParkedItem,
  to: { readonly entry: string; readonly path: string; readonly nowMs: number },
): void {
  withFolder(disk, root, PARKED, (parked) => {
    withFolder(disk, root, TRASH, (trash) => {
      const from = disk.inFolder(parked, item.name);
      const entry = disk.inFolder(trash, to.entry);
      const record = {
        version: 1,
        path: to.path,
        why: 'moved',
        atMs: to.nowMs,
        bytes: bytesOfTree(disk, from, item.stat),
      } as const;
      disk.makeFolder(entry, 0o700);
      writeNewFile(disk, `${entry}/${ENTRY_NAME}`, trashRecordBytes(record));
      disk.rename(from, `${entry}/${ITEM_NAME}`);
    });
  });
}
