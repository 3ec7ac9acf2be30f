/**
 * What both sides check and neither keeps secret: SHA-256 and Ed25519 verification (RFC 8032) through
 * node:crypto, which refuses malleable signatures (S >= L). Signing lives with the keys, in the crypto room.
 */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { toHex, type AccountId, type DeviceId, type Hash } from './ids.ts';

/** Domains of signatures; the signed bytes are `"F1-sig/" domain "\0" body`. */
export type SignatureDomain = 'commit' | 'chain' | 'token' | 'recovery' | 'bundle' | 'proof';

export function signedBytes(domain: SignatureDomain, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`F1-sig/${domain}\0`, 'utf8'), body]);
}

/** SHA-256 of the parts, one after another. */
export function sha256(...parts: Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function hashOf(...parts: Uint8Array[]): Hash {
  return toHex(sha256(...parts)) as Hash;
}

// SubjectPublicKeyInfo of an Ed25519 key is this prefix and the 32 raw bytes (RFC 8410).
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
const parsedKeys = new Map<string, KeyObject>();

function parsePublicKey(publicKey: Uint8Array): KeyObject {
  const name = toHex(publicKey);
  let key = parsedKeys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI_ED25519, publicKey]), format: 'der', type: 'spki' });
    if (parsedKeys.size > 1024) parsedKeys.clear();
    parsedKeys.set(name, key);
  }
  return key;
}

/** False for a wrong, truncated or malleable signature and for a key that is not one. */
export function verifySignature(
  domain: SignatureDomain,
  body: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  try {
    return verify(null, signedBytes(domain, body), parsePublicKey(publicKey), signature);
  } catch {
    return false; // not a point on the curve
  }
}

export function accountIdOf(masterPublicKey: Uint8Array): AccountId {
  return toHex(sha256(Buffer.from('coffre/account\0'), masterPublicKey).subarray(0, 16)) as AccountId;
}

export function deviceIdOf(devicePublicKey: Uint8Array): DeviceId {
  return toHex(sha256(Buffer.from('coffre/device\0'), devicePublicKey).subarray(0, 16)) as DeviceId;
}
