/** Paths in the account (`VAULT:/path`; without a vault, the first) and in a pair's folder (relative, with `/`). */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import { PARKED } from '../local-fs/root-marker.ts';
import type { PairStore, RemoteNode, RemoteView } from '../manifest/manifest.ts';

export interface AccountPath {
  /** Name of the vault; null: the first. */
  readonly vault: string | null;
  readonly steps: readonly string[];
}

/** `Files:/a/b`, `/a/b` or `a/b`. A vault's name holds no `:/`. */
export function parseAccountPath(text: string): AccountPath {
  const at = text.indexOf(':/');
  const vault = at > 0 ? text.slice(0, at) : null;
  const path = at > 0 ? text.slice(at + 2) : text;
  return { vault, steps: path.split('/').filter((step) => step !== '' && step !== '.') };
}

/** The node at the steps below `from`; undefined when there is none. */
export function resolveSteps(
  remote: RemoteView,
  steps: readonly string[],
  from: NodeId = ROOT_NODE,
): NodeId | undefined {
  let current = from;
  for (const step of steps) {
    const child = remote.child(current, step);
    if (child === undefined) return undefined;
    current = child.id;
  }
  return current;
}

/** A tree of a vault, as it is or as it was. */
export interface Places {
  get(id: NodeId): { readonly parent: NodeId; readonly name: string } | undefined;
}

/** The node's path below the root, or below the trash with `inTrash`; null when it leads to neither. */
export function remotePath(tree: Places, id: NodeId): { path: string; inTrash: boolean } | null {
  const steps: string[] = [];
  let current = id;
  for (let depth = 0; depth <= MAX_DEPTH + 2; depth += 1) {
    if (current === ROOT_NODE) return { path: `/${steps.reverse().join('/')}`, inTrash: false };
    if (current === TRASH_NODE) return { path: `/${steps.reverse().join('/')}`, inTrash: true };
    const node = tree.get(current);
    if (node === undefined) return null;
    steps.push(node.name);
    current = node.parent;
  }
  return null;
}

/** The node and everything beneath it, parents first. */
export function* subtree(remote: RemoteView, id: NodeId): Generator<RemoteNode> {
  const stack = [id];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const node = remote.get(next);
    if (node === undefined) continue;
    yield node;
    if (node.type === 'folder') for (const child of remote.children(next)) stack.push(child.id);
  }
}

/** The folder that holds a relative path; '' for the pair's own. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

/**
 * Where a node stands, parked or in something that is: it can be read there, and leave. Nothing comes in, for a
 * stop right after it would leave its own place empty and no scan would find it. Null: not here.
 */
export function standingPath(pair: PairStore, id: NodeId): string | null {
  const names: string[] = [];
  for (let row = pair.local.get(id); row?.parked === false; row = pair.local.get(row.parent)) {
    names.unshift(row.localName ?? row.name);
    if (row.parent === pair.config.bound) return names.join('/');
    id = row.parent;
  }
  return pair.local.get(id)?.parked === true ? [PARKED, id, ...names].join('/') : null;
}
