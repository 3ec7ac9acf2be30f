/** Whole subtrees, reached through held folders only: listed to be compared, and removed for good. */
import { isShownAs } from './capabilities.ts';
import { DiskError, type Disk, type DiskStat } from './disk.ts';

/** What is remembered of something on the disk, enough to see that it is still the same. */
export type KnownStat = Pick<DiskStat, 'type' | 'size' | 'mtimeUs' | 'ctimeUs' | 'ino'> & {
  /** What the disk keeps of an mtime; left out, it must be the very same. */
  readonly mtimeGranularityUs?: number;
};

/** `path` is relative to the folder it was listed in. */
export interface KnownEntry {
  readonly path: string;
  readonly stat: KnownStat;
}

/**
 * Whether what is there is what was known. Of a folder only its inode counts (what is in it has its own say);
 * of a link not the mtime, which is kept nowhere. `ctime` is left out after a rename of our own changed it.
 */
export function isSame(found: KnownStat, known: KnownStat, ctime: 'with ctime' | 'without ctime'): boolean {
  if (found.type !== known.type || found.ino !== known.ino) return false;
  if (found.type === 'folder') return true;
  if (ctime === 'with ctime' && found.ctimeUs !== known.ctimeUs) return false;
  return (
    found.size === known.size &&
    (found.type === 'symlink' || isShownAs(known.mtimeUs, found.mtimeUs, known.mtimeGranularityUs ?? 1))
  );
}

/** Everything below a held folder, folders before what is in them. Throws DiskError. */
export function* listTree(
  disk: Disk,
  handle: number,
  prefix = '',
): Generator<{ readonly path: string; readonly stat: DiskStat }> {
  const { entries, invalid } = disk.list(disk.inFolder(handle, '.'));
  // A name that cannot be said cannot be compared: the caller must not take the folder for known.
  for (const name of invalid) yield { path: `${prefix}${name}\0`, stat: UNNAMED };
  for (const { name, stat } of entries) {
    yield { path: prefix + name, stat };
    if (stat.type !== 'folder') continue;
    const inner = disk.openFolder(disk.inFolder(handle, name));
    try {
      yield* listTree(disk, inner, `${prefix}${name}/`);
    } finally {
      disk.close(inner);
    }
  }
}

const UNNAMED: DiskStat = {
  type: 'other',
  mode: 0,
  size: 0,
  mtimeUs: 0,
  ctimeUs: 0,
  birthUs: 0,
  ino: -1,
  dev: -1,
  links: 0,
};

/** Bytes of the file at `path` (from inFolder), or of all files in the folder there. Throws DiskError. */
export function bytesOfTree(disk: Disk, path: string, { type, size }: DiskStat): number {
  if (type !== 'folder') return size;
  const handle = disk.openFolder(path);
  try {
    let sum = 0;
    for (const { stat } of listTree(disk, handle)) sum += stat.type === 'file' ? stat.size : 0;
    return sum;
  } finally {
    disk.close(handle);
  }
}

export type SubtreeDifference = 'changed-inside' | 'unknown-inside' | 'missing-inside';

/** Null when a held folder holds exactly what is known, else the first difference found. Throws DiskError. */
export function compareTree(
  disk: Disk,
  handle: number,
  known: readonly KnownEntry[],
): SubtreeDifference | null {
  const expected = new Map(known.map((entry) => [entry.path, entry.stat]));
  for (const { path, stat } of listTree(disk, handle)) {
    const one = expected.get(path);
    if (one === undefined) return 'unknown-inside';
    if (!isSame(stat, one, 'with ctime')) return 'changed-inside';
    expected.delete(path);
  }
  return expected.size === 0 ? null : 'missing-inside';
}

/**
 * Removes `name` in a held folder for good, with all below it; nothing when it is not there. Follows no link.
 * Throws DiskError; what was removed until then stays removed.
 */
export function removeTree(disk: Disk, handle: number, name: string): void {
  const path = disk.inFolder(handle, name);
  const stat = disk.lstat(path);
  if (stat === null) return;
  if (stat.type !== 'folder') {
    disk.removeFile(path);
    return;
  }
  if ((stat.mode & 0o700) !== 0o700) disk.setMode(path, 0o700);
  const inner = disk.openFolder(path);
  try {
    const { entries, invalid } = disk.list(disk.inFolder(inner, '.'));
    for (const entry of entries) removeTree(disk, inner, entry.name);
    if (invalid.length > 0) throw new DiskError('illegal-name', 'removeTree');
  } finally {
    disk.close(inner);
  }
  disk.removeFolder(path);
}
