/** A pair's three trees as the planner reads them, with what is kept out of its folder. */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { IgnoreRules } from '../local-fs/ignore-rules.ts';
import type { PairStore, VaultStore } from '../manifest/manifest.ts';
import type { Exclusion, NodeState, Trees, TreeView } from '../plan/tree.ts';

export function pairTrees(pair: PairStore, vault: VaultStore, rules: IgnoreRules): Trees {
  const { bound } = pair.config;
  const deselected = pair.deselected();

  /** Names from the pair's folder down to the node, by one tree; null when it does not lie beneath it. */
  const chain = (tree: TreeView, id: NodeId): NodeState[] | null => {
    const nodes: NodeState[] = [];
    let current = id;
    for (let depth = 0; depth <= MAX_DEPTH + 1; depth += 1) {
      const node = tree.get(current);
      if (node === undefined) return null;
      nodes.unshift(node);
      if (node.parent === bound) return nodes;
      if (node.parent === ROOT_NODE || node.parent === TRASH_NODE) return null;
      current = node.parent;
    }
    return null;
  };

  return {
    local: pair.local,
    remote: vault.remote,
    synced: pair.synced,
    bound,
    excluded(id: NodeId): Exclusion | null {
      const nodes = chain(vault.remote, id) ?? chain(pair.synced, id);
      if (nodes === null) return null;
      let path = '';
      for (const node of nodes) {
        if (deselected.has(node.id)) return 'deselected';
        path = path === '' ? node.name : `${path}/${node.name}`;
        if (rules.ignoresEntry(path, node.type === 'folder')) return 'ignored';
      }
      return null;
    },
  };
}
