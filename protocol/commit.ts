/**
 * A commit: one signed, hash-chained step of a vault's log. The signed header has a fixed size and hashes
 * the lists, so headers can be kept for ever and a list only while an entry of it is live or retained.
 * Bytes: docs/format.md, "Commit".
 */
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts';
import {
  ZERO_HASH,
  type DeviceId,
  type Hash,
  type NodeId,
  type PackName,
  type SealedObject,
  type SealedPack,
  type VaultId,
} from './ids.ts';
import {
  MAX_COMMIT_BYTES,
  MAX_COMMIT_ENTRIES,
  MAX_COMMIT_PACKS,
  MAX_INDEX_BYTES,
  MAX_INLINE_PACK_BYTES,
  MAX_RECORD_BYTES,
  MAX_WRAPS_BYTES,
} from './limits.ts';
import { hashOf } from './signing.ts';

export const COMMIT_HEADER_BYTES = 320;
const MAGIC = Buffer.from('coffre/commit/1\0', 'utf8');

export interface CommitHeader {
  readonly vault: VaultId;
  readonly epoch: number;
  /** 1 for a vault's first commit. */
  readonly seq: number;
  /** Hash of the previous header; ZERO_HASH before the first. */
  readonly previous: Hash;
  readonly device: DeviceId;
  /** Entries in the device chain as this device saw it, and the hash of the last. Never regresses in a log. */
  readonly chainLength: number;
  readonly chainHead: Hash;
  readonly entriesHash: Hash;
  readonly packsHash: Hash;
  readonly headsHash: Hash;
  /** Hash of the epoch opening; ZERO_HASH when this commit opens no epoch. */
  readonly openingHash: Hash;
  /** Hash of the rejoin list; ZERO_HASH when this is no rejoin commit. */
  readonly rejoinHash: Hash;
  /** HMAC(K_root, seq, S): see the crypto room's `root.ts`. */
  readonly root: Hash;
}

/** One changed node. A tombstone has ZERO_HASH. */
export interface CommitEntry {
  readonly node: NodeId;
  /** 1 for a new node; each commit that touches the node adds one. */
  readonly revision: number;
  readonly objectHash: Hash;
}

export interface PackEntry {
  readonly name: PackName;
  /** Padded size, in bytes. */
  readonly size: number;
  readonly indexHash: Hash;
}

export interface PackChanges {
  readonly added: readonly PackEntry[];
  /** Dropped before, live again with this commit. */
  readonly revived: readonly PackEntry[];
  readonly dropped: readonly PackEntry[];
}

/** The last commit of another device that the author had verified. */
export interface SeenHead {
  readonly device: DeviceId;
  readonly seq: number;
  readonly hash: Hash;
}

/** What the first commit of an epoch proves about its key. */
export interface EpochOpening {
  /** HMAC-SHA256(VK_e, "coffre/epoch\0" || vault || epoch). */
  readonly keyCheck: Hash;
  /** Hash of `wraps`. */
  readonly wrapsHash: Hash;
}

/** A device's answer to a server restored from a backup: the headers it has seen beyond the restored head. */
export interface Rejoin {
  /** Headers with their signatures, oldest first, from the fork to the author's high-water mark. */
  readonly lost: readonly SignedHeader[];
}

export interface SignedHeader {
  /** COMMIT_HEADER_BYTES. */
  readonly bytes: Uint8Array;
  /** Ed25519 over `"F1-sig/commit\0" || bytes`; 64 bytes. */
  readonly signature: Uint8Array;
}

export interface CommitLists {
  readonly entries: readonly CommitEntry[];
  readonly packs: PackChanges;
  readonly heads: readonly SeenHead[];
  readonly opening: EpochOpening | null;
  readonly rejoin: Rejoin | null;
}

/** A commit as it travels. */
export interface CommitFrame extends CommitLists {
  readonly header: CommitHeader;
  readonly signed: SignedHeader;
  /** Sealed records, in the order of `entries`; null for a tombstone or an object no longer kept. */
  readonly objects: readonly (SealedObject | null)[];
  /** Sealed pack indexes, in the order of `packs.added`; null when no longer kept. */
  readonly indexes: readonly (SealedObject | null)[];
  /** The bytes of added packs small enough to travel along. */
  readonly inline: readonly { readonly name: PackName; readonly bytes: SealedPack }[];
  /** The keys of the epoch this commit opens, sealed to each device and to the account. */
  readonly wraps: Uint8Array | null;
}

export const NO_PACKS: PackChanges = { added: [], revived: [], dropped: [] };

export function encodeHeader(header: CommitHeader): Uint8Array {
  const bytes = new ByteWriter(COMMIT_HEADER_BYTES)
    .raw(MAGIC)
    .hex(header.vault, 16)
    .u32(header.epoch)
    .u64(header.seq)
    .hex(header.previous, 32)
    .hex(header.device, 16)
    .u32(header.chainLength)
    .hex(header.chainHead, 32)
    .hex(header.entriesHash, 32)
    .hex(header.packsHash, 32)
    .hex(header.headsHash, 32)
    .hex(header.openingHash, 32)
    .hex(header.rejoinHash, 32)
    .hex(header.root, 32)
    .finish();
  if (bytes.length !== COMMIT_HEADER_BYTES) throw new Error('a commit header has a fixed size');
  return bytes;
}

export function decodeHeader(bytes: Uint8Array): CommitHeader {
  if (bytes.length !== COMMIT_HEADER_BYTES) throw new MalformedError('a commit header of the wrong size');
  const reader = new ByteReader(bytes);
  if (!MAGIC.equals(reader.raw(MAGIC.length))) throw new MalformedError('not a commit of version 1');
  return {
    vault: reader.hex(16) as VaultId,
    epoch: reader.u32(),
    seq: reader.u64(),
    previous: reader.hex(32) as Hash,
    device: reader.hex(16) as DeviceId,
    chainLength: reader.u32(),
    chainHead: reader.hex(32) as Hash,
    entriesHash: reader.hex(32) as Hash,
    packsHash: reader.hex(32) as Hash,
    headsHash: reader.hex(32) as Hash,
    openingHash: reader.hex(32) as Hash,
    rejoinHash: reader.hex(32) as Hash,
    root: reader.hex(32) as Hash,
  };
}

/** The name of a commit: SHA-256 of its header, signature left out. */
export function commitHash(headerBytes: Uint8Array): Hash {
  return hashOf(headerBytes);
}

export function encodeEntries(entries: readonly CommitEntry[]): Uint8Array {
  const writer = new ByteWriter(16 + entries.length * 52).varint(entries.length);
  for (const entry of entries) writer.hex(entry.node, 16).varint(entry.revision).hex(entry.objectHash, 32);
  return writer.finish();
}

function readEntries(reader: ByteReader): CommitEntry[] {
  const count = reader.count(49);
  if (count > MAX_COMMIT_ENTRIES) throw new MalformedError('too many entries in a commit');
  const entries: CommitEntry[] = [];
  const seen = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const node = reader.hex(16) as NodeId;
    if (seen.has(node)) throw new MalformedError('a node twice in one commit');
    seen.add(node);
    entries.push({ node, revision: reader.varint(), objectHash: reader.hex(32) as Hash });
  }
  return entries;
}

export function encodePacks(packs: PackChanges): Uint8Array {
  const writer = new ByteWriter();
  for (const list of [packs.added, packs.revived, packs.dropped]) {
    writer.varint(list.length);
    for (const pack of list) writer.hex(pack.name, 32).varint(pack.size).hex(pack.indexHash, 32);
  }
  return writer.finish();
}

function readPacks(reader: ByteReader): PackChanges {
  const seen = new Set<string>();
  const readList = (): PackEntry[] => {
    const count = reader.count(65);
    if (count > MAX_COMMIT_PACKS) throw new MalformedError('too many packs in a commit');
    const list: PackEntry[] = [];
    for (let index = 0; index < count; index += 1) {
      const name = reader.hex(32) as PackName;
      if (seen.has(name)) throw new MalformedError('a pack twice in one commit');
      seen.add(name);
      list.push({ name, size: reader.varint(), indexHash: reader.hex(32) as Hash });
    }
    return list;
  };
  return { added: readList(), revived: readList(), dropped: readList() };
}

export function encodeHeads(heads: readonly SeenHead[]): Uint8Array {
  const writer = new ByteWriter().varint(heads.length);
  for (const head of heads) writer.hex(head.device, 16).u64(head.seq).hex(head.hash, 32);
  return writer.finish();
}

function readHeads(reader: ByteReader): SeenHead[] {
  const count = reader.count(56);
  const heads: SeenHead[] = [];
  for (let index = 0; index < count; index += 1) {
    heads.push({ device: reader.hex(16) as DeviceId, seq: reader.u64(), hash: reader.hex(32) as Hash });
  }
  return heads;
}

/** The bytes `openingHash` covers; empty when no epoch is opened. */
export function encodeOpening(opening: EpochOpening | null): Uint8Array {
  if (opening === null) return new Uint8Array(0);
  return new ByteWriter(64).hex(opening.keyCheck, 32).hex(opening.wrapsHash, 32).finish();
}

/** @throws MalformedError */
export function decodeOpening(bytes: Uint8Array): EpochOpening {
  return readPart(bytes, readOpening);
}

function readOpening(reader: ByteReader): EpochOpening {
  return { keyCheck: reader.hex(32) as Hash, wrapsHash: reader.hex(32) as Hash };
}

/** The bytes `rejoinHash` covers; empty when this is no rejoin commit. */
export function encodeRejoin(rejoin: Rejoin | null): Uint8Array {
  if (rejoin === null) return new Uint8Array(0);
  const writer = new ByteWriter().varint(rejoin.lost.length);
  for (const lost of rejoin.lost) writer.raw(lost.bytes).raw(lost.signature);
  return writer.finish();
}

/** The hashes a header must carry for these lists. */
export function hashLists(
  lists: CommitLists,
): Pick<CommitHeader, 'entriesHash' | 'packsHash' | 'headsHash' | 'openingHash' | 'rejoinHash'> {
  return {
    entriesHash: hashOf(encodeEntries(lists.entries)),
    packsHash: hashOf(encodePacks(lists.packs)),
    headsHash: hashOf(encodeHeads(lists.heads)),
    openingHash: lists.opening === null ? ZERO_HASH : hashOf(encodeOpening(lists.opening)),
    rejoinHash: lists.rejoin === null ? ZERO_HASH : hashOf(encodeRejoin(lists.rejoin)),
  };
}

export function encodeFrame(frame: Omit<CommitFrame, 'header'>): Uint8Array {
  const writer = new ByteWriter(4096)
    .raw(frame.signed.bytes)
    .raw(frame.signed.signature)
    .blob(encodeEntries(frame.entries))
    .blob(encodePacks(frame.packs))
    .blob(encodeHeads(frame.heads))
    .blob(encodeOpening(frame.opening))
    .blob(encodeRejoin(frame.rejoin));
  for (const object of frame.objects) writer.blob(object ?? new Uint8Array(0));
  for (const index of frame.indexes) writer.blob(index ?? new Uint8Array(0));
  writer.varint(frame.inline.length);
  for (const pack of frame.inline) writer.hex(pack.name, 32).blob(pack.bytes);
  writer.blob(frame.wraps ?? new Uint8Array(0));
  return writer.finish();
}

/**
 * Decodes a frame and checks that its lists are the ones its header hashes, that every object present has
 * the hash its entry names, and likewise indexes, inline packs and wraps. It checks no signature and no
 * chain: that needs keys and a log. @throws MalformedError
 */
export function decodeFrame(bytes: Uint8Array): CommitFrame {
  if (bytes.length > MAX_COMMIT_BYTES) throw new MalformedError('a commit beyond its size limit');
  const reader = new ByteReader(bytes);
  const frame = readFrame(reader);
  reader.end();
  return frame;
}

function readPart<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes);
  const value = read(reader);
  reader.end();
  return value;
}

/** The entries list alone, as a history page carries it. @throws MalformedError */
export function decodeEntries(bytes: Uint8Array): CommitEntry[] {
  return readPart(bytes, readEntries);
}

/** The pack changes alone, as a server keeps them. @throws MalformedError */
export function decodePacks(bytes: Uint8Array): PackChanges {
  return readPart(bytes, readPacks);
}

/** The rejoin list alone, as a device keeps it. @throws MalformedError */
export function decodeRejoin(bytes: Uint8Array): Rejoin {
  return readPart(bytes, readRejoin);
}

function readRejoin(reader: ByteReader): Rejoin {
  const count = reader.count(COMMIT_HEADER_BYTES + 64);
  const lost: SignedHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    lost.push({ bytes: reader.raw(COMMIT_HEADER_BYTES), signature: reader.raw(64) });
  }
  return { lost };
}

/** As `decodeFrame`, from the middle of a page. */
export function readFrame(reader: ByteReader): CommitFrame {
  const signed = { bytes: reader.raw(COMMIT_HEADER_BYTES), signature: reader.raw(64) };
  const header = decodeHeader(signed.bytes);
  const entriesBytes = reader.blob();
  const packsBytes = reader.blob();
  const headsBytes = reader.blob();
  const openingBytes = reader.blob(64);
  const rejoinBytes = reader.blob();
  const lists: CommitLists = {
    entries: readPart(entriesBytes, readEntries),
    packs: readPart(packsBytes, readPacks),
    heads: readPart(headsBytes, readHeads),
    opening: openingBytes.length === 0 ? null : readPart(openingBytes, readOpening),
    rejoin: rejoinBytes.length === 0 ? null : readPart(rejoinBytes, readRejoin),
  };
  const hashed: [Hash, Uint8Array, string][] = [
    [header.entriesHash, entriesBytes, 'entries'],
    [header.packsHash, packsBytes, 'packs'],
    [header.headsHash, headsBytes, 'heads'],
  ];
  for (const [expected, part, what] of hashed) {
    if (hashOf(part) !== expected) throw new MalformedError(`the ${what} are not the ones the header signs`);
  }
  checkOptional(header.openingHash, openingBytes, 'epoch opening');
  checkOptional(header.rejoinHash, rejoinBytes, 'rejoin list');

  const objects = lists.entries.map((entry) =>
    readObject(reader, MAX_RECORD_BYTES, entry.objectHash, 'record'),
  );
  const indexes = lists.packs.added.map((pack) =>
    readObject(reader, MAX_INDEX_BYTES, pack.indexHash, 'pack index'),
  );
  const inline: { name: PackName; bytes: SealedPack }[] = [];
  const inlineCount = reader.count(33);
  for (let index = 0; index < inlineCount; index += 1) {
    const name = reader.hex(32) as PackName;
    const pack = reader.blob(MAX_INLINE_PACK_BYTES) as SealedPack;
    if (!lists.packs.added.some((entry) => entry.name === name && entry.size === pack.length)) {
      throw new MalformedError('an inline pack the commit does not add');
    }
    if ((hashOf(pack) as string) !== name) throw new MalformedError('an inline pack with another hash');
    inline.push({ name, bytes: pack });
  }
  const wrapsBytes = reader.blob(MAX_WRAPS_BYTES);
  if (wrapsBytes.length > 0) {
    if (lists.opening === null) throw new MalformedError('keys without an epoch opening');
    if (hashOf(wrapsBytes) !== lists.opening.wrapsHash) {
      throw new MalformedError('the keys are not the ones the header signs');
    }
  }
  return {
    header,
    signed,
    ...lists,
    objects,
    indexes,
    inline,
    wraps: wrapsBytes.length > 0 ? wrapsBytes : null,
  };
}

function checkOptional(expected: Hash, bytes: Uint8Array, what: string): void {
  const actual = bytes.length === 0 ? ZERO_HASH : hashOf(bytes);
  if (actual !== expected) throw new MalformedError(`the ${what} is not the one the header signs`);
}

function readObject(reader: ByteReader, max: number, expected: Hash, what: string): SealedObject | null {
  const bytes = reader.blob(max);
  if (bytes.length === 0) return null;
  if (hashOf(bytes) !== expected) throw new MalformedError(`a ${what} with another hash`);
  return bytes as SealedObject;
}
