/**
 * The disk as a port. Synchronous: workers call it (promises cost more than the system calls), and a
 * simulated disk can stop the world between any two calls. Paths are absolute, with `/`.
 */
import type { NodeType } from '../plan/tree.ts';

export interface DiskStat {
  /** `other`: sockets, devices, pipes; never synced. */
  readonly type: NodeType | 'other';
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  readonly size: number;
  /** Whole microseconds since 1970. */
  readonly mtimeUs: number;
  readonly ctimeUs: number;
  /** 0 where the file system keeps none. */
  readonly birthUs: number;
  readonly ino: number;
  readonly dev: number;
  readonly links: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly stat: DiskStat;
}

export interface DirectoryListing {
  readonly entries: readonly DirectoryEntry[];
  /** Names that are not UTF-8, with their bytes escaped (`\xNN`): reported, never synced. */
  readonly invalid: readonly string[];
}

export type DiskErrorCode =
  | 'not-found' // also: a folder above is missing
  | 'exists'
  | 'not-a-folder'
  | 'is-a-folder'
  | 'not-empty'
  | 'permission'
  | 'read-only'
  | 'full'
  | 'too-many-open'
  | 'name-too-long'
  | 'illegal-name'
  | 'is-a-link' // where a link is not followed
  | 'cross-device'
  | 'busy'
  | 'unsupported' // links or modes this file system cannot hold
  | 'io';

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;

  constructor(code: DiskErrorCode, call: string, options?: ErrorOptions) {
    super(`${call}: ${code}`, options);
    this.code = code;
  }
}

export type OpenMode =
  | 'read' // O_RDONLY | O_NOFOLLOW
  | 'create' // O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
  | 'update'; // O_RDWR | O_NOFOLLOW

/** Every call throws DiskError; `lstat` answers null for what is not there. */
export interface Disk {
  lstat(path: string): DiskStat | null;
  /** Entries with their lstat; one that vanishes in between is left out. */
  list(path: string): DirectoryListing;
  readLink(path: string): string;
  open(path: string, mode: OpenMode): number;
  stat(handle: number): DiskStat;
  /** Reads up to buffer.length bytes at `position`; returns how many, 0 at the end. */
  read(handle: number, buffer: Uint8Array, position: number): number;
  /** Writes all of `bytes`. */
  write(handle: number, bytes: Uint8Array, position: number): void;
  truncate(handle: number, size: number): void;
  sync(handle: number): void;
  close(handle: number): void;
  makeFolder(path: string, mode: number): void;
  makeLink(target: string, path: string): void;
  /** A second name for a file. Fails with `exists`, never replaces; `unsupported` where there are none. */
  makeHardLink(path: string, newPath: string): void;
  /** Replaces a file at `to` (and an empty folder by a folder). */
  rename(from: string, to: string): void;
  removeFile(path: string): void;
  removeFolder(path: string): void;
  /** Does not follow a link. */
  setMode(path: string, mode: number): void;
  /** Does not follow a link. */
  setMtime(path: string, mtimeUs: number): void;
  /** A folder, held: closed with `close`. Fails with `is-a-link` when the last step of the path is a link. */
  openFolder(path: string): number;
  /**
   * A path to `name` in a held folder (`.` for the folder itself), good while it is held. Where the system
   * allows, it leads to that very folder even when a folder above was swapped for a link meanwhile.
   */
  inFolder(handle: number, name: string): string;
  /**
   * Flushes a folder's entries, or with `everything` the whole file system the path is on; `unsupported`
   * where the system offers no such call, and then nothing may be taken for flushed.
   */
  flush(path: string, everything: boolean): void;
  /** Bytes free to this user on the file system of the path. */
  freeBytes(path: string): number;
}
