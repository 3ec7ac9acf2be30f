/**
 * Padmé: rounds a size up so that it tells O(log log size) bits, at a cost of at most 12 %. Nikitin et al.,
 * "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS 2019, section 4.
 */
import { MalformedError, type ByteReader } from '../../protocol/bytes.ts';
import type { SealedPack } from '../../protocol/ids.ts';
import { MAX_PACK_BYTES } from '../../protocol/limits.ts';
import type { Random } from './random.ts';

/** A lone tiny file must not show its size. A Padmé size itself. */
export const MIN_PACK_BYTES = 1024;

function bitLength(value: number): number {
  const high = Math.floor(value / 0x1_0000_0000);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}

/** The padded size, in bytes: as a float, at most as many mantissa bits as the exponent has bits. */
export function padme(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not a size: ${size}`);
  if (size < 2) return size;
  const exponent = bitLength(size) - 1;
  const step = 2 ** Math.max(0, exponent - bitLength(exponent));
  return Math.ceil(size / step) * step;
}

/**
 * Appends zeros so that the plaintext, once sealed, has a Padmé size of at least `least` bytes.
 * @param overhead what sealing will add, in bytes
 */
export function padPlaintext(encoded: Uint8Array, overhead: number, least: number): Uint8Array {
  const padded = Buffer.alloc(padme(Math.max(least, encoded.length + overhead)) - overhead);
  padded.set(encoded);
  return padded;
}

/** Everything left must be padding: zeros. @throws MalformedError */
export function endPadded(reader: ByteReader): void {
  if (reader.raw(reader.remaining).some((byte) => byte !== 0))
    throw new MalformedError('padding that is not zero');
}

/** The size of a pack whose segments end at `length`, in bytes. */
export function paddedPackSize(length: number): number {
  return Math.max(MIN_PACK_BYTES, padme(length));
}

/**
 * Sealed segments, end to end, with random bytes up to a Padmé size: nothing tells segments from padding.
 * @throws RangeError when they are more than a pack holds
 */
export function padPack(segments: readonly Uint8Array[], random: Random): SealedPack {
  const length = segments.reduce((sum, segment) => sum + segment.length, 0);
  if (length > MAX_PACK_BYTES) throw new RangeError('more segments than a pack holds');
  const size = paddedPackSize(length);
  return Buffer.concat([...segments, random(size - length)]) as Uint8Array as SealedPack;
}

/**
 * The same in place: `pack` begins with `length` bytes of sealed segments and has room for the padding.
 * Returns a view of it.
 */
export function padPackInPlace(pack: Uint8Array, length: number, random: Random): SealedPack {
  const size = paddedPackSize(length);
  if (size > pack.length || length > MAX_PACK_BYTES) throw new RangeError('no room for the padding');
  pack.set(random(size - length), length);
  return pack.subarray(0, size) as SealedPack;
}
