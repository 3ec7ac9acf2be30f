/**
 * A whole new folder, built in `.coffre/staging`: first its folders, then the engine writes the files into it
 * (of a link its target), and before it is put in place everything gets its mode and time.
 */
import { isId16 } from '../../protocol/ids.ts';
import type { StagedEntry } from './apply-types.ts';
import { DiskError, type DirectoryEntry, type Disk, type DiskStat } from './disk.ts';
import { unlessDiskFails } from './displace.ts';
import { readSmallFile, withFolder } from './inside.ts';
import { STAGING } from './root-marker.ts';
import { listTree, removeTree } from './subtree.ts';

/** Of any system that Coffre runs on. */
const MAX_TARGET_BYTES = 4096;

type Planned = Pick<StagedEntry, 'path' | 'type'>;

/**
 * Makes a folder in a held one with the folders that are to be in it. What an interrupted fetch left in it stays
 * for the next one to look at, unless something else is among it. Throws DiskError.
 */
export function makeStagedFolder(
  disk: Disk,
  staging: number,
  name: string,
  inside: readonly Planned[],
): void {
  const path = disk.inFolder(staging, name);
  if (disk.lstat(path) !== null && !mayGoOn(disk, path, inside)) removeTree(disk, staging, name);
  makeIfMissing(disk, path);
  const handle = disk.openFolder(path);
  try {
    for (const entry of inside) {
      if (entry.type === 'folder') makeIfMissing(disk, disk.inFolder(handle, entry.path));
    }
  } finally {
    disk.close(handle);
  }
}

function mayGoOn(disk: Disk, path: string, inside: readonly Planned[]): boolean {
  if (disk.lstat(path)?.type !== 'folder') return false;
  const types = new Map(inside.map((entry) => [entry.path, entry.type === 'folder' ? 'folder' : 'file']));
  const handle = disk.openFolder(path);
  try {
    for (const { path: found, stat } of listTree(disk, handle)) {
      if (types.get(found) !== stat.type || (stat.type === 'file' && stat.links !== 1)) return false;
    }
    return true;
  } finally {
    disk.close(handle);
  }
}

function makeIfMissing(disk: Disk, path: string): void {
  try {
    disk.makeFolder(path, 0o700);
  } catch (cause) {
    if (!(cause instanceof DiskError && cause.code === 'exists')) throw cause;
  }
}

/**
 * Gives everything in a staged folder its mode and time, and makes the links. Returns how each thing is then;
 * null when the folder holds something else than that. Throws DiskError.
 */
export function finishStagedFolder(
  disk: Disk,
  path: string,
  inside: readonly StagedEntry[],
  modes: boolean,
): { path: string; stat: DiskStat }[] | null {
  if (disk.lstat(path)?.type !== 'folder') return null;
  const expected = new Map(inside.map((entry) => [entry.path, entry]));
  const handle = disk.openFolder(path);
  try {
    const found = [...listTree(disk, handle)];
    if (found.length !== expected.size) return null;
    const finished: { path: string; stat: DiskStat }[] = [];
    // What is in a folder before the folder, which may not be entered after.
    for (const { path: name, stat } of found.reverse()) {
      const entry = expected.get(name);
      if (entry === undefined || !isAsStaged(entry, stat)) return null;
      const at = disk.inFolder(handle, name);
      if (entry.type === 'symlink') makeStagedLink(disk, at);
      else if (modes && stat.mode !== entry.mode) disk.setMode(at, entry.mode);
      if (entry.type === 'file' && stat.mtimeUs !== entry.mtimeUs) disk.setMtime(at, entry.mtimeUs);
      const now = disk.lstat(at);
      if (now === null) return null;
      finished.push({ path: name, stat: now });
    }
    return finished;
  } finally {
    disk.close(handle);
  }
}

/** A second link would be a file somewhere else, whose mode it is not ours to set. */
function isAsStaged({ type }: StagedEntry, stat: DiskStat): boolean {
  return type === 'folder' ? stat.type === 'folder' : stat.type === 'file' && stat.links === 1;
}

function makeStagedLink(disk: Disk, path: string): void {
  const target = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text: string;
  try {
    text = target.decode(readSmallFile(disk, path, MAX_TARGET_BYTES));
  } catch (cause) {
    if (cause instanceof TypeError) throw new DiskError('illegal-name', 'makeLink');
    throw cause;
  }
  disk.removeFile(path);
  disk.makeLink(text, path);
}

/** What an engine before this one had begun to stage is of no use to this one; what will not go stays. Throws DiskError. */
export function dropStagedFolders(disk: Disk, root: string): void {
  dropStaged(disk, root, ({ name, stat }) => stat.type === 'folder' || !isDownload(name));
}

/**
 * While nothing is fetched, what is staged is of downloads that were cut short and that nobody came back for: the
 * content moved on, or the file went. What others write there by the way, under names of their own, stays.
 */
export function clearStaging(disk: Disk, root: string): void {
  unlessDiskFails(() => {
    dropStaged(disk, root, ({ name }) => isDownload(name));
  });
}

/** Downloads go by the node they are for. */
function isDownload(name: string): boolean {
  return isId16(name.slice(0, Math.max(0, name.indexOf('-'))));
}

function dropStaged(disk: Disk, root: string, goes: (entry: DirectoryEntry) => boolean): void {
  withFolder(disk, root, STAGING, (staging) => {
    for (const entry of disk.list(disk.inFolder(staging, '.')).entries) {
      if (goes(entry)) unlessDiskFails(() => removeTree(disk, staging, entry.name));
    }
  });
}
