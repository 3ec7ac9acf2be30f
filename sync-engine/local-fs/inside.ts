/**
 * Ways into a pair's folder that no link leads out of: a folder below the root is opened step by step, each
 * step refusing links, and is then acted in through its handle (security.md, MS-18).
 */
import { DiskError, type Disk, type DiskStat, type OpenMode } from './disk.ts';

/** The parts of a path relative to the pair's folder; '' has none. Throws on one that could lead elsewhere. */
export function partsOf(path: string): string[] {
  if (path === '') return [];
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw new DiskError('illegal-name', 'path');
  }
  return parts;
}

/** [folder, name] of a relative path; throws as partsOf, and for the pair's folder itself. */
export function splitPath(path: string): [folder: string, name: string] {
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined) throw new DiskError('illegal-name', 'path');
  return [parts.join('/'), name];
}

/**
 * Opens a folder below `root`; the caller closes the handle.
 * Throws DiskError: `is-a-link` or `not-a-folder` when a step is not a folder, `not-found` when one is missing.
 */
export function openBelow(disk: Disk, root: string, folder: string): number {
  const parts = partsOf(folder);
  let handle = disk.openFolder(root);
  for (const part of parts) {
    const above = handle;
    try {
      handle = disk.openFolder(disk.inFolder(above, part));
    } finally {
      disk.close(above);
    }
  }
  return handle;
}

/** Runs `action` with the folder held. Throws as openBelow, and whatever the action throws. */
export function withFolder<T>(disk: Disk, root: string, folder: string, action: (handle: number) => T): T {
  const handle = openBelow(disk, root, folder);
  try {
    return action(handle);
  } finally {
    disk.close(handle);
  }
}

/** The lstat of a path below the root, null when it or a folder above it is missing. Throws as openBelow. */
export function lstatInside(disk: Disk, root: string, path: string): DiskStat | null {
  const [folder, name] = splitPath(path);
  try {
    return withFolder(disk, root, folder, (handle) => disk.lstat(disk.inFolder(handle, name)));
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === 'not-found') return null;
    throw cause;
  }
}

/** Opens a file below the root, following no link anywhere. Throws as openBelow and Disk.open. */
export function openInside(disk: Disk, root: string, path: string, mode: OpenMode): number {
  const [folder, name] = splitPath(path);
  return withFolder(disk, root, folder, (handle) => disk.open(disk.inFolder(handle, name), mode));
}

/**
 * The whole of a small file. Throws DiskError; `unsupported` when it is no file or above `limit` bytes.
 * `path` may come from inFolder.
 */
export function readSmallFile(disk: Disk, path: string, limit: number): Uint8Array {
  const handle = disk.open(path, 'read');
  try {
    const { type, size } = disk.stat(handle);
    if (type !== 'file' || size > limit) throw new DiskError('unsupported', 'readSmallFile');
    const buffer = new Uint8Array(size);
    return buffer.subarray(0, disk.read(handle, buffer, 0));
  } finally {
    disk.close(handle);
  }
}

/** Writes a file that is not there yet. Throws DiskError. */
export function writeNewFile(disk: Disk, path: string, bytes: Uint8Array): void {
  const handle = disk.open(path, 'create');
  try {
    disk.write(handle, bytes, 0);
  } finally {
    disk.close(handle);
  }
}
