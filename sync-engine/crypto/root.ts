/**
 * The root of a vault: a keyed digest of its whole live state, updated in O(1) a change. S is the sum modulo
 * 2^256 of one MAC a live node or pack, and never leaves the device; root = HMAC(K_root, 3 || seq || S) does.
 * An epoch's first commit computes S anew under the new K_root. Bytes: docs/format.md, "Root".
 */
import { ByteWriter } from '../../protocol/bytes.ts';
import { toHex, type Hash, type NodeId, type PackName } from '../../protocol/ids.ts';
import type { HmacKey } from './hmac.ts';

const TAG_NODE = 1;
const TAG_PACK = 2;
const TAG_ROOT = 3;
const MODULUS_MASK = (1n << 256n) - 1n;

/** A member of the live set. Tombstones are none. */
export type LiveTerm =
  | { readonly kind: 'node'; readonly node: NodeId; readonly revision: number; readonly objectHash: Hash }
  | { readonly kind: 'pack'; readonly name: PackName; readonly indexHash: Hash };

function termValue(key: HmacKey, term: LiveTerm): bigint {
  const writer = new ByteWriter(80);
  if (term.kind === 'node') {
    writer.u8(TAG_NODE).hex(term.node, 16).u64(term.revision).hex(term.objectHash, 32);
  } else {
    writer.u8(TAG_PACK).hex(term.name, 32).hex(term.indexHash, 32);
  }
  return BigInt(`0x${toHex(key.mac(writer.finish()))}`);
}

/** The running sum S of one epoch. */
export class LiveSum {
  readonly #key: HmacKey;
  #sum: bigint;

  /**
   * @param key K_root of the epoch
   * @param value what `value` gave before; left out for an empty state
   */
  constructor(key: HmacKey, value = '0'.repeat(64)) {
    if (!/^[0-9a-f]{64}$/.test(value)) throw new RangeError('not a running sum');
    this.#key = key;
    this.#sum = BigInt(`0x${value}`);
  }

  add(term: LiveTerm): this {
    this.#sum = (this.#sum + termValue(this.#key, term)) & MODULUS_MASK;
    return this;
  }

  /** A member leaves: superseded, tombstoned or dropped. */
  subtract(term: LiveTerm): this {
    this.#sum = (this.#sum - termValue(this.#key, term)) & MODULUS_MASK;
    return this;
  }

  /** S as 64 hex digits, to keep in the manifest. Secret, as anything that depends on K_root alone. */
  get value(): string {
    return this.#sum.toString(16).padStart(64, '0');
  }

  copy(): LiveSum {
    return new LiveSum(this.#key, this.value);
  }

  /** What a commit of this sequence number carries. */
  root(seq: number): Hash {
    const message = new ByteWriter(48).u8(TAG_ROOT).u64(seq).hex(this.value, 32).finish();
    return toHex(this.#key.mac(message)) as Hash;
  }
}
