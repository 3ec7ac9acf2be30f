/**
 * Files being written to staging. Chunks arrive in any order; a file is made when its first does, and few are
 * open at a time, whatever the number under way.
 */
import { KIB, MIB } from '../../protocol/limits.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import { MAX_CHUNK_BYTES } from './chunker.ts';

const MAX_OPEN = 32;
/** Smaller files are fetched again rather than read to see what an interrupted fetch left. */
const KEEP_FROM_BYTES = 1 * MIB;
/** Zeros of a block or more are not written where nothing is: a sparse file stays one. */
const HOLE_FROM_BYTES = 4 * KIB;
const ZEROS = Buffer.alloc(MAX_CHUNK_BYTES);

/** Calls throw DiskError. */
export class StagedFile {
  readonly path: string;
  readonly size: number;
  made = false;
  /** Nothing of an interrupted fetch lies where nothing was written. */
  isFresh = false;
  /** Ends with the last byte written, not with its own last one. */
  isShort = false;
  handle: number | null = null;

  constructor(path: string, size: number) {
    this.path = path;
    this.size = size;
  }
}

export class Staging {
  readonly #disk: Disk;
  /** Least recently written first. */
  readonly #open = new Set<StagedFile>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** True when an interrupted fetch left something at its path, which is then kept to be verified. */
  takeUp(file: StagedFile): boolean {
    if (file.size < KEEP_FROM_BYTES) return false;
    const found = this.#disk.lstat(file.path);
    if (found?.type !== 'file') return false;
    file.made = true;
    if (found.size > file.size) this.#disk.truncate(this.#handle(file), file.size);
    return true;
  }

  /** Up to buffer.length bytes; how many. */
  read(file: StagedFile, buffer: Uint8Array, position: number): number {
    return this.#disk.read(this.#handle(file), buffer, position);
  }

  write(file: StagedFile, bytes: Uint8Array, position: number): void {
    const handle = this.#handle(file);
    if (file.isFresh && isHole(bytes)) file.isShort = true;
    else this.#disk.write(handle, bytes, position);
  }

  /** Closes it; a file of no bytes is made. Its inode: it is the same when the file is put in place. */
  finish(file: StagedFile): number {
    const handle = this.#handle(file);
    if (file.isShort) this.#disk.truncate(handle, file.size);
    const { ino } = this.#disk.stat(handle);
    this.close(file);
    return ino;
  }

  close(file: StagedFile): void {
    if (file.handle === null) return;
    const { handle } = file;
    file.handle = null;
    this.#open.delete(file);
    this.#disk.close(handle);
  }

  closeAll(): void {
    for (const file of [...this.#open]) this.close(file);
  }

  /** After a failure: removes it, or with `keep` leaves what a later fetch can take up. Throws nothing. */
  abandon(file: StagedFile, keep: boolean): void {
    try {
      this.close(file);
      if (file.made && !(keep && file.size >= KEEP_FROM_BYTES)) this.#disk.removeFile(file.path);
    } catch (error) {
      // The file has failed already; what is left of it is cleared with the staging folder.
      if (!(error instanceof DiskError)) throw error;
    }
  }

  #handle(file: StagedFile): number {
    if (file.handle !== null) {
      this.#open.delete(file);
    } else {
      if (this.#open.size >= MAX_OPEN) this.#closeOldest();
      file.isFresh ||= !file.made;
      file.handle = file.made ? this.#disk.open(file.path, 'update') : this.#create(file.path);
      file.made = true;
    }
    this.#open.add(file);
    return file.handle;
  }

  #closeOldest(): void {
    for (const oldest of this.#open) {
      this.close(oldest);
      return;
    }
  }

  #create(path: string): number {
    try {
      return this.#disk.open(path, 'create');
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'exists') throw error;
      this.#disk.removeFile(path); // left by an interrupted fetch
      return this.#disk.open(path, 'create');
    }
  }
}

function isHole(bytes: Uint8Array): boolean {
  if (bytes.length < HOLE_FROM_BYTES || bytes.length > ZEROS.length) return false;
  return ZEROS.subarray(0, bytes.length).equals(bytes);
}
