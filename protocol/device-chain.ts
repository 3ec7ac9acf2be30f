/**
 * The account's device chain: an append-only list of entries signed by the account master key. Server and
 * clients apply the same rules. Bytes: docs/format.md, "Device chain".
 */
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts';
import { ZERO_HASH, type AccountId, type DeviceId, type Hash, type VaultId } from './ids.ts';
import { MAX_CHAIN_ENTRY_BYTES } from './limits.ts';
import { accountIdOf, deviceIdOf, hashOf, verifySignature } from './signing.ts';

const MAGIC = Buffer.from('coffre/chain/1\0\0', 'utf8');

/** The head of a vault when a device was revoked: its last commit that counts. */
export interface HeadPin {
  readonly vault: VaultId;
  readonly seq: number;
  readonly hash: Hash;
}

export type ChainBody =
  /** Entry 0: the master key itself. */
  | { readonly kind: 'genesis'; readonly masterKey: Uint8Array }
  | {
      readonly kind: 'add';
      readonly device: DeviceId;
      /** Ed25519 and X25519 public keys, 32 bytes each. */
      readonly signKey: Uint8Array;
      readonly boxKey: Uint8Array;
      /** The device's name, an F1 object under the account metadata key. */
      readonly sealedName: Uint8Array;
      /** For people only; orders nothing. */
      readonly createdAtMs: number;
    }
  /** Names the current head of every vault; commits of this device after its pins do not count. */
  | { readonly kind: 'revoke'; readonly device: DeviceId; readonly pins: readonly HeadPin[] }
  /** The account's X25519 key for new devices and recovery; the private half is an F1 object under the root key. */
  | { readonly kind: 'account-key'; readonly boxKey: Uint8Array; readonly sealedPrivateKey: Uint8Array }
  /** The log of a vault goes back to an older head. */
  | { readonly kind: 'void'; readonly pin: HeadPin }
  /** The account was recovered with the phrase, its password changed, or new words made. */
  | { readonly kind: 'notice'; readonly event: ChainEvent; readonly atMs: number };

export interface ChainEntry {
  readonly account: AccountId;
  readonly index: number;
  /** Hash of the previous entry's unsigned bytes; ZERO_HASH for entry 0. */
  readonly previous: Hash;
  readonly body: ChainBody;
}

const KINDS = ['genesis', 'add', 'revoke', 'account-key', 'void', 'notice'] as const;
/** In the order of their numbers, which are for life. */
const EVENTS = ['recovered', 'password-changed', 'phrase-renewed'] as const;
export type ChainEvent = (typeof EVENTS)[number];

/** The bytes the master key signs. */
export function encodeChainEntry(entry: ChainEntry): Uint8Array {
  const { body } = entry;
  const writer = new ByteWriter()
    .raw(MAGIC)
    .hex(entry.account, 16)
    .u32(entry.index)
    .hex(entry.previous, 32)
    .u8(KINDS.indexOf(body.kind));
  switch (body.kind) {
    case 'genesis':
      return writer.raw(body.masterKey).finish();
    case 'add':
      return writer
        .hex(body.device, 16)
        .raw(body.signKey)
        .raw(body.boxKey)
        .blob(body.sealedName)
        .u64(body.createdAtMs)
        .finish();
    case 'revoke':
      writer.hex(body.device, 16).varint(body.pins.length);
      for (const pin of body.pins) writePin(writer, pin);
      return writer.finish();
    case 'account-key':
      return writer.raw(body.boxKey).blob(body.sealedPrivateKey).finish();
    case 'void':
      writePin(writer, body.pin);
      return writer.finish();
    case 'notice':
      return writer.u8(EVENTS.indexOf(body.event)).u64(body.atMs).finish();
  }
}

function writePin(writer: ByteWriter, pin: HeadPin): void {
  writer.hex(pin.vault, 16).u64(pin.seq).hex(pin.hash, 32);
}

function readPin(reader: ByteReader): HeadPin {
  return { vault: reader.hex(16) as VaultId, seq: reader.u64(), hash: reader.hex(32) as Hash };
}

function readBody(reader: ByteReader): ChainBody {
  const kind = KINDS[reader.u8()];
  if (kind === undefined) throw new MalformedError('an unknown kind of device chain entry');
  switch (kind) {
    case 'genesis':
      return { kind, masterKey: reader.raw(32) };
    case 'add':
      return {
        kind,
        device: reader.hex(16) as DeviceId,
        signKey: reader.raw(32),
        boxKey: reader.raw(32),
        sealedName: reader.blob(4096),
        createdAtMs: reader.u64(),
      };
    case 'revoke': {
      const device = reader.hex(16) as DeviceId;
      const pins: HeadPin[] = [];
      const count = reader.count(56);
      for (let index = 0; index < count; index += 1) pins.push(readPin(reader));
      return { kind, device, pins };
    }
    case 'account-key':
      return { kind, boxKey: reader.raw(32), sealedPrivateKey: reader.blob(4096) };
    case 'void':
      return { kind, pin: readPin(reader) };
    case 'notice': {
      const event = EVENTS[reader.u8()];
      if (event === undefined) throw new MalformedError('an unknown notice in the device chain');
      return { kind, event, atMs: reader.u64() };
    }
  }
}

/** An entry with its master signature: what travels and what is stored. */
export interface SignedChainEntry {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

export function encodeSignedEntry(entry: SignedChainEntry): Uint8Array {
  return new ByteWriter().blob(entry.bytes).raw(entry.signature).finish();
}

/** @throws MalformedError */
export function decodeSignedEntry(bytes: Uint8Array): SignedChainEntry {
  const reader = new ByteReader(bytes);
  const entry = { bytes: reader.blob(MAX_CHAIN_ENTRY_BYTES), signature: reader.raw(64) };
  reader.end();
  return entry;
}

/** @throws MalformedError */
export function decodeChainEntry(bytes: Uint8Array): ChainEntry {
  const reader = new ByteReader(bytes);
  if (!MAGIC.equals(reader.raw(MAGIC.length)))
    throw new MalformedError('not a device chain entry of version 1');
  const account = reader.hex(16) as AccountId;
  const index = reader.u32();
  const previous = reader.hex(32) as Hash;
  const body = readBody(reader);
  reader.end();
  return { account, index, previous, body };
}

interface ChainDevice {
  readonly device: DeviceId;
  readonly signKey: Uint8Array;
  readonly boxKey: Uint8Array;
  readonly sealedName: Uint8Array;
  readonly createdAtMs: number;
  /** Index of its `add` entry. */
  readonly addedAt: number;
  /** Index of its `revoke` entry with the pins; null while it is live. */
  readonly revoked: { readonly at: number; readonly pins: readonly HeadPin[] } | null;
}

/** The state a verified chain describes. Immutable: `extendChain` returns a new one. */
export interface DeviceChain {
  readonly account: AccountId;
  readonly masterKey: Uint8Array;
  readonly length: number;
  readonly head: Hash;
  /** Hash of every entry, by index. */
  readonly hashes: readonly Hash[];
  readonly devices: ReadonlyMap<DeviceId, ChainDevice>;
  readonly accountKey: { readonly boxKey: Uint8Array; readonly sealedPrivateKey: Uint8Array } | null;
  readonly voids: readonly { readonly at: number; readonly pin: HeadPin }[];
  readonly notices: readonly { readonly at: number; readonly event: ChainEvent; readonly atMs: number }[];
}

/** Why an entry was refused. */
type ChainFault =
  | 'malformed'
  | 'wrong-account'
  | 'wrong-index'
  | 'wrong-previous'
  | 'bad-signature'
  | 'unknown-device'
  | 'device-exists';

export type ChainResult =
  { readonly ok: true; readonly chain: DeviceChain } | { readonly ok: false; readonly fault: ChainFault };

/** Starts a chain from its genesis entry; the account id commits to the master key. */
export function startChain(entry: SignedChainEntry): ChainResult {
  let decoded: ChainEntry;
  try {
    decoded = decodeChainEntry(entry.bytes);
  } catch {
    return { ok: false, fault: 'malformed' };
  }
  const { body } = decoded;
  if (body.kind !== 'genesis') return { ok: false, fault: 'malformed' };
  if (decoded.index !== 0) return { ok: false, fault: 'wrong-index' };
  if (decoded.previous !== ZERO_HASH) return { ok: false, fault: 'wrong-previous' };
  if (accountIdOf(body.masterKey) !== decoded.account) return { ok: false, fault: 'wrong-account' };
  if (!verifySignature('chain', entry.bytes, entry.signature, body.masterKey)) {
    return { ok: false, fault: 'bad-signature' };
  }
  const head = hashOf(entry.bytes);
  const chain: DeviceChain = {
    account: decoded.account,
    masterKey: Uint8Array.from(body.masterKey),
    length: 1,
    head,
    hashes: [head],
    devices: new Map(),
    accountKey: null,
    voids: [],
    notices: [],
  };
  return { ok: true, chain };
}

/** Applies one more entry. */
export function extendChain(chain: DeviceChain, entry: SignedChainEntry): ChainResult {
  let decoded: ChainEntry;
  try {
    decoded = decodeChainEntry(entry.bytes);
  } catch {
    return { ok: false, fault: 'malformed' };
  }
  if (decoded.account !== chain.account) return { ok: false, fault: 'wrong-account' };
  if (decoded.index !== chain.length) return { ok: false, fault: 'wrong-index' };
  if (decoded.previous !== chain.head) return { ok: false, fault: 'wrong-previous' };
  if (!verifySignature('chain', entry.bytes, entry.signature, chain.masterKey)) {
    return { ok: false, fault: 'bad-signature' };
  }
  const head = hashOf(entry.bytes);
  const next = { ...chain, length: chain.length + 1, head, hashes: [...chain.hashes, head] };
  const { body } = decoded;
  switch (body.kind) {
    case 'genesis':
      return { ok: false, fault: 'malformed' };
    case 'add': {
      if (chain.devices.has(body.device)) return { ok: false, fault: 'device-exists' };
      if (deviceIdOf(body.signKey) !== body.device) return { ok: false, fault: 'malformed' };
      const devices = new Map(chain.devices);
      devices.set(body.device, {
        device: body.device,
        signKey: Uint8Array.from(body.signKey),
        boxKey: Uint8Array.from(body.boxKey),
        sealedName: Uint8Array.from(body.sealedName),
        createdAtMs: body.createdAtMs,
        addedAt: decoded.index,
        revoked: null,
      });
      return { ok: true, chain: { ...next, devices } };
    }
    case 'revoke': {
      const device = chain.devices.get(body.device);
      if (device?.revoked !== null) return { ok: false, fault: 'unknown-device' };
      const devices = new Map(chain.devices);
      devices.set(body.device, { ...device, revoked: { at: decoded.index, pins: body.pins } });
      return { ok: true, chain: { ...next, devices } };
    }
    case 'account-key':
      return {
        ok: true,
        chain: {
          ...next,
          accountKey: {
            boxKey: Uint8Array.from(body.boxKey),
            sealedPrivateKey: Uint8Array.from(body.sealedPrivateKey),
          },
        },
      };
    case 'void':
      return { ok: true, chain: { ...next, voids: [...chain.voids, { at: decoded.index, pin: body.pin }] } };
    case 'notice':
      return {
        ok: true,
        chain: {
          ...next,
          notices: [...chain.notices, { at: decoded.index, event: body.event, atMs: body.atMs }],
        },
      };
  }
}

/** Replays a whole chain from entry 0. */
export function replayChain(entries: readonly SignedChainEntry[]): ChainResult {
  const [first, ...rest] = entries;
  if (first === undefined) return { ok: false, fault: 'malformed' };
  let result = startChain(first);
  for (const entry of rest) {
    if (!result.ok) return result;
    result = extendChain(result.chain, entry);
  }
  return result;
}
