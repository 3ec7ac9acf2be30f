/**
 * A set of chunk ids in 8 to 32 bytes each: millions of them have to be known at once. It keeps 52 bits of an
 * id, so it may take one for another and say it has what it has not; it never misses one it has. Ids are MACs:
 * nobody without the vault's key can aim at that.
 */
import type { ChunkId } from '../../protocol/ids.ts';

const FIRST_SLOTS = 1024;
const DIGITS = 13;

export class ChunkSet {
  /** Open addressing; 0 is a free slot. */
  #slots = new Float64Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(chunk: ChunkId): void {
    if (2 * this.#size >= this.#slots.length) this.#grow();
    this.#put(valueOf(chunk));
  }

  has(chunk: ChunkId): boolean {
    const value = valueOf(chunk);
    return this.#slots[this.#slotOf(value)] === value;
  }

  #slotOf(value: number): number {
    const mask = this.#slots.length - 1;
    // The low 31 bits of the value: bitwise operators see no more.
    let slot = (value % 0x8000_0000) & mask;
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== value) slot = (slot + 1) & mask;
    return slot;
  }

  #put(value: number): void {
    const slot = this.#slotOf(value);
    if (this.#slots[slot] === value) return;
    this.#slots[slot] = value;
    this.#size += 1;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Float64Array(before.length * 2);
    this.#size = 0;
    for (const value of before) if (value !== 0) this.#put(value);
  }
}

/** Never 0. */
function valueOf(chunk: ChunkId): number {
  return Number.parseInt(chunk.slice(0, DIGITS), 16) + 1;
}
