/** Where a vault's nodes go in an export: folders made, names checked and made to fit the disk. */
import { ROOT_NODE, type NodeId } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import type { Capabilities } from '../local-fs/capabilities.ts';
import type { Disk } from '../local-fs/disk.ts';
import { displayName, localNameFor, nameKey, pathProblem } from '../local-fs/path-rules.ts';
import type { Snapshot } from './snapshot.ts';

export interface ExportedNode {
  readonly id: NodeId;
  readonly record: NodeRecord;
  /** Relative to the vault's folder, by the names on this disk. */
  readonly path: string;
}

export interface ExportTree {
  readonly files: readonly ExportedNode[];
  readonly links: readonly ExportedNode[];
  /** Parents first. */
  readonly folders: readonly ExportedNode[];
  /** What cannot be written or does not open, by a path or id to show. */
  readonly leftOut: readonly string[];
}

/**
 * Everything beneath the root; the trash stays out.
 * @param reserved names at the top that are spoken for
 */
export function exportTree(
  snapshot: Snapshot,
  capabilities: Capabilities,
  reserved: readonly string[],
): ExportTree {
  const records = new Map<NodeId, NodeRecord>();
  const leftOut: string[] = [];
  for (const { node, record } of snapshot.nodes) {
    if (record === 'unreadable') leftOut.push(node);
    else if (record !== null) records.set(node, record);
  }
  const children = new Map<NodeId, NodeId[]>();
  for (const [id, { parent }] of records) {
    if (id === ROOT_NODE) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [id]);
    else siblings.push(id);
  }
  const tree = { files: [], links: [], folders: [], leftOut } as {
    files: ExportedNode[];
    links: ExportedNode[];
    folders: ExportedNode[];
    leftOut: string[];
  };
  const stack: { id: NodeId; path: string; accountPath: string }[] = [
    { id: ROOT_NODE, path: '', accountPath: '' },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const taken = new Set(next.path === '' ? reserved.map((name) => nameKey(name, capabilities)) : []);
    const ids = children.get(next.id) ?? [];
    ids.sort();
    for (const id of ids) {
      const record = records.get(id);
      if (record === undefined) continue;
      const accountPath = next.accountPath === '' ? record.name : `${next.accountPath}/${record.name}`;
      const local = localNameFor(record.name, capabilities, taken);
      const isHeld = record.type !== 'symlink' || capabilities.symlinks;
      if (
        pathProblem(accountPath) !== null ||
        'problem' in local ||
        !isHeld ||
        isTwin(taken, local.name, capabilities)
      ) {
        tree.leftOut.push(displayName(accountPath));
        continue;
      }
      taken.add(nameKey(local.name, capabilities));
      const path = next.path === '' ? local.name : `${next.path}/${local.name}`;
      const node = { id, record, path };
      if (record.type === 'folder') {
        tree.folders.push(node);
        stack.push({ id, path, accountPath });
      } else if (record.type === 'file') tree.files.push(node);
      else tree.links.push(node);
    }
  }
  return tree;
}

/** A disk that takes every name as it is gives no aliases: two nodes of one name are a fault of the log. */
function isTwin(taken: ReadonlySet<string>, name: string, capabilities: Capabilities): boolean {
  return taken.has(nameKey(name, capabilities));
}

/** Made open to this person alone; `closeFolders` gives them their modes once all is in them. */
export function makeFolders(disk: Disk, base: string, folders: readonly ExportedNode[]): void {
  for (const { path } of folders) disk.makeFolder(`${base}/${path}`, 0o700);
}

export function closeFolders(
  disk: Disk,
  base: string,
  folders: readonly ExportedNode[],
  capabilities: Capabilities,
): void {
  if (!capabilities.modes) return;
  for (const { path, record } of [...folders].reverse()) disk.setMode(`${base}/${path}`, record.mode);
}
