/** Lines of the control API: cutting a stream of bytes into frames, and back. */
import { MAX_FRAME_BYTES } from './control.ts';

const NEWLINE = 0x0a;

/** The other side sent what is no frame; the connection is then of no use. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export class FrameReader {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** The frames that these bytes complete. @throws FrameError beyond MAX_FRAME_BYTES, or for what is not JSON */
  push(bytes: Buffer): unknown[] {
    const frames: unknown[] = [];
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(NEWLINE, from);
      if (at === -1) break;
      this.#keep(bytes.subarray(from, at));
      frames.push(this.#parse());
      from = at + 1;
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from));
    return frames;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes >= MAX_FRAME_BYTES) throw new FrameError('a frame beyond its size limit');
    this.#parts.push(part);
  }

  #parse(): unknown {
    const text = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new FrameError('a frame that is not JSON', { cause: error });
    }
  }
}

/** Null when it would be larger than a frame may be. JSON leaves no raw newline inside. */
export function encodeFrame(value: unknown): string | null {
  const line = `${JSON.stringify(value)}\n`;
  return Buffer.byteLength(line) > MAX_FRAME_BYTES ? null : line;
}
