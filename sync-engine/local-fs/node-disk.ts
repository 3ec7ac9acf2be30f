/**
 * The Disk over node:fs. Measured on ext4 with one core: 100,000 files in 1,000 folders listed with their
 * lstat in under a second; bigint stats would cost half as much again, so times come from milliseconds.
 */
import { spawnSync } from 'node:child_process';
import { isUtf8 } from 'node:buffer';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { diskErrorOf, errnoOf } from './disk-errors.ts';
import { DiskError, type DirectoryEntry, type DirectoryListing, type Disk } from './disk.ts';
import type { DiskErrorCode, DiskStat, OpenMode } from './disk.ts';

/** Absent on Windows, where making a link takes a privilege. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_DIRECTORY = 0 } = constants as Partial<typeof constants>;

// O_NONBLOCK: a file swapped for a pipe must not hang the worker in open(2); regular files do not mind it.
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | O_NOFOLLOW,
  update: constants.O_RDWR | O_NOFOLLOW | O_NONBLOCK,
};

/** Linux: a handle that names an inode without the right to read it; missing from fs.constants. */
const O_PATH = 0x200000;
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const LINK = 0o120000;

/** Linux lets a path start at an open folder, which is what openat(2) is for and Node does not offer. */
const HANDLE_PATHS = process.platform === 'linux' && existsSync('/proc/self/fd');

export class NodeDisk implements Disk {
  readonly #folders = new Map<number, string>();

  lstat(path: string): DiskStat | null {
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      return stats === undefined ? null : diskStat(stats);
    } catch (cause) {
      if (errnoOf(cause) === 'ENOTDIR' || errnoOf(cause) === 'ENOENT') return null;
      throw diskErrorOf(cause, 'lstat');
    }
  }

  list(path: string): DirectoryListing {
    const names = this.#onFolder('list', path, () => readdirSync(path));
    if (names.some((name) => name.includes('\uFFFD'))) return this.#listBytes(path);
    return { entries: this.#stats(path, names), invalid: [] };
  }

  readLink(path: string): string {
    try {
      return readlinkSync(path);
    } catch (cause) {
      // EINVAL: what is there is no link.
      if (errnoOf(cause) === 'EINVAL') throw new DiskError('not-found', 'readLink');
      throw diskErrorOf(cause, 'readLink');
    }
  }

  open(path: string, mode: OpenMode): number {
    return run('open', () => openSync(path, FLAGS[mode], 0o600));
  }

  stat(handle: number): DiskStat {
    return run('stat', () => diskStat(fstatSync(handle)));
  }

  read(handle: number, buffer: Uint8Array, position: number): number {
    return run('read', () => {
      let done = 0;
      while (done < buffer.length) {
        const count = readSync(handle, buffer, done, buffer.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  write(handle: number, bytes: Uint8Array, position: number): void {
    run('write', () => {
      let done = 0;
      while (done < bytes.length) {
        done += writeSync(handle, bytes, done, bytes.length - done, position + done);
      }
    });
  }

  truncate(handle: number, size: number): void {
    run('truncate', () => ftruncateSync(handle, size));
  }

  sync(handle: number): void {
    run('sync', () => fsyncSync(handle));
  }

  close(handle: number): void {
    this.#folders.delete(handle);
    run('close', () => closeSync(handle));
  }

  makeFolder(path: string, mode: number): void {
    run('makeFolder', () => mkdirSync(path, { mode }));
  }

  makeLink(target: string, path: string): void {
    run('makeLink', () => symlinkSync(target, path));
  }

  makeHardLink(path: string, newPath: string): void {
    try {
      linkSync(path, newPath);
    } catch (cause) {
      // Linux answers EPERM where the file system has no hard links (FAT) or the kernel protects the file.
      if (errnoOf(cause) === 'EPERM') throw new DiskError('unsupported', 'makeHardLink');
      throw diskErrorOf(cause, 'makeHardLink');
    }
  }

  rename(from: string, to: string): void {
    try {
      renameSync(from, to);
    } catch (cause) {
      throw this.#renameError(cause, from, to);
    }
  }

  removeFile(path: string): void {
    try {
      unlinkSync(path);
    } catch (cause) {
      // macOS and Windows answer EPERM for a folder, Linux EISDIR.
      if (errnoOf(cause) === 'EPERM' && this.#typeAt(path) === 'folder') {
        throw new DiskError('is-a-folder', 'removeFile');
      }
      throw diskErrorOf(cause, 'removeFile');
    }
  }

  removeFolder(path: string): void {
    this.#onFolder('removeFolder', path, () => {
      try {
        rmdirSync(path);
      } catch (cause) {
        if (errnoOf(cause) === 'EEXIST') throw new DiskError('not-empty', 'removeFolder');
        throw cause;
      }
    });
  }

  setMode(path: string, mode: number): void {
    run('setMode', () => {
      if (process.platform === 'win32') {
        chmodSync(path, mode);
        return;
      }
      // chmod(2) follows links; a handle cannot be swapped. O_PATH opens what may not be read.
      const handle = openSync(path, O_NOFOLLOW | (HANDLE_PATHS ? O_PATH : O_NONBLOCK));
      try {
        if (fstatSync(handle).isSymbolicLink()) throw new DiskError('is-a-link', 'setMode');
        if (HANDLE_PATHS) chmodSync(`/proc/self/fd/${handle}`, mode);
        else fchmodSync(handle, mode);
      } finally {
        closeSync(handle);
      }
    });
  }

  setMtime(path: string, mtimeUs: number): void {
    run('setMtime', () => {
      const accessed = lstatSync(path).atimeMs / 1000;
      // As text: Node takes a negative number (before 1970) to mean the present.
      lutimesSync(path, String(accessed), String(mtimeUs / 1e6));
    });
  }

  openFolder(path: string): number {
    try {
      // Windows: the open itself would follow.
      if (O_NOFOLLOW === 0 && this.#typeAt(path) === 'symlink')
        throw new DiskError('is-a-link', 'openFolder');
      const handle = openSync(path, constants.O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
      this.#folders.set(handle, path);
      return handle;
    } catch (cause) {
      // ENOTDIR or ELOOP, by the system, when the last step is a link.
      if (errnoOf(cause) === 'ENOTDIR' && this.#typeAt(path) === 'symlink') {
        throw new DiskError('is-a-link', 'openFolder');
      }
      throw this.#folderError('openFolder', path, cause);
    }
  }

  inFolder(handle: number, name: string): string {
    const path = this.#folders.get(handle);
    if (path === undefined) throw new Error('inFolder: not a held folder');
    return `${HANDLE_PATHS ? `/proc/self/fd/${handle}` : path}/${name}`;
  }

  /**
   * Node has no syncfs(2). With `everything`, sync(1) does it: `-f` one file system on Linux, all of them on
   * macOS. It costs a process (a few milliseconds), which is why the engine flushes rarely.
   */
  flush(path: string, everything: boolean): void {
    if (!everything) {
      const handle = this.openFolder(path);
      try {
        this.sync(handle);
      } finally {
        this.close(handle);
      }
      return;
    }
    if (process.platform === 'win32') throw new DiskError('unsupported', 'flush');
    const args = process.platform === 'linux' ? ['-f', path] : [];
    const { error, status } = spawnSync('sync', args, { stdio: 'ignore' });
    if (errnoOf(error) === 'ENOENT') throw new DiskError('unsupported', 'flush');
    if (error !== undefined) throw diskErrorOf(error, 'flush');
    if (status !== 0) throw new DiskError(this.lstat(path) === null ? 'not-found' : 'io', 'flush');
  }

  freeBytes(path: string): number {
    return run('freeBytes', () => {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    });
  }

  #stats(path: string, names: readonly string[]): DirectoryEntry[] {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const entries: DirectoryEntry[] = [];
    for (const name of names) {
      const stat = this.lstat(prefix + name);
      if (stat !== null) entries.push({ name, stat });
    }
    return entries;
  }

  #listBytes(path: string): DirectoryListing {
    const names: string[] = [];
    const invalid: string[] = [];
    for (const bytes of run('list', () => readdirSync(path, { encoding: 'buffer' }))) {
      if (isUtf8(bytes)) names.push(bytes.toString('utf8'));
      else invalid.push(escapeBytes(bytes));
    }
    return { entries: this.#stats(path, names), invalid };
  }

  #onFolder<T>(call: string, path: string, action: () => T): T {
    try {
      return action();
    } catch (cause) {
      throw this.#folderError(call, path, cause);
    }
  }

  /** ENOTDIR means the last step is no folder, or that one above is none: only a look tells. */
  #folderError(call: string, path: string, cause: unknown): DiskError {
    const code: DiskErrorCode = this.#typeAt(path) === null ? 'not-found' : 'not-a-folder';
    return errnoOf(cause) === 'ENOTDIR' ? new DiskError(code, call) : diskErrorOf(cause, call);
  }

  #renameError(cause: unknown, from: string, to: string): DiskError {
    switch (errnoOf(cause)) {
      case 'ENOTDIR':
        return new DiskError(
          this.#typeAt(from) === 'folder' && this.#typeAt(to) !== null ? 'not-a-folder' : 'not-found',
          'rename',
        );
      case 'EEXIST':
        return new DiskError('not-empty', 'rename');
      case 'EINVAL': // a folder into itself
        return new DiskError('unsupported', 'rename');
      default:
        return diskErrorOf(cause, 'rename');
    }
  }

  #typeAt(path: string): DiskStat['type'] | null {
    try {
      return this.lstat(path)?.type ?? null;
    } catch {
      return null; // it cannot be looked at, so nothing is known of it
    }
  }
}

function run<T>(call: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw diskErrorOf(cause, call);
  }
}

function diskStat(stats: Stats): DiskStat {
  return {
    type: typeOf(stats.mode),
    mode: stats.mode & 0o777,
    size: stats.size,
    mtimeUs: Math.round(stats.mtimeMs * 1000),
    ctimeUs: Math.round(stats.ctimeMs * 1000),
    birthUs: Math.round(stats.birthtimeMs * 1000),
    ino: stats.ino,
    dev: stats.dev,
    links: stats.nlink,
  };
}

function typeOf(mode: number): DiskStat['type'] {
  switch (mode & FILE_TYPE) {
    case REGULAR:
      return 'file';
    case FOLDER:
      return 'folder';
    case LINK:
      return 'symlink';
    default:
      return 'other';
  }
}

/** Printable ASCII as it is, every other byte as `\xNN`. */
function escapeBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}
