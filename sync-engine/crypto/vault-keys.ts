/**
 * The keys of one vault. VK_e, the random key of an epoch, gives that epoch's K_meta, K_data and K_root; VK_0
 * gives K_id and K_cdc for the life of the vault, so chunks keep their ids across epochs. Derived lazily, kept.
 * Bytes: docs/format.md, "Vault keys".
 */
import { timingSafeEqual } from 'node:crypto';
import { ByteWriter } from '../../protocol/bytes.ts';
import { fromHex, toHex, type ChunkId, type Hash, type VaultId } from '../../protocol/ids.ts';
import { HmacKey, hkdf } from './hmac.ts';
import type { Random } from './random.ts';

const KEY_BYTES = 32;
type Purpose = 'meta' | 'data' | 'root' | 'id' | 'cdc' | 'previous';

/** A purpose key: HKDF-SHA256(VK_e, salt = vault, info = "coffre/vault/" purpose "\0" || epoch u32). */
export function derivePurposeKey(key: Uint8Array, vault: VaultId, epoch: number, purpose: Purpose): Buffer {
  const info = new ByteWriter(32)
    .raw(Buffer.from(`coffre/vault/${purpose}\0`, 'ascii'))
    .u32(epoch)
    .finish();
  return hkdf(key, fromHex(vault), info, KEY_BYTES);
}

/** What an epoch's first commit proves about its key: HMAC-SHA256(VK_e, "coffre/epoch\0" || vault || epoch u32). */
export function epochKeyCheck(key: Uint8Array, vault: VaultId, epoch: number): Hash {
  const message = new ByteWriter(40).raw(Buffer.from('coffre/epoch\0', 'ascii')).hex(vault, 16).u32(epoch);
  return toHex(new HmacKey(key).mac(message.finish())) as Hash;
}

/** True when the key is the one the epoch was opened with. */
export function isEpochKey(key: Uint8Array, vault: VaultId, epoch: number, keyCheck: Hash): boolean {
  if (key.length !== KEY_BYTES) return false;
  const expected = fromHex(keyCheck);
  return expected.length === 32 && timingSafeEqual(fromHex(epochKeyCheck(key, vault, epoch)), expected);
}

export function makeEpochKey(random: Random): Uint8Array {
  return random(KEY_BYTES);
}

interface EpochKeys {
  readonly key: Uint8Array;
  meta: Buffer | null;
  data: Buffer | null;
  root: HmacKey | null;
}

/** A vault's keyring. Holds at least epoch 0 before a chunk is named. */
export class VaultKeys {
  readonly vault: VaultId;
  readonly #epochs = new Map<number, EpochKeys>();
  #id: HmacKey | null = null;
  #changes = 0;

  constructor(vault: VaultId, epochs: Iterable<readonly [number, Uint8Array]>) {
    this.vault = vault;
    for (const [epoch, key] of epochs) this.add(epoch, key);
  }

  /** @throws RangeError on a key that is not 32 bytes or an epoch that already has another key */
  add(epoch: number, key: Uint8Array): void {
    if (key.length !== KEY_BYTES) throw new RangeError('an epoch key has 32 bytes');
    const known = this.#epochs.get(epoch);
    if (known !== undefined) {
      if (!timingSafeEqual(known.key, key)) throw new RangeError('an epoch has one key');
      return;
    }
    this.#epochs.set(epoch, { key: Uint8Array.from(key), meta: null, data: null, root: null });
    this.#changes += 1;
  }

  /** In the place of a key that the epoch had in a part of the log that is gone. */
  replace(epoch: number, key: Uint8Array): void {
    this.#epochs.delete(epoch);
    this.add(epoch, key);
  }

  /** Grows with each key that comes or takes the place of another: whoever has a copy sees that it is an old one. */
  get changes(): number {
    return this.#changes;
  }

  has(epoch: number): boolean {
    return this.#epochs.has(epoch);
  }

  /** Epochs with a key here, ascending. */
  epochs(): number[] {
    return [...this.#epochs.keys()].sort((left, right) => left - right);
  }

  #of(epoch: number): EpochKeys {
    const keys = this.#epochs.get(epoch);
    if (keys === undefined) throw new Error(`no key for epoch ${epoch}`);
    return keys;
  }

  /** VK_e itself, to wrap it or to store it. */
  epochKey(epoch: number): Uint8Array {
    return this.#of(epoch).key;
  }

  /** K_meta: records and pack indexes. */
  metaKey(epoch: number): Uint8Array {
    const keys = this.#of(epoch);
    return (keys.meta ??= derivePurposeKey(keys.key, this.vault, epoch, 'meta'));
  }

  /** K_data: segments. */
  dataKey(epoch: number): Uint8Array {
    const keys = this.#of(epoch);
    return (keys.data ??= derivePurposeKey(keys.key, this.vault, epoch, 'data'));
  }

  /** K_root: the keyed digest of the live state. */
  rootKey(epoch: number): HmacKey {
    const keys = this.#of(epoch);
    return (keys.root ??= new HmacKey(derivePurposeKey(keys.key, this.vault, epoch, 'root')));
  }

  /** K_cdc: 32 bytes that seed the chunker's table. The same for the life of the vault. */
  chunkerKey(): Uint8Array {
    return derivePurposeKey(this.#of(0).key, this.vault, 0, 'cdc');
  }

  /** HMAC-SHA256(K_id, plaintext): the chunk's name in this vault, in every epoch. */
  chunkId(plaintext: Uint8Array): ChunkId {
    this.#id ??= new HmacKey(derivePurposeKey(this.#of(0).key, this.vault, 0, 'id'));
    return toHex(this.#id.mac(plaintext)) as ChunkId;
  }

  /** Overwrites every key; the keyring is empty afterwards. */
  wipe(): void {
    for (const { key, meta, data, root } of this.#epochs.values()) {
      key.fill(0);
      meta?.fill(0);
      data?.fill(0);
      root?.wipe();
    }
    this.#epochs.clear();
    this.#id?.wipe();
    this.#id = null;
  }
}
