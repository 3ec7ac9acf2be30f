/** Moving something to a place where nothing may be overwritten, with what Node offers for that. */
import { DiskError, type Disk, type DiskStat } from './disk.ts';

/**
 * Moves `from`, which nobody else touches, to `to`. `taken` when something is there, and then nothing changed.
 *
 * There is no renameat2(RENAME_NOREPLACE) in Node. A file is linked, which fails on anything in the way, and
 * its old name removed; a symlink is made anew, which fails likewise. A folder is renamed: that can replace an
 * empty folder at most, and nobody loses one. Where hard links are not to be had (FAT), a file is looked for
 * and renamed, and one that appears in between is lost: the time between two system calls.
 */
export function putAt(disk: Disk, from: string, to: string, type: DiskStat['type']): 'put' | 'taken' {
  try {
    switch (type) {
      case 'folder':
        if (disk.lstat(to) !== null) return 'taken';
        renameWhole(disk, from, to);
        return 'put';
      case 'symlink':
        disk.makeLink(disk.readLink(from), to);
        return leave(disk, from);
      case 'file':
      case 'other':
        return putFile(disk, from, to);
    }
  } catch (cause) {
    const inTheWay: readonly string[] = ['exists', 'not-empty', 'not-a-folder', 'is-a-folder'];
    if (cause instanceof DiskError && inTheWay.includes(cause.code)) return 'taken';
    throw cause;
  }
}

function putFile(disk: Disk, from: string, to: string): 'put' | 'taken' {
  try {
    disk.makeHardLink(from, to);
  } catch (cause) {
    if (!(cause instanceof DiskError && cause.code === 'unsupported')) throw cause;
    if (disk.lstat(to) !== null) return 'taken';
    disk.rename(from, to);
    return 'put';
  }
  return leave(disk, from);
}

/** The thing is in its new place; an old name that will not go does not undo that. */
function leave(disk: Disk, from: string): 'put' {
  try {
    disk.removeFile(from);
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
  }
  return 'put';
}

/**
 * Renames; a folder that may not be written is opened up for that and closed again, since its entry `..`
 * changes. Throws DiskError.
 */
export function renameWhole(disk: Disk, from: string, to: string): void {
  try {
    disk.rename(from, to);
  } catch (cause) {
    if (!(cause instanceof DiskError && cause.code === 'permission')) throw cause;
    const stat = disk.lstat(from);
    if (stat?.type !== 'folder' || (stat.mode & 0o300) === 0o300) throw cause;
    disk.setMode(from, stat.mode | 0o700);
    try {
      disk.rename(from, to);
    } catch (again) {
      disk.setMode(from, stat.mode);
      throw again;
    }
    disk.setMode(to, stat.mode);
  }
}
