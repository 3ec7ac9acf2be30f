/** The bytes of a spooled pack as a request body: read in pieces, again for each attempt. */
import { MIB } from '../../protocol/limits.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import type { PackBody } from '../remote/cloud.ts';
import type { Bandwidth } from './bandwidth.ts';

const PIECE_BYTES = MIB / 4;

/** `chunks()` throws DiskError when the spooled file cannot be read or is shorter than the pack. */
export function spooledPackBody(
  disk: Disk,
  pack: { readonly spoolPath: string; readonly size: number },
  limit?: Bandwidth,
  signal?: AbortSignal,
): PackBody {
  return {
    size: pack.size,
    async *chunks() {
      const handle = disk.open(pack.spoolPath, 'read');
      try {
        for (let position = 0; position < pack.size; position += PIECE_BYTES) {
          const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, pack.size - position));
          if (disk.read(handle, piece, position) < piece.length) throw new DiskError('io', 'read');
          await limit?.take(piece.length, signal);
          yield piece;
        }
      } finally {
        disk.close(handle);
      }
    },
  };
}
