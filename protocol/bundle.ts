/** The bytes of the account bundle that the master key signs. Bytes: docs/format.md, "Account bundle". */
import { ByteWriter } from './bytes.ts';
import type { Bundle } from './cloud.ts';
import { verifySignature } from './signing.ts';

const MAGIC = Buffer.from('coffre/bundle/1\0', 'utf8');

/** Magic, account, u32 version, both wrapped root keys and the recovery-auth key, each length-prefixed. */
export function encodeBundle(bundle: Omit<Bundle, 'signature'>): Uint8Array {
  return new ByteWriter(1024)
    .raw(MAGIC)
    .hex(bundle.account, 16)
    .u32(bundle.version)
    .blob(Buffer.from(bundle.rootByPassword, 'base64'))
    .blob(Buffer.from(bundle.rootByRecovery, 'base64'))
    .blob(Buffer.from(bundle.recoveryAuthKey, 'base64'))
    .finish();
}

/** True when the master key signed this bundle. */
export function verifyBundle(bundle: Bundle, masterKey: Uint8Array): boolean {
  if (bundle.version > 0xffff_ffff) return false;
  return verifySignature('bundle', encodeBundle(bundle), Buffer.from(bundle.signature, 'base64'), masterKey);
}
