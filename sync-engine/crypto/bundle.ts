/**
 * The account bundle: the account root key wrapped under the password key and under the recovery key, and the
 * words sealed under the root key, signed whole by the master key. The server keeps it and could offer an old one or another's; each wrap is bound to the
 * account and to the bundle version it was made for (its F1 epoch), the signature to all of it.
 * Bytes: docs/format.md, "Account bundle".
 */
import { encodeBundle, verifyBundle } from '../../protocol/bundle.ts';
import type { Bundle } from '../../protocol/cloud.ts';
import { fromHex, type AccountId } from '../../protocol/ids.ts';
import { accountKeysOf, wipeAccountKeys, type AccountKeys } from './identity.ts';
import { openObject, sealedEpoch, sealObject, type ObjectContext } from './object.ts';
import { phraseOf, recoveryKeysOf } from './phrase.ts';
import type { Random } from './random.ts';
import { sign } from './sign.ts';

/** Which secret a wrap of the root key opens with. */
export type RootWrap = 'root-by-password' | 'root-by-recovery';

function contextOf(wrap: RootWrap, key: Uint8Array, account: AccountId, version: number): ObjectContext {
  return { key, type: wrap, epoch: version, vault: null, extra: fromHex(account) };
}

/** Base64 of an F1 object. */
function wrapRoot(
  wrap: RootWrap,
  key: Uint8Array,
  account: AccountKeys,
  version: number,
  random: Random,
): string {
  const context = contextOf(wrap, key, account.account, version);
  const sealed = sealObject({ ...context, plaintext: account.rootKey, random });
  return Buffer.from(sealed).toString('base64');
}

function signBundle(body: Omit<Bundle, 'signature'>, account: AccountKeys): Bundle {
  const signature = sign('bundle', encodeBundle(body), account.masterSecret);
  return { ...body, signature: Buffer.from(signature).toString('base64') };
}

export interface RecoveryHalf {
  readonly recoveryKey: Uint8Array;
  readonly authKey: Uint8Array;
  /** Sealed under the root key, so that the words can be shown again. Without it they cannot. */
  readonly entropy?: Uint8Array;
}

function sealPhrase(
  { entropy }: RecoveryHalf,
  account: AccountKeys,
  version: number,
  random: Random,
): { phraseByRoot?: string } {
  if (entropy === undefined) return {};
  const sealed = sealObject({ ...phraseContext(account, version), plaintext: entropy, random });
  return { phraseByRoot: Buffer.from(sealed).toString('base64') };
}

function phraseContext(account: AccountKeys, version: number): ObjectContext {
  const extra = fromHex(account.account);
  return { key: account.phraseKey, type: 'phrase-by-root', epoch: version, vault: null, extra };
}

export type OpenedPhrase =
  | { readonly ok: true; readonly phrase: string }
  /** `not-kept`: a bundle of before. `damaged`: these are not the words that the account takes. */
  | { readonly ok: false; readonly fault: 'not-kept' | 'damaged' };

/** The words of an account whose root key is open. */
export function openPhrase(account: AccountKeys, bundle: Bundle): OpenedPhrase {
  if (bundle.phraseByRoot === undefined) return { ok: false, fault: 'not-kept' };
  const sealed = Buffer.from(bundle.phraseByRoot, 'base64');
  const madeFor = sealedEpoch(sealed);
  if (madeFor === null || madeFor < 1 || madeFor > bundle.version) return { ok: false, fault: 'damaged' };
  const opened = openObject({ ...phraseContext(account, madeFor), sealed });
  if (!opened.ok || opened.plaintext.length !== 32) return { ok: false, fault: 'damaged' };
  const entropy = opened.plaintext;
  const { authKey, authSecret, recoveryKey } = recoveryKeysOf(entropy);
  const isTaken = Buffer.from(authKey).toString('base64') === bundle.recoveryAuthKey;
  const phrase = phraseOf(entropy);
  for (const secret of [entropy, authSecret, recoveryKey]) secret.fill(0);
  return isTaken ? { ok: true, phrase } : { ok: false, fault: 'damaged' };
}

/** The first bundle of an account: version 1. */
export function makeBundle(
  account: AccountKeys,
  passwordKey: Uint8Array,
  recovery: RecoveryHalf,
  random: Random,
): Bundle {
  const body = {
    account: account.account,
    version: 1,
    rootByPassword: wrapRoot('root-by-password', passwordKey, account, 1, random),
    rootByRecovery: wrapRoot('root-by-recovery', recovery.recoveryKey, account, 1, random),
    recoveryAuthKey: Buffer.from(recovery.authKey).toString('base64'),
    ...sealPhrase(recovery, account, 1, random),
  };
  return signBundle(body, account);
}

/** The next version with another password; what the words open stays, since they are not at hand. */
export function changePassword(
  account: AccountKeys,
  bundle: Bundle,
  passwordKey: Uint8Array,
  random: Random,
): Bundle {
  const version = bundle.version + 1;
  const rootByPassword = wrapRoot('root-by-password', passwordKey, account, version, random);
  return signBundle(bodyOf({ ...bundle, version, rootByPassword }), account);
}

/** The next version with other words. */
export function changePhrase(
  account: AccountKeys,
  bundle: Bundle,
  recovery: RecoveryHalf,
  random: Random,
): Bundle {
  const version = bundle.version + 1;
  const rootByRecovery = wrapRoot('root-by-recovery', recovery.recoveryKey, account, version, random);
  const recoveryAuthKey = Buffer.from(recovery.authKey).toString('base64');
  const { account: id, rootByPassword } = bundle;
  const phrase = sealPhrase(recovery, account, version, random);
  return signBundle(
    { account: id, version, rootByPassword, rootByRecovery, recoveryAuthKey, ...phrase },
    account,
  );
}

function bodyOf({ signature: _, ...body }: Bundle): Omit<Bundle, 'signature'> {
  return body;
}

/** For tests and diagnostics; a person sees one message for all. */
export type BundleFault =
  /** The wrap does not open: a wrong secret, altered bytes, or another account's. */
  | 'wrong-secret'
  /** What opened is the root key of another account. */
  | 'wrong-account'
  | 'bad-signature'
  /** Older than a version this device has seen. */
  | 'downgrade';

export type OpenedBundle =
  { readonly ok: true; readonly account: AccountKeys } | { readonly ok: false; readonly fault: BundleFault };

/** What a device already knows of the account; null where it knows nothing yet. */
export interface BundlePins {
  readonly account: AccountId | null;
  readonly leastVersion: number;
}

export const NO_PINS: BundlePins = { account: null, leastVersion: 1 };

/** Unwraps the root key and checks that its master key signed this very bundle. */
export function openBundle(
  bundle: Bundle,
  wrap: RootWrap,
  key: Uint8Array,
  pins: BundlePins = NO_PINS,
): OpenedBundle {
  if (pins.account !== null && pins.account !== bundle.account) return { ok: false, fault: 'wrong-account' };
  if (bundle.version < pins.leastVersion) return { ok: false, fault: 'downgrade' };
  const text = wrap === 'root-by-password' ? bundle.rootByPassword : bundle.rootByRecovery;
  const sealed = Buffer.from(text, 'base64');
  const madeFor = sealedEpoch(sealed);
  if (madeFor === null || madeFor < 1 || madeFor > bundle.version)
    return { ok: false, fault: 'wrong-secret' };
  const opened = openObject({ ...contextOf(wrap, key, bundle.account, madeFor), sealed });
  if (!opened.ok || opened.plaintext.length !== 32) return { ok: false, fault: 'wrong-secret' };
  const account = accountKeysOf(opened.plaintext);
  opened.plaintext.fill(0);
  const fault = bundleFault(bundle, account.masterKey, account.account, pins.leastVersion);
  if (fault === null) return { ok: true, account };
  wipeAccountKeys(account);
  return { ok: false, fault };
}

/** Checks a bundle against a pinned master key, without any secret; null when it holds. */
export function bundleFault(
  bundle: Bundle,
  masterKey: Uint8Array,
  account: AccountId,
  leastVersion: number,
): BundleFault | null {
  if (bundle.account !== account) return 'wrong-account';
  if (!verifyBundle(bundle, masterKey)) return 'bad-signature';
  return bundle.version < leastVersion ? 'downgrade' : null;
}
