/**
 * One AES-GCM ciphertext and tag that open under two keys: two blocks, the second solved for so that both tags
 * agree (Dodis, Grubbs, Ristenpart and Woodage, "Fast Message Franking", CRYPTO 2018). What F1's commitment is for.
 */
import { createCipheriv } from 'node:crypto';

// GF(2^128) as GCM orders its bits: bit 127 of the big-endian integer is the coefficient of x^0.
const R = 0xe1n << 120n;
const ONE = 1n << 127n;

function multiply(left: bigint, right: bigint): bigint {
  let product = 0n;
  let factor = right;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((left >> bit) & 1n) product ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ R : factor >> 1n;
  }
  return product;
}

/** The 2^128 - 2 power. */
function invert(value: bigint): bigint {
  let result = ONE;
  let square = value;
  for (let bit = 1; bit < 128; bit += 1) {
    square = multiply(square, square);
    result = multiply(result, square);
  }
  return result;
}

const toBig = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(32, '0'), 'hex');

function block(key: Uint8Array, input: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return toBig(Buffer.concat([cipher.update(input), cipher.final()]));
}

/** @returns ciphertext (32 bytes) and tag (16), valid under both keys with a zero nonce and no associated data */
export function collide(first: Uint8Array, second: Uint8Array): { ciphertext: Buffer; tag: Buffer } {
  const [h1, h2] = [block(first, Buffer.alloc(16)), block(second, Buffer.alloc(16))];
  const counter = Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);
  const [mask1, mask2] = [block(first, counter), block(second, counter)];
  const cube = (value: bigint): bigint => multiply(value, multiply(value, value));
  const c1 = toBig(Buffer.alloc(16, 0x5a));
  const lengths = 256n; // bits of ciphertext; no associated data
  const rest = multiply(c1, cube(h1) ^ cube(h2)) ^ multiply(lengths, h1 ^ h2) ^ mask1 ^ mask2;
  const c2 = multiply(rest, invert(multiply(h1, h1) ^ multiply(h2, h2)));
  const tag = multiply(c1, cube(h1)) ^ multiply(c2, multiply(h1, h1)) ^ multiply(lengths, h1) ^ mask1;
  return { ciphertext: Buffer.concat([toBytes(c1), toBytes(c2)]), tag: toBytes(tag) };
}
