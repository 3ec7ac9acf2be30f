/**
 * Memory for full packs, used again and again. It is shared between the threads, because V8 collects the whole heap of
 * the control thread for every few packs that are moved there, and knows nothing of shared memory: who has sent a pack
 * says so in the memory itself.
 *
 * Only sealed bytes are ever in it. A server that answers before it has read a pack, and reads on, is sent another
 * pack's sealed bytes at worst.
 */
import { MAX_PACK_BYTES } from '../../protocol/limits.ts';

const STATE_BYTES = Int32Array.BYTES_PER_ELEMENT;
const FREE = 0;
const TAKEN = 1;
/** More are under way only if some were never released: those are forgotten, and collected. */
const MOST_KEPT = 8;

/** Of one thread. */
export class PackMemory {
  #buffers: SharedArrayBuffer[] = [];

  /** MAX_PACK_BYTES of any content, until `releasePackMemory`. */
  take(): Buffer {
    let buffer = this.#buffers.find((each) => Atomics.load(stateOf(each), 0) === FREE);
    if (buffer === undefined) {
      buffer = new SharedArrayBuffer(MAX_PACK_BYTES + STATE_BYTES);
      this.#buffers = [...this.#buffers, buffer].slice(-MOST_KEPT);
    }
    Atomics.store(stateOf(buffer), 0, TAKEN);
    return Buffer.from(buffer, 0, MAX_PACK_BYTES);
  }

  /** Lets go of all of it, how many bytes it says; what is taken stays with who has it. */
  clear(): number {
    const bytes = this.#buffers.length * MAX_PACK_BYTES;
    this.#buffers = [];
    return bytes;
  }
}

/** Nobody needs the bytes any more. On any thread; bytes that are not of a PackMemory are left. */
export function releasePackMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer && buffer.byteLength === MAX_PACK_BYTES + STATE_BYTES)
    Atomics.store(stateOf(buffer), 0, FREE);
}

function stateOf(buffer: SharedArrayBuffer): Int32Array<SharedArrayBuffer> {
  return new Int32Array(buffer, MAX_PACK_BYTES, 1);
}
