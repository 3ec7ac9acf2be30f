/**
 * Who signs and who is written to. A device has its own Ed25519 and X25519 keys; the account root key gives the
 * master Ed25519 key, which signs the device chain, and is held only while enrolling, revoking or changing the
 * password. Bytes: docs/format.md, "Account keys".
 */
import { timingSafeEqual } from 'node:crypto';
import nacl from 'tweetnacl';
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import { fromHex, type AccountId, type DeviceId, type SealedObject } from '../../protocol/ids.ts';
import { accountIdOf, deviceIdOf } from '../../protocol/signing.ts';
import { hkdf } from './hmac.ts';
import {
  OBJECT_OVERHEAD_BYTES,
  openObject,
  sealObject,
  type ObjectContext,
  type ObjectFault,
} from './object.ts';
import { endPadded, padPlaintext } from './padding.ts';
import type { Random } from './random.ts';

const NO_SALT = new Uint8Array(0);
const MAX_DEVICE_NAME_BYTES = 255;
const MIN_SEALED_NAME_BYTES = 256;

export interface BoxKeys {
  /** X25519, 32 bytes each. */
  readonly boxKey: Uint8Array;
  readonly boxSecret: Uint8Array;
}

export interface DeviceKeys extends BoxKeys {
  readonly device: DeviceId;
  /** Ed25519 public key, 32 bytes. */
  readonly signKey: Uint8Array;
  /** 64 bytes: seed and public key. */
  readonly signSecret: Uint8Array;
}

export function boxKeysOf(boxSecret: Uint8Array): BoxKeys {
  const pair = nacl.box.keyPair.fromSecretKey(boxSecret);
  return { boxKey: pair.publicKey, boxSecret: pair.secretKey };
}

export function makeBoxKeys(random: Random): BoxKeys {
  return boxKeysOf(random(32));
}

/** @param signSeed 32 bytes, @param boxSecret 32 bytes: what the device stores */
export function deviceKeysOf(signSeed: Uint8Array, boxSecret: Uint8Array): DeviceKeys {
  const pair = nacl.sign.keyPair.fromSeed(signSeed);
  return {
    ...boxKeysOf(boxSecret),
    device: deviceIdOf(pair.publicKey),
    signKey: pair.publicKey,
    signSecret: pair.secretKey,
  };
}

export function makeDeviceKeys(random: Random): DeviceKeys {
  return deviceKeysOf(random(32), random(32));
}

/** What the account root key gives. Wipe it when the work it was opened for is done. */
export interface AccountKeys {
  readonly account: AccountId;
  readonly rootKey: Uint8Array;
  /** Ed25519 public key, 32 bytes: the account's identity. */
  readonly masterKey: Uint8Array;
  readonly masterSecret: Uint8Array;
  /** Seals device names; every device keeps it. */
  readonly metadataKey: Uint8Array;
  /** Seals the private half of the account's X25519 key. */
  readonly boxSealKey: Uint8Array;
  /** Seals the entropy of the 24 words. */
  readonly phraseKey: Uint8Array;
}

export function makeRootKey(random: Random): Uint8Array {
  return random(32);
}

/** @param rootKey 32 bytes; copied */
export function accountKeysOf(rootKey: Uint8Array): AccountKeys {
  if (rootKey.length !== 32) throw new RangeError('an account root key has 32 bytes');
  const seed = hkdf(rootKey, NO_SALT, 'coffre/account/master', 32);
  const pair = nacl.sign.keyPair.fromSeed(seed);
  seed.fill(0);
  return {
    account: accountIdOf(pair.publicKey),
    rootKey: Uint8Array.from(rootKey),
    masterKey: pair.publicKey,
    masterSecret: pair.secretKey,
    metadataKey: hkdf(rootKey, NO_SALT, 'coffre/account/metadata', 32),
    boxSealKey: hkdf(rootKey, NO_SALT, 'coffre/account/box', 32),
    phraseKey: hkdf(rootKey, NO_SALT, 'coffre/account/phrase', 32),
  };
}

/** Overwrites the secrets. The metadata key stays: a device keeps a copy of it. */
export function wipeAccountKeys(keys: AccountKeys): void {
  keys.rootKey.fill(0);
  keys.masterSecret.fill(0);
  keys.boxSealKey.fill(0);
  keys.phraseKey.fill(0);
}

function boxContext(keys: AccountKeys, boxKey: Uint8Array): ObjectContext {
  const extra = new ByteWriter(48).hex(keys.account, 16).raw(boxKey).finish();
  return { key: keys.boxSealKey, type: 'account-box-key', epoch: 0, vault: null, extra };
}

/** The private half of the account's X25519 key, for its device chain entry. */
export function sealAccountBox(keys: AccountKeys, box: BoxKeys, random: Random): SealedObject {
  return sealObject({ ...boxContext(keys, box.boxKey), plaintext: box.boxSecret, random });
}

/** `wrong-key` when what opens is not the private half of `boxKey`. */
export function openAccountBox(
  keys: AccountKeys,
  boxKey: Uint8Array,
  sealed: Uint8Array,
):
  | { readonly ok: true; readonly box: BoxKeys }
  | { readonly ok: false; readonly fault: ObjectFault | 'wrong-key' } {
  const opened = openObject({ ...boxContext(keys, boxKey), sealed });
  if (!opened.ok) return opened;
  if (opened.plaintext.length !== 32 || boxKey.length !== 32) return { ok: false, fault: 'wrong-key' };
  const box = boxKeysOf(opened.plaintext);
  return timingSafeEqual(box.boxKey, boxKey) ? { ok: true, box } : { ok: false, fault: 'wrong-key' };
}

function nameContext(metadataKey: Uint8Array, account: AccountId, device: DeviceId): ObjectContext {
  const extra = Buffer.concat([fromHex(account), fromHex(device)]);
  return { key: metadataKey, type: 'device-name', epoch: 0, vault: null, extra };
}

/** @throws RangeError on a name that is empty, above 255 bytes or not well-formed */
export function sealDeviceName(
  metadataKey: Uint8Array,
  account: AccountId,
  device: DeviceId,
  name: string,
  random: Random,
): SealedObject {
  const length = Buffer.byteLength(name, 'utf8');
  if (length === 0 || length > MAX_DEVICE_NAME_BYTES || !name.isWellFormed()) {
    throw new RangeError('a device name has 1 to 255 bytes of text');
  }
  const plaintext = padPlaintext(
    new ByteWriter().text(name).finish(),
    OBJECT_OVERHEAD_BYTES,
    MIN_SEALED_NAME_BYTES,
  );
  return sealObject({ ...nameContext(metadataKey, account, device), plaintext, random });
}

export type OpenedName =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly fault: ObjectFault | 'bad-encoding' };

export function openDeviceName(
  metadataKey: Uint8Array,
  account: AccountId,
  device: DeviceId,
  sealed: Uint8Array,
): OpenedName {
  const opened = openObject({ ...nameContext(metadataKey, account, device), sealed });
  if (!opened.ok) return opened;
  try {
    const reader = new ByteReader(opened.plaintext);
    const name = reader.text(MAX_DEVICE_NAME_BYTES);
    endPadded(reader);
    return name === '' ? { ok: false, fault: 'bad-encoding' } : { ok: true, name };
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'bad-encoding' };
    throw error;
  }
}
