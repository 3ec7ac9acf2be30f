import { seededRandom } from '../fakes/seeded-random.ts';

/** Choices that are the same for the same seed. */
export class Dice {
  readonly #bytes: (size: number) => Uint8Array;

  constructor(seed: string) {
    this.#bytes = seededRandom(seed);
  }

  bytes(size: number): Uint8Array {
    return this.#bytes(size);
  }

  /** From 0 to below `bound`. */
  below(bound: number): number {
    return Buffer.from(this.#bytes(4)).readUInt32BE() % bound;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(Math.max(1, items.length))];
  }

  /** Letters and digits that stand nowhere else. */
  token(length = 12): string {
    return Buffer.from(this.#bytes(length)).toString('hex').slice(0, length);
  }
}
