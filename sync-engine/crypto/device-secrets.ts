/**
 * What a device keeps secret at rest, as one F1 object under the unlock key: its own keys, the keys of its vaults,
 * its session and the pins it holds the server to. The account root key is not among them.
 * Bytes: docs/format.md, "Device secrets".
 */
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import type { AccountId, SealedObject, VaultId } from '../../protocol/ids.ts';
import { hkdf } from './hmac.ts';
import { NO_EXTRA, openObject, sealObject, type ObjectContext, type ObjectFault } from './object.ts';
import type { Random } from './random.ts';

const VERSION = 1;

export interface VaultEpochKey {
  readonly vault: VaultId;
  readonly epoch: number;
  readonly key: Uint8Array;
}

export interface DeviceSecrets {
  readonly account: AccountId;
  /** Pinned: Ed25519 public key of the account. */
  readonly masterKey: Uint8Array;
  /** Pinned: the newest bundle version seen. */
  readonly bundleVersion: number;
  /** Pinned: the server's OPAQUE key; empty when never learnt (recovered by the phrase). */
  readonly serverKey: string;
  /** 32 bytes each; see `deviceKeysOf`. */
  readonly signSeed: Uint8Array;
  readonly boxSecret: Uint8Array;
  /** Opens device names. */
  readonly metadataKey: Uint8Array;
  /** Empty after signing out. */
  readonly refreshToken: string;
  readonly epochKeys: readonly VaultEpochKey[];
}

export function makeUnlockKey(random: Random): Uint8Array {
  return random(32);
}

function contextOf(unlockKey: Uint8Array): ObjectContext {
  const key = hkdf(unlockKey, new Uint8Array(0), 'coffre/device-secrets', 32);
  return { key, type: 'device-secrets', epoch: 0, vault: null, extra: NO_EXTRA };
}

export function sealDeviceSecrets(
  unlockKey: Uint8Array,
  secrets: DeviceSecrets,
  random: Random,
): SealedObject {
  const writer = new ByteWriter(512)
    .u8(VERSION)
    .hex(secrets.account, 16)
    .raw(secrets.masterKey)
    .u32(secrets.bundleVersion)
    .text(secrets.serverKey)
    .raw(secrets.signSeed)
    .raw(secrets.boxSecret)
    .raw(secrets.metadataKey)
    .text(secrets.refreshToken)
    .varint(secrets.epochKeys.length);
  for (const { vault, epoch, key } of secrets.epochKeys) writer.hex(vault, 16).u32(epoch).raw(key);
  const plaintext = writer.finish();
  const sealed = sealObject({ ...contextOf(unlockKey), plaintext, random });
  plaintext.fill(0);
  return sealed;
}

export type OpenedSecrets =
  | { readonly ok: true; readonly secrets: DeviceSecrets }
  | { readonly ok: false; readonly fault: ObjectFault | 'bad-encoding' };

export function openDeviceSecrets(unlockKey: Uint8Array, sealed: Uint8Array): OpenedSecrets {
  const opened = openObject({ ...contextOf(unlockKey), sealed });
  if (!opened.ok) return opened;
  try {
    return { ok: true, secrets: readSecrets(new ByteReader(opened.plaintext)) };
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'bad-encoding' };
    throw error;
  } finally {
    opened.plaintext.fill(0);
  }
}

function readSecrets(reader: ByteReader): DeviceSecrets {
  if (reader.u8() !== VERSION) throw new MalformedError('device secrets of an unknown version');
  const key32 = (): Uint8Array => Uint8Array.from(reader.raw(32));
  const fields = {
    account: reader.hex(16) as AccountId,
    masterKey: key32(),
    bundleVersion: reader.u32(),
    serverKey: reader.text(4096),
    signSeed: key32(),
    boxSecret: key32(),
    metadataKey: key32(),
    refreshToken: reader.text(4096),
  };
  const epochKeys: VaultEpochKey[] = [];
  const count = reader.count(52);
  for (let index = 0; index < count; index += 1) {
    epochKeys.push({ vault: reader.hex(16) as VaultId, epoch: reader.u32(), key: key32() });
  }
  reader.end();
  return { ...fields, epochKeys };
}
