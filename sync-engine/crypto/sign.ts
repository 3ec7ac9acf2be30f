/**
 * Ed25519 signatures (RFC 8032) by Node's OpenSSL: a commit waits for one, and plain JavaScript takes some twenty times
 * as long. Keys are made by tweetnacl; verification is in protocol/signing.ts.
 */
import { createPrivateKey, sign as signBytes } from 'node:crypto';
import { signedBytes, type SignatureDomain } from '../../protocol/signing.ts';

/** PKCS #8 of an Ed25519 key (RFC 8410), up to its seed. */
const PRIVATE_KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;

/** @param secretKey 64 bytes: the seed and the public key, as tweetnacl keeps it */
export function sign(domain: SignatureDomain, body: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const der = Buffer.concat([PRIVATE_KEY_HEAD, secretKey.subarray(0, SEED_BYTES)]);
  try {
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return new Uint8Array(signBytes(null, signedBytes(domain, body), key));
  } finally {
    der.fill(0);
  }
}
