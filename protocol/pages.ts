/** Binary answers of the account server that carry sealed objects. Bytes: docs/format.md, "Pages". */
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts';
import { COMMIT_HEADER_BYTES, readFrame, type CommitFrame, type SignedHeader } from './commit.ts';
import type { Hash, NodeId, PackName, SealedObject, VaultId } from './ids.ts';
import { MAX_EVENT_BYTES, MAX_INDEX_BYTES, MAX_RECORD_BYTES } from './limits.ts';

/** A commit with the time the server received it: "as of a time" maps through it, order never does. */
export interface ReceivedCommit {
  readonly receivedAtMs: number;
  readonly frame: CommitFrame;
}

/** GET /v1/vaults/:vault/changes?after=SEQ: commits after SEQ, oldest first. */
export interface ChangesPage {
  readonly headSeq: number;
  readonly headHash: Hash;
  readonly commits: readonly ReceivedCommit[];
}

export function encodeChangesPage(
  headSeq: number,
  headHash: Hash,
  commits: readonly { receivedAtMs: number; frame: Uint8Array }[],
): Uint8Array {
  const writer = new ByteWriter(64 * 1024).u64(headSeq).hex(headHash, 32).varint(commits.length);
  for (const commit of commits) writer.u64(commit.receivedAtMs).blob(commit.frame);
  return writer.finish();
}

/** @throws MalformedError */
export function decodeChangesPage(bytes: Uint8Array): ChangesPage {
  const reader = new ByteReader(bytes);
  const headSeq = reader.u64();
  const headHash = reader.hex(32) as Hash;
  const count = reader.count(9);
  const commits: ReceivedCommit[] = [];
  for (let index = 0; index < count; index += 1) {
    const receivedAtMs = reader.time();
    const part = new ByteReader(reader.blob());
    const frame = readFrame(part);
    part.end();
    commits.push({ receivedAtMs, frame });
  }
  reader.end();
  return { headSeq, headHash, commits };
}

export interface StateNode {
  readonly node: NodeId;
  readonly revision: number;
  readonly object: SealedObject;
}

export interface StatePack {
  readonly name: PackName;
  readonly size: number;
  readonly index: SealedObject;
}

/**
 * GET /v1/vaults/:vault/state?at=SEQ&cursor=C: the live state as of SEQ, nodes by id and then packs by name. The
 * cursor `p` and 64 hex digits asks for the packs whose names come after; any other is opaque.
 */
export interface StatePage {
  readonly nodes: readonly StateNode[];
  readonly packs: readonly StatePack[];
  /** Null after the last page. */
  readonly nextCursor: string | null;
}

export function encodeStatePage(page: StatePage): Uint8Array {
  const writer = new ByteWriter(64 * 1024).varint(page.nodes.length);
  for (const node of page.nodes) writer.hex(node.node, 16).varint(node.revision).blob(node.object);
  writer.varint(page.packs.length);
  for (const pack of page.packs) writer.hex(pack.name, 32).varint(pack.size).blob(pack.index);
  return writer.text(page.nextCursor ?? '').finish();
}

/** @throws MalformedError */
export function decodeStatePage(bytes: Uint8Array): StatePage {
  const reader = new ByteReader(bytes);
  const nodes: StateNode[] = [];
  const nodeCount = reader.count(18);
  for (let index = 0; index < nodeCount; index += 1) {
    nodes.push({
      node: reader.hex(16) as NodeId,
      revision: reader.varint(),
      object: reader.blob(MAX_RECORD_BYTES) as SealedObject,
    });
  }
  const packs: StatePack[] = [];
  const packCount = reader.count(34);
  for (let index = 0; index < packCount; index += 1) {
    packs.push({
      name: reader.hex(32) as PackName,
      size: reader.varint(),
      index: reader.blob(MAX_INDEX_BYTES) as SealedObject,
    });
  }
  const cursor = reader.text(256);
  reader.end();
  return { nodes, packs, nextCursor: cursor === '' ? null : cursor };
}

/** GET /v1/vaults/:vault/headers?from=SEQ&to=SEQ (inclusive, 1,000 at most): headers, oldest first. */
export interface ReceivedHeader {
  readonly receivedAtMs: number;
  readonly signed: SignedHeader;
}

export function encodeHeadersPage(headers: readonly ReceivedHeader[]): Uint8Array {
  const writer = new ByteWriter(headers.length * 400 + 8).varint(headers.length);
  for (const header of headers) {
    writer.u64(header.receivedAtMs).raw(header.signed.bytes).raw(header.signed.signature);
  }
  return writer.finish();
}

/** @throws MalformedError */
export function decodeHeadersPage(bytes: Uint8Array): ReceivedHeader[] {
  const reader = new ByteReader(bytes);
  const count = reader.count(COMMIT_HEADER_BYTES + 72);
  const headers: ReceivedHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    headers.push({
      receivedAtMs: reader.time(),
      signed: { bytes: reader.raw(COMMIT_HEADER_BYTES), signature: reader.raw(64) },
    });
  }
  reader.end();
  return headers;
}

/**
 * GET /v1/vaults/:vault/nodes/:node/history: the retained revisions of one node, newest first. The client
 * accepts one only if `entries` hashes into a header chained to its verified head and names the object.
 */
export interface HistoryItem {
  readonly receivedAtMs: number;
  readonly signed: SignedHeader;
  /** The encoded entries list of that commit. */
  readonly entries: Uint8Array;
  readonly revision: number;
  /** Null for a tombstone. */
  readonly object: SealedObject | null;
}

export function encodeHistoryPage(items: readonly HistoryItem[]): Uint8Array {
  const writer = new ByteWriter(16 * 1024).varint(items.length);
  for (const item of items) {
    writer
      .u64(item.receivedAtMs)
      .raw(item.signed.bytes)
      .raw(item.signed.signature)
      .blob(item.entries)
      .varint(item.revision)
      .blob(item.object ?? new Uint8Array(0));
  }
  return writer.finish();
}

/** @throws MalformedError */
export function decodeHistoryPage(bytes: Uint8Array): HistoryItem[] {
  const reader = new ByteReader(bytes);
  const count = reader.count(COMMIT_HEADER_BYTES + 75);
  const items: HistoryItem[] = [];
  for (let index = 0; index < count; index += 1) {
    const receivedAtMs = reader.time();
    const signed = { bytes: reader.raw(COMMIT_HEADER_BYTES), signature: reader.raw(64) };
    const entries = reader.blob();
    const revision = reader.varint();
    const object = reader.blob(MAX_RECORD_BYTES);
    items.push({
      receivedAtMs,
      signed,
      entries,
      revision,
      object: object.length === 0 ? null : (object as SealedObject),
    });
  }
  reader.end();
  return items;
}

/** What the events socket pushes. A hint that is also the data when it is small. */
export type CloudEvent =
  | { readonly kind: 'commit'; readonly vault: VaultId; readonly commit: ReceivedCommit }
  | { readonly kind: 'head'; readonly vault: VaultId; readonly seq: number; readonly hash: Hash }
  | { readonly kind: 'chain'; readonly length: number }
  | { readonly kind: 'vaults' };

export function encodeCommitEvent(vault: VaultId, receivedAtMs: number, frame: Uint8Array): Uint8Array {
  return new ByteWriter(frame.length + 32).u8(1).hex(vault, 16).u64(receivedAtMs).blob(frame).finish();
}

export function encodeEvent(event: Exclude<CloudEvent, { kind: 'commit' }>): Uint8Array {
  const writer = new ByteWriter(64);
  switch (event.kind) {
    case 'head':
      return writer.u8(2).hex(event.vault, 16).u64(event.seq).hex(event.hash, 32).finish();
    case 'chain':
      return writer.u8(3).u32(event.length).finish();
    case 'vaults':
      return writer.u8(4).finish();
  }
}

/** @throws MalformedError */
export function decodeEvent(bytes: Uint8Array): CloudEvent {
  if (bytes.length > MAX_EVENT_BYTES + 64) throw new MalformedError('an event beyond its size limit');
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  let event: CloudEvent;
  if (kind === 1) {
    const vault = reader.hex(16) as VaultId;
    const receivedAtMs = reader.time();
    const part = new ByteReader(reader.blob());
    const frame = readFrame(part);
    part.end();
    event = { kind: 'commit', vault, commit: { receivedAtMs, frame } };
  } else if (kind === 2) {
    event = {
      kind: 'head',
      vault: reader.hex(16) as VaultId,
      seq: reader.u64(),
      hash: reader.hex(32) as Hash,
    };
  } else if (kind === 3) {
    event = { kind: 'chain', length: reader.u32() };
  } else if (kind === 4) {
    event = { kind: 'vaults' };
  } else {
    throw new MalformedError('an unknown kind of event');
  }
  reader.end();
  return event;
}
