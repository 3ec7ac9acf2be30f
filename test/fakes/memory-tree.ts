/** A tree in memory, for tests of what reads trees. */
import type { NodeId } from '../../protocol/ids.ts';
import type { NodeState, TreeView } from '../../sync-engine/plan/tree.ts';

export class MemoryTree implements TreeView {
  readonly #nodes = new Map<NodeId, NodeState>();
  readonly #children = new Map<NodeId, Map<NodeId, NodeState>>();

  constructor(states: Iterable<NodeState> = []) {
    for (const state of states) this.set(state);
  }

  get(id: NodeId): NodeState | undefined {
    return this.#nodes.get(id);
  }

  child(parent: NodeId, name: string): NodeState | undefined {
    for (const child of this.children(parent)) if (child.name === name) return child;
    return undefined;
  }

  children(parent: NodeId): Iterable<NodeState> {
    return this.#children.get(parent)?.values() ?? [];
  }

  all(): Iterable<NodeState> {
    return this.#nodes.values();
  }

  set(state: NodeState): void {
    this.delete(state.id);
    this.#nodes.set(state.id, state);
    let siblings = this.#children.get(state.parent);
    if (siblings === undefined) this.#children.set(state.parent, (siblings = new Map<NodeId, NodeState>()));
    siblings.set(state.id, state);
  }

  /** The node alone; what is beneath it stays, without a parent. */
  delete(id: NodeId): void {
    const state = this.#nodes.get(id);
    if (state === undefined) return;
    this.#nodes.delete(id);
    this.#children.get(state.parent)?.delete(id);
  }

  /** The node (if there) and all beneath it, from the top down. */
  subtree(id: NodeId): NodeState[] {
    const top = this.#nodes.get(id);
    const found = top === undefined ? [] : [top];
    for (const child of [...this.children(id)]) found.push(...this.subtree(child.id));
    return found;
  }
}
