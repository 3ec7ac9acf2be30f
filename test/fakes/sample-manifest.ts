/** Nodes and packs for the tests of this room; what a test does not care about is filled in. */
import { createHash } from 'node:crypto';
import { ROOT_NODE, type ChunkId, type ContentId, type DeviceId, type Hash } from '../../protocol/ids.ts';
import type { NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import type { NodeState } from '../../sync-engine/plan/tree.ts';
import type {
  ChunkRow,
  LocalNode,
  PackRow,
  PairStore,
  RemoteNode,
  VaultStore,
} from '../../sync-engine/manifest/manifest.ts';
import { openManifest } from '../../sync-engine/manifest/open.ts';
import type { SqliteManifest } from '../../sync-engine/manifest/sqlite-manifest.ts';

function digest(text: string, bytes: number): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2);
}

export const nodeId = (text: string) => digest(text, 16) as NodeId;
export const vaultId = (text: string) => digest(text, 16) as VaultId;
export const deviceId = (text: string) => digest(text, 16) as DeviceId;
export const hash = (text: string) => digest(text, 32) as Hash;
export const contentId = (text: string) => digest(text, 32) as ContentId;
export const chunkId = (text: string) => digest(text, 32) as ChunkId;
export const packName = (text: string) => digest(text, 32) as PackName;

export function file(name: string, more: Partial<NodeState> = {}): NodeState {
  return {
    id: nodeId(name),
    parent: ROOT_NODE,
    name,
    type: 'file',
    mode: 0o644,
    mtimeUs: 1_700_000_000_123_456,
    size: 10,
    content: contentId(name),
    ...more,
  };
}

export function folder(name: string, more: Partial<NodeState> = {}): NodeState {
  return file(name, { type: 'folder', mode: 0o755, mtimeUs: 0, size: 0, content: null, ...more });
}

export function onDisk(node: NodeState, more: Partial<LocalNode> = {}): LocalNode {
  const identity = { dev: 5, ino: 7, birthUs: -1, ctimeUs: 1_700_000_000_999_999 };
  return { ...node, localName: null, ...identity, parked: false, ...more };
}

export function inLog(node: NodeState, more: Partial<RemoteNode> = {}): RemoteNode {
  return { ...node, revision: 1, objectHash: hash(node.name), seq: 1, fault: null, ...more };
}

export function packRow(name: string, more: Partial<PackRow> = {}): PackRow {
  return {
    name: packName(name),
    size: 65_536,
    indexHash: hash(name),
    epoch: 0,
    state: 'live',
    trusted: true,
    author: 'self',
    index: null,
    ...more,
  };
}

export function chunkRow(chunk: string, pack: string, more: Partial<ChunkRow> = {}): ChunkRow {
  return {
    id: chunkId(chunk),
    pack: packName(pack),
    epoch: 0,
    segmentOffset: 0,
    segmentLength: 1_000,
    method: 1,
    offset: 0,
    storedLength: 400,
    length: 900,
    ...more,
  };
}

export interface Sample {
  readonly manifest: SqliteManifest;
  readonly vault: VaultStore;
  readonly pair: PairStore;
}

/** A manifest in memory with one vault and one pair bound to its root. */
export function sample(): Sample {
  const manifest = openManifest(':memory:');
  const vault = manifest.addVault(vaultId('Files'));
  const config = { id: 'b1b1b1b1b1b1b1b1', folder: '/home/me/Files', vault: vault.id, bound: ROOT_NODE };
  return { manifest, vault, pair: manifest.addPair(config) };
}
