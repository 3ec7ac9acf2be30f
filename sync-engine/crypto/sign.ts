/** Ed25519 signatures (RFC 8032) by tweetnacl; verification is in protocol/signing.ts. */
import nacl from 'tweetnacl';
import { signedBytes, type SignatureDomain } from '../../protocol/signing.ts';

/** @param secretKey 64 bytes: the seed and the public key, as tweetnacl keeps it */
export function sign(domain: SignatureDomain, body: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return nacl.sign.detached(signedBytes(domain, body), secretKey);
}
