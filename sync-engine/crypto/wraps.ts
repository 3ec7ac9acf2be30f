/**
 * The keys of one epoch on their way to whoever may read the vault: VK_e boxed to each device and to the
 * account, and VK_{e-1} sealed under VK_e, so that a newcomer reads back to the beginning. The blob's hash is in
 * the signed header of the commit that opens the epoch, and so is a check of the key itself: a box commits to no
 * key, the check does. Bytes: docs/format.md, "Wraps".
 */
import nacl from 'tweetnacl';
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import { toHex, type DeviceId, type Hash, type VaultId } from '../../protocol/ids.ts';
import { MAX_WRAPS_BYTES } from '../../protocol/limits.ts';
import { sha256 } from '../../protocol/signing.ts';
import { NO_EXTRA, openObject, sealObject, type ObjectFault } from './object.ts';
import type { Random } from './random.ts';
import { derivePurposeKey, isEpochKey } from './vault-keys.ts';

const VERSION = 1;
const CONTEXT = Buffer.from('coffre/wrap\0', 'ascii');
const KEY_BYTES = 32;
const BOX_BYTES = CONTEXT.length + 16 + 4 + 32 + KEY_BYTES + nacl.box.overheadLength;
const ZERO_ID = '0'.repeat(32);

/** Who can open a wrap: a device of the chain, or the account itself with its own X25519 key. */
export interface WrapRecipient {
  readonly id: DeviceId | 'account';
  /** X25519 public key, 32 bytes. */
  readonly boxKey: Uint8Array;
}

export interface EpochKeyToWrap {
  readonly vault: VaultId;
  readonly epoch: number;
  readonly key: Uint8Array;
  /** VK_{e-1}; null for epoch 0 and only then. */
  readonly previousKey: Uint8Array | null;
  readonly recipients: readonly WrapRecipient[];
}

/** Of a recipient: its id in the blob. */
function idOf(recipient: DeviceId | 'account'): string {
  return recipient === 'account' ? ZERO_ID : recipient;
}

/** A Diffie-Hellman with a point of small order gives zeros: a key anyone could compute. */
function isContributory(publicKey: Uint8Array, secretKey: Uint8Array): boolean {
  return nacl.scalarMult(secretKey, publicKey).some((byte) => byte !== 0);
}

function nonceOf(ephemeralKey: Uint8Array, boxKey: Uint8Array): Uint8Array {
  return sha256(ephemeralKey, boxKey).subarray(0, nacl.box.nonceLength);
}

/** @throws RangeError on a recipient key of small order, a missing previous key or too many recipients */
export function wrapEpochKey(request: EpochKeyToWrap, random: Random): Uint8Array {
  const { vault, epoch, key, previousKey, recipients } = request;
  if ((previousKey === null) !== (epoch === 0))
    throw new RangeError('every epoch but the first seals the one before');
  const writer = new ByteWriter(256 + recipients.length * 200).u8(VERSION).varint(recipients.length);
  for (const { id, boxKey } of recipients) {
    const ephemeral = nacl.box.keyPair.fromSecretKey(random(KEY_BYTES));
    if (!isContributory(boxKey, ephemeral.secretKey)) throw new RangeError('a public key of small order');
    const message = new ByteWriter(128).raw(CONTEXT).hex(vault, 16).u32(epoch).raw(boxKey).raw(key).finish();
    writer
      .hex(idOf(id), 16)
      .raw(ephemeral.publicKey)
      .raw(nacl.box(message, nonceOf(ephemeral.publicKey, boxKey), boxKey, ephemeral.secretKey));
    message.fill(0);
    ephemeral.secretKey.fill(0);
  }
  if (previousKey === null) {
    writer.blob(NO_EXTRA);
  } else {
    const sealed = sealObject({ ...previousContext(key, vault, epoch), plaintext: previousKey, random });
    writer.blob(sealed);
  }
  if (writer.length > MAX_WRAPS_BYTES) throw new RangeError('too many recipients for one blob');
  return writer.finish();
}

function previousContext(key: Uint8Array, vault: VaultId, epoch: number) {
  return {
    key: derivePurposeKey(key, vault, epoch, 'previous'),
    type: 'previous-key',
    epoch,
    vault,
    extra: NO_EXTRA,
  } as const;
}

interface Wraps {
  readonly wraps: readonly {
    readonly id: string;
    readonly ephemeralKey: Uint8Array;
    readonly box: Uint8Array;
  }[];
  readonly previous: Uint8Array;
}

function decodeWraps(bytes: Uint8Array): Wraps {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new MalformedError('wraps of an unknown version');
  const count = reader.count(16 + 32 + BOX_BYTES);
  const wraps = [];
  for (let index = 0; index < count; index += 1) {
    wraps.push({ id: reader.hex(16), ephemeralKey: reader.raw(32), box: reader.raw(BOX_BYTES) });
  }
  const previous = reader.blob(1024);
  reader.end();
  return { wraps, previous };
}

type WrapFault =
  | ObjectFault
  /** No wrap in the blob is for this recipient: this device is not (yet) among the readers. */
  | 'not-for-us'
  /** The box does not open, or is bound to another vault, epoch or recipient. */
  | 'bad-box'
  /** It opened, but is not the key the epoch's first commit proved. */
  | 'wrong-key';

export type OpenedKey =
  { readonly ok: true; readonly key: Uint8Array } | { readonly ok: false; readonly fault: WrapFault };

export interface WrapToOpen {
  readonly bytes: Uint8Array;
  readonly vault: VaultId;
  readonly epoch: number;
  readonly recipient: DeviceId | 'account';
  /** X25519 secret key of the recipient, 32 bytes. */
  readonly boxSecret: Uint8Array;
  /** From the signed opening of the epoch. */
  readonly keyCheck: Hash;
}

export function openWrap(request: WrapToOpen): OpenedKey {
  const { bytes, vault, epoch, recipient, boxSecret, keyCheck } = request;
  let decoded: Wraps;
  try {
    decoded = decodeWraps(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'malformed' };
    throw error;
  }
  const wrap = decoded.wraps.find((one) => one.id === idOf(recipient));
  if (wrap === undefined) return { ok: false, fault: 'not-for-us' };
  const { publicKey } = nacl.box.keyPair.fromSecretKey(boxSecret);
  if (!isContributory(wrap.ephemeralKey, boxSecret)) return { ok: false, fault: 'bad-box' };
  const message = nacl.box.open(
    wrap.box,
    nonceOf(wrap.ephemeralKey, publicKey),
    wrap.ephemeralKey,
    boxSecret,
  );
  if (message === null) return { ok: false, fault: 'bad-box' };
  const bound = new ByteWriter(96).raw(CONTEXT).hex(vault, 16).u32(epoch).raw(publicKey).finish();
  if (toHex(message.subarray(0, bound.length)) !== toHex(bound)) return { ok: false, fault: 'bad-box' };
  const key = message.slice(bound.length);
  message.fill(0);
  return isEpochKey(key, vault, epoch, keyCheck) ? { ok: true, key } : { ok: false, fault: 'wrong-key' };
}

/**
 * The key of the epoch before, VK_{e-1} unless a rejoin skipped numbers, out of the wraps of epoch e.
 * @param key VK_e
 * @param previousKeyCheck from the signed opening of epoch e-1
 */
export function openPreviousKey(
  bytes: Uint8Array,
  vault: VaultId,
  epoch: number,
  key: Uint8Array,
  previousKeyCheck: Hash,
  previousEpoch = epoch - 1,
): OpenedKey {
  let decoded: Wraps;
  try {
    decoded = decodeWraps(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'malformed' };
    throw error;
  }
  if (decoded.previous.length === 0 || epoch === 0) return { ok: false, fault: 'malformed' };
  const opened = openObject({ ...previousContext(key, vault, epoch), sealed: decoded.previous });
  if (!opened.ok) return opened;
  return isEpochKey(opened.plaintext, vault, previousEpoch, previousKeyCheck)
    ? { ok: true, key: opened.plaintext }
    : { ok: false, fault: 'wrong-key' };
}
