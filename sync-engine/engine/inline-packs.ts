/** Small packs that came along with their commit, kept for a while: one request less each. */
import type { PackName } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';

const MAX_BYTES = 4 * MIB;

export class InlinePacks {
  readonly #packs = new Map<PackName, Uint8Array>();
  #bytes = 0;

  keep(packs: readonly { readonly name: PackName; readonly bytes: Uint8Array }[]): void {
    for (const pack of packs) {
      if (this.#packs.has(pack.name)) continue;
      this.#packs.set(pack.name, Uint8Array.from(pack.bytes));
      this.#bytes += pack.bytes.length;
    }
    for (const [name, bytes] of this.#packs) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#packs.delete(name);
      this.#bytes -= bytes.length;
    }
  }

  get(name: PackName): Uint8Array | null {
    return this.#packs.get(name) ?? null;
  }
}
