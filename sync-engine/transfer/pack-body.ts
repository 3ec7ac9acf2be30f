/** The bytes of a pack as a request body, in pieces: so that a limit is felt as a rate, and a slow line moves. */
import { MIB } from '../../protocol/limits.ts';
import type { PackBody } from '../remote/cloud.ts';
import type { Bandwidth } from './bandwidth.ts';

const PIECE_BYTES = MIB / 4;

/** `chunks()` may be called again, for another attempt. */
export function packBody(bytes: Uint8Array, limit?: Bandwidth, signal?: AbortSignal): PackBody {
  return {
    size: bytes.length,
    async *chunks() {
      for (let position = 0; position < bytes.length; position += PIECE_BYTES) {
        const piece = bytes.subarray(position, position + PIECE_BYTES);
        await limit?.take(piece.length, signal);
        yield piece;
      }
    },
  };
}
