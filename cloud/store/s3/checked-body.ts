/**
 * A body on its way into the store. The source is not closed where the store fails: whoever sends it is still to be
 * answered. It is hashed as it passes, and its last piece is held back until all of it is
 * what was promised: what is another never arrives whole, so the store keeps nothing of it.
 */
import { createHash } from 'node:crypto';

/** The body is not as long as announced, or has another hash. */
class WrongBody extends Error {
  override readonly name = 'WrongBody';
}

export class CheckedBody {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #size: number;
  readonly #sha256: string;
  readonly #hash = createHash('sha256');
  #received = 0;
  #isWhole = false;
  /** What the source threw, in a box: it may throw anything. */
  #broken: { readonly error: unknown } | null = null;
  #isWrong = false;

  constructor(body: AsyncIterable<Uint8Array>, size: number, sha256: string) {
    this.#source = body[Symbol.asyncIterator]();
    this.#size = size;
    this.#sha256 = sha256;
  }

  /** @throws WrongBody in the place of the last piece, or what the source throws */
  async *pieces(): AsyncGenerator<Uint8Array> {
    let held: Uint8Array | null = null;
    for (;;) {
      const piece = await this.#next();
      if (piece === null) break;
      if (held !== null) yield held;
      held = piece;
    }
    if (held !== null) yield held;
  }

  /** Reads what is left. False where it is another body. @throws what the source throws */
  async isRight(): Promise<boolean> {
    try {
      while ((await this.#next()) !== null);
      return true;
    } catch (error) {
      if (error instanceof WrongBody) return false;
      throw error;
    }
  }

  /** What the sender of the body did wrong counts before what became of it. @throws what the source threw */
  rethrow(): void {
    if (this.#broken !== null) throw this.#broken.error;
  }

  get isWrong(): boolean {
    return this.#isWrong;
  }

  /** The next piece; null once all is there and right. */
  async #next(): Promise<Uint8Array | null> {
    const { done, value } = await this.#read();
    if (this.#isWhole) return null; // another reader was told so, maybe meanwhile
    if (done !== true) {
      this.#received += value.length;
      if (this.#received > this.#size) throw this.#wrong();
      this.#hash.update(value);
      return value;
    }
    if (this.#received !== this.#size || this.#hash.digest('hex') !== this.#sha256) throw this.#wrong();
    this.#isWhole = true;
    return null;
  }

  async #read(): Promise<IteratorResult<Uint8Array, unknown>> {
    if (this.#isWrong) throw new WrongBody();
    if (this.#isWhole) return { done: true, value: undefined };
    try {
      return await this.#source.next();
    } catch (error) {
      this.#broken = { error };
      throw error;
    }
  }

  #wrong(): WrongBody {
    this.#isWrong = true;
    return new WrongBody();
  }
}
