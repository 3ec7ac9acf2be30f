/**
 * A tree as it will stand once the operations planned so far are done: places only, over a view that is never
 * changed. Two nodes may claim one name for a while (a swap within one commit); the latest claim is answered.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { Place } from './base.ts';
import type { TreeView } from './tree.ts';

export class Overlay {
  readonly #view: TreeView;
  /** Null: gone from the tree. */
  readonly #places = new Map<NodeId, Place | null>();
  readonly #claims = new Map<NodeId, Map<string, NodeId>>();
  readonly #arrived = new Map<NodeId, Set<NodeId>>();

  constructor(view: TreeView) {
    this.#view = view;
  }

  place(id: NodeId): Place | undefined {
    const planned = this.#places.get(id);
    return planned === undefined ? this.#view.get(id) : (planned ?? undefined);
  }

  child(parent: NodeId, name: string): NodeId | undefined {
    const claimed = this.#claims.get(parent)?.get(name);
    if (claimed !== undefined) return claimed;
    const before = this.#view.child(parent, name);
    return before === undefined || this.#places.has(before.id) ? undefined : before.id;
  }

  /** A snapshot: planning on while reading it is safe. */
  children(parent: NodeId): NodeId[] {
    const present: NodeId[] = [];
    for (const { id } of this.#view.children(parent)) if (!this.#places.has(id)) present.push(id);
    for (const id of this.#arrived.get(parent) ?? []) present.push(id);
    return present;
  }

  /**
   * The ids from `id` itself up, ending where the tree does (or after a ring closes). Each step is taken when
   * asked for: a node moved in between is followed to where it went.
   */
  *upFrom(id: NodeId): Generator<NodeId> {
    const passed = new Set<NodeId>();
    for (let at: NodeId | undefined = id; at !== undefined && !passed.has(at); at = this.place(at)?.parent) {
      passed.add(at);
      yield at;
    }
  }

  move(id: NodeId, to: Place): void {
    this.#leave(id);
    this.#places.set(id, { parent: to.parent, name: to.name });
    this.#entry(this.#claims, to.parent, () => new Map<string, NodeId>()).set(to.name, id);
    this.#entry(this.#arrived, to.parent, () => new Set<NodeId>()).add(id);
  }

  drop(id: NodeId): void {
    this.#leave(id);
    this.#places.set(id, null);
  }

  #leave(id: NodeId): void {
    const from = this.#places.get(id);
    if (from === undefined || from === null) return;
    this.#arrived.get(from.parent)?.delete(id);
    const claims = this.#claims.get(from.parent);
    if (claims?.get(from.name) === id) claims.delete(from.name);
  }

  #entry<V>(map: Map<NodeId, V>, key: NodeId, make: () => V): V {
    let value = map.get(key);
    if (value === undefined) map.set(key, (value = make()));
    return value;
  }
}
