/**
 * Rows as SQLite hands them over, and the values of the contract. Ids cross the boundary as hex and are
 * converted by SQLite (`unhex`, `hex`): a third cheaper than a Buffer for each. Hot statements have
 * no ORDER BY, join or bound LIMIT: with those, SQLite prepares them anew at every call (6 us and more), because a
 * binding could change the plan.
 */
import type { Database } from 'better-sqlite3';
import { ByteReader, ByteWriter } from '../../protocol/bytes.ts';
import type { ChunkId, ContentId, Hash, NodeId } from '../../protocol/ids.ts';
import type { NodeState, NodeType } from '../plan/tree.ts';
import type { ListEntryRow, LocalNode, Manifest, PackState, RemoteNode } from './manifest.ts';

/** What the parts of an open manifest share. */
export interface Shared {
  readonly database: Database;
  readonly transaction: Manifest['transaction'];
  /** A number above every `dirty.seq` given out so far. */
  readonly nextMark: () => number;
}

const TYPES: readonly NodeType[] = ['file', 'folder', 'symlink'];
const TYPE_NUMBERS: Readonly<Record<NodeType, number>> = { file: 0, folder: 1, symlink: 2 };
const PACK_STATES: readonly PackState[] = ['sealed', 'uploaded', 'live', 'dropped'];
export const PACK_STATE_NUMBERS: Readonly<Record<PackState, number>> = {
  sealed: 0,
  uploaded: 1,
  live: 2,
  dropped: 3,
};

export function typeNumber(type: NodeType): number {
  return TYPE_NUMBERS[type];
}

export function packState(number: number): PackState {
  const state = PACK_STATES[number];
  if (state === undefined) throw new Error(`no pack state ${number}`);
  return state;
}

/** SQL for a BLOB column read as hex; '' where it is NULL. */
export function hexOf(column: string): string {
  return `lower(hex(${column}))`;
}

/** SQL for the columns of NodeRow. */
export const NODE_COLUMNS = `${hexOf('id')} AS id, ${hexOf('parent')} AS parent, name, type, mode,
  mtime_us AS mtimeUs, size, ${hexOf('content')} AS content`;

export interface NodeRow {
  readonly id: NodeId;
  readonly parent: NodeId;
  readonly name: string;
  readonly type: number;
  readonly mode: number;
  readonly mtimeUs: number;
  readonly size: number;
  readonly content: ContentId | '';
}

function typeOf(number: number): NodeType {
  const type = TYPES[number];
  if (type === undefined) throw new Error(`no node type ${number}`);
  return type;
}

export function nodeState(row: NodeRow): NodeState {
  return {
    id: row.id,
    parent: row.parent,
    name: row.name,
    type: typeOf(row.type),
    mode: row.mode,
    mtimeUs: row.mtimeUs,
    size: row.size,
    content: row.content === '' ? null : row.content,
  };
}

/** SQL for the columns of RemoteRow. */
export const REMOTE_COLUMNS = `${NODE_COLUMNS}, revision, ${hexOf('object_hash')} AS objectHash, seq, fault`;

export interface RemoteRow extends NodeRow {
  readonly revision: number;
  readonly objectHash: Hash;
  readonly seq: number;
  readonly fault: string | null;
}

export function remoteNode(row: RemoteRow): RemoteNode {
  return {
    id: row.id,
    parent: row.parent,
    name: row.name,
    type: typeOf(row.type),
    mode: row.mode,
    mtimeUs: row.mtimeUs,
    size: row.size,
    content: row.content === '' ? null : row.content,
    revision: row.revision,
    objectHash: row.objectHash,
    seq: row.seq,
    fault: row.fault,
  };
}

/** SQL for the columns of LocalRow. */
export const LOCAL_COLUMNS = `${NODE_COLUMNS}, disk_name AS diskName, dev, ino, birth_us AS birthUs,
  ctime_us AS ctimeUs, parked`;

export interface LocalRow extends NodeRow {
  readonly diskName: string;
  readonly dev: number;
  readonly ino: number;
  readonly birthUs: number;
  readonly ctimeUs: number;
  readonly parked: number;
}

export function localNode(row: LocalRow): LocalNode {
  return {
    id: row.id,
    parent: row.parent,
    name: row.name,
    type: typeOf(row.type),
    mode: row.mode,
    mtimeUs: row.mtimeUs,
    size: row.size,
    content: row.content === '' ? null : row.content,
    localName: row.diskName === row.name ? null : row.diskName,
    dev: row.dev,
    ino: row.ino,
    birthUs: row.birthUs,
    ctimeUs: row.ctimeUs,
    parked: row.parked === 1,
  };
}

export function encodeList(list: readonly ListEntryRow[]): Uint8Array {
  const writer = new ByteWriter(list.length * 36);
  for (const entry of list) writer.hex(entry.chunk, 32).varint(entry.length);
  return writer.finish();
}

export function decodeList(bytes: Uint8Array): ListEntryRow[] {
  const reader = new ByteReader(bytes);
  const list: ListEntryRow[] = [];
  while (reader.remaining > 0) list.push({ chunk: reader.hex(32) as ChunkId, length: reader.varint() });
  return list;
}
