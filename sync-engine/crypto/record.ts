/**
 * A record: the state of one node, canonical, padded and sealed under K_meta, bound to its node and revision.
 * Whoever wrote it held the vault's key but may still be hostile, so decoding checks everything a later step
 * relies on. Bytes: docs/format.md, "Record".
 */
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import {
  EMPTY_CONTENT,
  isId32,
  type ChunkId,
  type ContentId,
  type NodeId,
  type SealedObject,
} from '../../protocol/ids.ts';
import { MAX_LIST_ENTRIES, MAX_NAME_BYTES, MAX_PACK_BYTES, MAX_RECORD_BYTES } from '../../protocol/limits.ts';
import { contentIdOf, type ListEntry } from './content.ts';
import { OBJECT_OVERHEAD_BYTES, openObject, sealObject, sealedEpoch, type ObjectFault } from './object.ts';
import { endPadded, padPlaintext } from './padding.ts';
import type { Random } from './random.ts';
import type { VaultKeys } from './vault-keys.ts';

const VERSION = 1;
/**
 * Sealed, a record has the first of these sizes that holds it, so that names look alike: the first holds one
 * chunk and a name of 99 bytes. Beyond, its size is rounded up.
 */
const SMALL_RECORD_BYTES = [256, 512] as const;
/** Lists of lists; 64 entries of level 3 already span more than any disk. */
export const MAX_LIST_DEPTH = 4;
/** A symlink's target is small content, in bytes. */
export const MAX_TARGET_BYTES = 64 * 1024;
const TYPES = ['file', 'folder', 'symlink'] as const;
type NodeType = (typeof TYPES)[number];

export interface NodeRecord {
  readonly parent: NodeId;
  readonly name: string;
  readonly type: NodeType;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** Microseconds since 1970, negative before. */
  readonly mtimeUs: number;
  /** Content bytes: the sum of the list's lengths; a folder has none. */
  readonly size: number;
  /** 0 when the list names content; n when it names lists of level n. */
  readonly depth: number;
  /** At most 64 entries; empty for an empty file and for a folder. */
  readonly list: readonly ListEntry[];
  /**
   * SHA-256 of the flattened list; null for a folder. At depth 0 it follows from `list`; deeper it is in the
   * record, so that a device can compare content without fetching the lists, and is checked when they are.
   */
  readonly content: ContentId | null;
}

export type RecordFault = 'bad-encoding' | 'bad-name' | 'bad-mode' | 'bad-content' | 'bad-padding';

/** Why this is no name for a node; null when it is one. */
function nameFault(name: string): 'bad-name' | null {
  if (name === '' || name === '.' || name === '..') return 'bad-name';
  if (name.includes('/') || name.includes('\0')) return 'bad-name';
  if (!name.isWellFormed()) return 'bad-name';
  return Buffer.byteLength(name, 'utf8') > MAX_NAME_BYTES ? 'bad-name' : null;
}

/** What the fields must fulfil together; null when they do. */
export function recordFault(record: NodeRecord): RecordFault | null {
  if (nameFault(record.name) !== null) return 'bad-name';
  if (!Number.isInteger(record.mode) || record.mode < 0 || record.mode > 0o777) return 'bad-mode';
  if (!Number.isSafeInteger(record.mtimeUs)) return 'bad-encoding';
  const { type, size, depth, list, content } = record;
  if (type === 'folder') {
    return size === 0 && depth === 0 && list.length === 0 && content === null ? null : 'bad-content';
  }
  if (content === null || !isId32(content)) return 'bad-content';
  if (list.length > MAX_LIST_ENTRIES || !Number.isInteger(depth) || depth < 0 || depth > MAX_LIST_DEPTH) {
    return 'bad-content';
  }
  if (depth > 0 && list.length === 0) return 'bad-content';
  let sum = 0;
  for (const entry of list) {
    if (!Number.isSafeInteger(entry.length) || entry.length < 1) return 'bad-content';
    if (depth === 0 && entry.length > MAX_PACK_BYTES) return 'bad-content';
    sum += entry.length;
  }
  if (sum !== size || !Number.isSafeInteger(sum)) return 'bad-content';
  if (depth === 0 && content !== contentIdOf(list)) return 'bad-content';
  if (type === 'symlink' && (depth !== 0 || size === 0 || size > MAX_TARGET_BYTES)) return 'bad-content';
  return null;
}

/** @throws RangeError on a record that `recordFault` refuses */
export function encodeRecord(record: NodeRecord): Uint8Array {
  const fault = recordFault(record);
  if (fault !== null) throw new RangeError(`not a record: ${fault}`);
  const writer = new ByteWriter(256)
    .u8(VERSION)
    .u8(TYPES.indexOf(record.type))
    .hex(record.parent, 16)
    .u16(record.mode)
    .i64(record.mtimeUs)
    .text(record.name);
  if (record.type === 'folder') return writer.finish();
  writer.varint(record.size).u8(record.depth).varint(record.list.length);
  for (const entry of record.list) writer.hex(entry.chunk, 32).varint(entry.length);
  if (record.depth > 0 && record.content !== null) writer.hex(record.content, 32);
  return writer.finish();
}

export type DecodedRecord =
  { readonly ok: true; readonly record: NodeRecord } | { readonly ok: false; readonly fault: RecordFault };

/** Decodes a record followed by padding. */
export function decodeRecord(bytes: Uint8Array): DecodedRecord {
  const reader = new ByteReader(bytes);
  let record: NodeRecord;
  try {
    record = readRecord(reader);
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'bad-encoding' };
    throw error;
  }
  const fault = recordFault(record);
  if (fault !== null) return { ok: false, fault };
  try {
    endPadded(reader);
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'bad-padding' };
    throw error;
  }
  return { ok: true, record };
}

function readRecord(reader: ByteReader): NodeRecord {
  if (reader.u8() !== VERSION) throw new MalformedError('a record of an unknown version');
  const type = TYPES[reader.u8()];
  if (type === undefined) throw new MalformedError('a node of an unknown type');
  const parent = reader.hex(16) as NodeId;
  const mode = reader.u16();
  const mtimeUs = reader.i64();
  const name = reader.text();
  const list: ListEntry[] = [];
  if (type === 'folder') return { parent, name, type, mode, mtimeUs, size: 0, depth: 0, list, content: null };
  const size = reader.varint();
  const depth = reader.u8();
  const count = reader.count(33);
  if (count > MAX_LIST_ENTRIES) throw new MalformedError('a content list too long for a record');
  for (let index = 0; index < count; index += 1) {
    list.push({ chunk: reader.hex(32) as ChunkId, length: reader.varint() });
  }
  const content =
    depth > 0 ? (reader.hex(32) as ContentId) : list.length === 0 ? EMPTY_CONTENT : contentIdOf(list);
  return { parent, name, type, mode, mtimeUs, size, depth, list, content };
}

function extraOf(node: NodeId, revision: number): Uint8Array {
  return new ByteWriter(24).hex(node, 16).u64(revision).finish();
}

/** @throws RangeError on a record that `recordFault` refuses */
export function sealRecord(
  keys: VaultKeys,
  epoch: number,
  node: NodeId,
  revision: number,
  record: NodeRecord,
  random: Random,
): SealedObject {
  const encoded = encodeRecord(record);
  const [small, least] = SMALL_RECORD_BYTES;
  const atLeast = encoded.length + OBJECT_OVERHEAD_BYTES <= small ? small : least;
  const sealed = sealObject({
    key: keys.metaKey(epoch),
    type: 'record',
    epoch,
    vault: keys.vault,
    extra: extraOf(node, revision),
    plaintext: padPlaintext(encoded, OBJECT_OVERHEAD_BYTES, atLeast),
    random,
  });
  if (sealed.length > MAX_RECORD_BYTES) throw new Error('a valid record fits its size limit');
  return sealed;
}

export type OpenedRecord =
  | { readonly ok: true; readonly record: NodeRecord; readonly epoch: number }
  | { readonly ok: false; readonly fault: ObjectFault | RecordFault };

/** Opens under the key of the epoch the object names; `wrong-epoch` when the keyring lacks it. */
export function openRecord(
  keys: VaultKeys,
  node: NodeId,
  revision: number,
  sealed: Uint8Array,
): OpenedRecord {
  const epoch = sealedEpoch(sealed);
  if (epoch === null || sealed.length > MAX_RECORD_BYTES) return { ok: false, fault: 'malformed' };
  if (!keys.has(epoch)) return { ok: false, fault: 'wrong-epoch' };
  const opened = openObject({
    key: keys.metaKey(epoch),
    type: 'record',
    epoch,
    vault: keys.vault,
    extra: extraOf(node, revision),
    sealed,
  });
  if (!opened.ok) return opened;
  const decoded = decodeRecord(opened.plaintext);
  return decoded.ok ? { ...decoded, epoch } : decoded;
}
