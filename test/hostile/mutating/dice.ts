/** Choices that are the same for the same seed. */
import { seededRandom } from '../../fakes/seeded-random.ts';

export class Dice {
  readonly #bytes: (size: number) => Uint8Array;

  constructor(seed: string) {
    this.#bytes = seededRandom(seed);
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return bound <= 1 ? 0 : Buffer.from(this.#bytes(6)).readUIntBE(0, 6) % bound;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.below(from.length)];
    if (one === undefined) throw new Error('nothing to choose from');
    return one;
  }

  bytes(size: number): Buffer {
    return Buffer.from(this.#bytes(size));
  }
}
