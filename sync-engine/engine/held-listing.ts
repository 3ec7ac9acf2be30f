/** Which files a held removal would take, by name, so that a person can decide about it. Pure. */
import type { NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { NodeState, Trees } from '../plan/tree.ts';

export interface HeldListing {
  /** All of them; `paths` has the first. */
  readonly files: number;
  /** Relative to the pair's folder, in order. */
  readonly paths: readonly string[];
  /** Where they were deleted: in this folder, in the account, or some here and some there. */
  readonly deleted: 'here' | 'elsewhere' | 'both';
}

/** What a listing's paths hold together at most, whatever the number asked for: it travels in one frame. */
const MAX_CHARACTERS = 200_000;

export function listHeld(
  { local, synced, bound }: Pick<Trees, 'local' | 'synced' | 'bound'>,
  held: ReadonlySet<NodeId>,
  limit: number,
): HeldListing {
  const tops: { readonly node: NodeState; readonly path: string }[] = [];
  let isHere = false;
  let isElsewhere = false;
  for (const id of held) {
    const node = synced.get(id);
    const path = node === undefined ? null : pathOf(node);
    if (node === undefined || path === null) continue;
    if (local.get(id) === undefined) isHere = true;
    else isElsewhere = true;
    tops.push({ node, path });
  }
  tops.sort(byPath);

  const paths: string[] = [];
  let files = 0;
  let characters = 0;
  const stack = tops.reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, path } = next;
    if (node.type === 'folder') {
      const children = [...synced.children(node.id)].map((child) => ({
        node: child,
        path: `${path}/${child.name}`,
      }));
      // Only what may still be listed needs its order.
      if (paths.length < limit) children.sort(byPath);
      for (const child of children.reverse()) stack.push(child);
      continue;
    }
    files += 1;
    if (paths.length >= limit || characters + path.length > MAX_CHARACTERS) continue;
    characters += path.length;
    paths.push(path);
  }
  return { files, paths, deleted: isHere && isElsewhere ? 'both' : isElsewhere ? 'elsewhere' : 'here' };

  /** Null for what lies beneath another that is held, and goes with it. */
  function pathOf(node: NodeState): string | null {
    const steps: string[] = [];
    let current: NodeState | undefined = node;
    for (let depth = 0; current !== undefined && depth <= MAX_DEPTH; depth += 1) {
      if (current !== node && held.has(current.id)) return null;
      steps.push(current.name);
      if (current.parent === bound) break;
      current = synced.get(current.parent);
    }
    return steps.reverse().join('/');
  }
}

function byPath(one: { readonly path: string }, other: { readonly path: string }): number {
  return one.path < other.path ? -1 : one.path > other.path ? 1 : 0;
}
