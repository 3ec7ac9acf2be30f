/** What a vault that is taken back makes of its files: the verified state at the head, against the present one. */
import { MAX_TOUCHED, type TouchedNode } from '../../protocol/control-vault.ts';
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { RemoteNode } from '../manifest/manifest.ts';
import { remotePath, type Places } from './paths.ts';
import { pastTreeAt, type PastTree } from './past-tree.ts';
import type { TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface Touched {
  readonly touchedCount: number;
  /** The first by path. */
  readonly touched: TouchedNode[];
}

/** @throws CloudError, LogFault */
export async function touchedSince(at: TreeDevice, vault: VaultSync, seq: number): Promise<Touched> {
  const { store } = vault.log;
  const past = await pastTreeAt(at, vault, seq);
  const all: TouchedNode[] = [];
  const note = (node: NodeId, now: RemoteNode | undefined): void => {
    const found = touchedNode(vault, past, node, now);
    if (found !== null) all.push({ ...found, againBy: againBy(at, vault, now, seq) });
  };
  for (const row of store.remoteRows()) note(row.id, row);
  for (const node of past.nodes()) if (store.remote.get(node) === undefined) note(node, undefined);
  all.sort((left, right) => Buffer.compare(Buffer.from(left.path), Buffer.from(right.path)));
  return { touchedCount: all.length, touched: all.slice(0, MAX_TOUCHED) };
}

function touchedNode(
  vault: VaultSync,
  past: PastTree,
  node: NodeId,
  now: RemoteNode | undefined,
): Omit<TouchedNode, 'againBy'> | null {
  if (node === ROOT_NODE || node === TRASH_NODE) return null;
  const then = past.get(node);
  const isMoved = now?.parent !== then?.parent || now?.name !== then?.name;
  if (!isMoved && now?.content === then?.content && now?.type === then?.type) return null;
  const pathNow = now === undefined ? null : livePath(vault.log.store.remote, node);
  const pathThen = then === undefined ? null : livePath(past, node);
  if (pathNow === null) {
    if (then === undefined || pathThen === null) return null;
    return { path: pathThen, type: then.type, change: 'comes-back' };
  }
  if (now === undefined) return null;
  const { type } = now;
  if (then === undefined || pathThen === null) return { path: pathNow, type, change: 'goes-away' };
  return { path: pathNow, type, change: now.content === then.content ? 'moves' : 'content' };
}

/** Null: it lies in the trash. */
function livePath(tree: Places, node: NodeId): string | null {
  const found = remotePath(tree, node);
  return found === null || found.inTrash ? null : found.path;
}

/** The device that wrote it last, where that is in the account and has it to propose again. */
function againBy(at: TreeDevice, vault: VaultSync, now: RemoteNode | undefined, seq: number): string | null {
  if (now === undefined || now.seq <= seq) return null;
  const device = vault.log.store.header(now.seq)?.device;
  if (device === undefined || at.device.chain().devices.get(device)?.revoked !== null) return null;
  return at.device.nameOf(device) ?? device;
}
