/** The list of hashes beside an export, as `sha256sum` writes it and `sha256sum -c` reads it. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MIB } from '../../protocol/limits.ts';
import type { Disk } from '../local-fs/disk.ts';

const PIECE_BYTES = MIB;

/** SHA-256 of a file as it lies on the disk, in hex. @throws DiskError */
export async function hashFile(disk: Disk, path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const handle = disk.open(path, 'read');
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let position = 0; ;) {
      const length = disk.read(handle, piece, position);
      if (length === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, length));
      position += length;
      if (length === PIECE_BYTES) await nextTurn();
      signal.throwIfAborted();
    }
  } finally {
    disk.close(handle);
  }
}

/** A name with a backslash or a line break is escaped, and the line then begins with a backslash. */
export function hashLine(hash: string, path: string): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === path ? '' : '\\'}${hash}  ${escaped}\n`;
}

export class HashList {
  readonly #disk: Disk;
  readonly #handle: number;
  #position = 0;

  /** Made anew. @throws DiskError */
  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#handle = disk.open(path, 'create');
  }

  /** @param path relative to the list's folder */
  add(hash: string, path: string): void {
    const line = Buffer.from(hashLine(hash, path));
    this.#disk.write(this.#handle, line, this.#position);
    this.#position += line.length;
  }

  close(): void {
    this.#disk.close(this.#handle);
  }
}
