/**
 * Where a node stands in the remote tree as seen from one pair: inside the bound folder or gone, and if gone,
 * how. Ancestor walks are memoized, so a plan over many siblings climbs each folder once.
 */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { Trees } from './tree.ts';

export type Reach =
  | 'inside' // its ancestors lead to the bound folder
  | 'trash'
  | 'outside' // alive in the vault, but not beneath the bound folder
  | 'none' // the remote tree does not know it: never made, or a tombstone
  | 'broken'; // an ancestor is missing or the chain is a ring: a fault of the log, which says nothing

export class Scope {
  readonly #trees: Trees;
  readonly #known = new Map<NodeId, Reach>();

  constructor(trees: Trees) {
    this.#trees = trees;
    this.#known.set(ROOT_NODE, 'outside');
    this.#known.set(TRASH_NODE, 'trash');
    this.#known.set(trees.bound, 'inside');
  }

  reach(id: NodeId): Reach {
    const passed: NodeId[] = [];
    const onTheWay = new Set<NodeId>();
    let at = id;
    let reach = this.#known.get(at);
    while (reach === undefined) {
      const row = this.#trees.remote.get(at);
      if (row === undefined) {
        if (at === id) return 'none';
        reach = 'broken';
      } else if (onTheWay.has(at)) {
        reach = 'broken';
      } else {
        onTheWay.add(at);
        passed.push(at);
        at = row.parent;
        reach = this.#known.get(at);
      }
    }
    for (const node of passed) this.#known.set(node, reach);
    return reach;
  }
}
