/** The bytes of the account bundle that the master key signs. Bytes: docs/format.md, "Account bundle". */
import { ByteWriter } from './bytes.ts';
import type { Bundle } from './cloud.ts';
import { verifySignature } from './signing.ts';

const MAGIC_1 = Buffer.from('coffre/bundle/1\0', 'utf8');
const MAGIC_2 = Buffer.from('coffre/bundle/2\0', 'utf8');

/**
 * Magic, account, u32 version, both wrapped root keys and the recovery-auth key, each length-prefixed. With the
 * sealed words, which then come last, it is of form 2: nobody can take them away without the signature failing.
 */
export function encodeBundle(bundle: Omit<Bundle, 'signature'>): Uint8Array {
  const { phraseByRoot } = bundle;
  const writer = new ByteWriter(1024)
    .raw(phraseByRoot === undefined ? MAGIC_1 : MAGIC_2)
    .hex(bundle.account, 16)
    .u32(bundle.version)
    .blob(Buffer.from(bundle.rootByPassword, 'base64'))
    .blob(Buffer.from(bundle.rootByRecovery, 'base64'))
    .blob(Buffer.from(bundle.recoveryAuthKey, 'base64'));
  if (phraseByRoot !== undefined) writer.blob(Buffer.from(phraseByRoot, 'base64'));
  return writer.finish();
}

/** True when the master key signed this bundle. */
export function verifyBundle(bundle: Bundle, masterKey: Uint8Array): boolean {
  if (bundle.version > 0xffff_ffff) return false;
  return verifySignature('bundle', encodeBundle(bundle), Buffer.from(bundle.signature, 'base64'), masterKey);
}
