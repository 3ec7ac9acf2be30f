/**
 * One device and one account in memory, and an executor that does to three memory trees what the engine does
 * to disk, account and manifest: the same preconditions, the same steps of the merge base, the same nodes made
 * dirty. Any operation may be dropped, as a crash, a full disk or an edit in between would.
 */
import { TRASH_NODE, type ContentId, type NodeId } from '../../protocol/ids.ts';
import { advanced, agreed, sameContent, samePlace, sameState } from '../../sync-engine/plan/base.ts';
import { fitting, mayRemove, type RemoteOperation } from '../../sync-engine/plan/fitting.ts';
import type { Operation } from '../../sync-engine/plan/operation.ts';
import { PARKED_NODE, type Exclusion, type NodeState, type Trees } from '../../sync-engine/plan/tree.ts';
import { MemoryTree } from './memory-tree.ts';

export function nodeId(number: number): NodeId {
  return number.toString(16).padStart(32, '0') as NodeId;
}

export class ModelWorld implements Trees {
  readonly local = new MemoryTree();
  readonly remote = new MemoryTree();
  readonly synced = new MemoryTree();
  readonly bound: NodeId;
  readonly dirty = new Set<NodeId>();
  /** What the disk really holds of a node, read or not. */
  readonly onDisk = new Map<NodeId, ContentId>();
  /** Contents that went to the local trash. */
  readonly removed = new Set<ContentId>();
  /** Contents that are on the disk and no longer looked at. */
  readonly unseen = new Set<ContentId>();
  readonly done: Operation[] = [];
  readonly exclusions = new Map<NodeId, Exclusion>();
  #nextId = 0x10000;

  constructor(bound: NodeId) {
    this.bound = bound;
  }

  freshId(): NodeId {
    return nodeId(this.#nextId++);
  }

  excluded(id: NodeId): Exclusion | null {
    const tree = this.remote.get(id) === undefined ? this.synced : this.remote;
    const passed = new Set<NodeId>();
    for (let at = tree.get(id); at !== undefined && !passed.has(at.id); at = tree.get(at.parent)) {
      const exclusion = this.exclusions.get(at.id);
      if (exclusion !== undefined) return exclusion;
      passed.add(at.id);
    }
    return null;
  }

  /** Does the operations in order; `drops` is asked for each. */
  execute(operations: readonly Operation[], drops: (operation: Operation) => boolean): void {
    let commit: RemoteOperation[] = [];
    for (const operation of operations) {
      if (operation.kind === 'put' || operation.kind === 'trash') {
        if (!drops(operation)) commit.push(operation);
        continue;
      }
      this.#commit(commit);
      commit = [];
      if (!drops(operation) && this.#step(operation)) this.done.push(operation);
    }
    this.#commit(commit);
  }

  #commit(operations: RemoteOperation[]): void {
    const accepted = fitting(this, operations);
    for (const operation of accepted) {
      const { id } = operation;
      const before = this.remote.get(id);
      if (operation.kind === 'put') {
        const exclusion = this.excluded(id);
        this.remote.set(operation.state);
        if (this.excluded(id) !== exclusion) this.#dirtyBeneath(id);
        this.synced.set(advanced(this.synced.get(id), before, operation.state));
      } else if (before !== undefined) {
        this.remote.set({ ...before, parent: TRASH_NODE });
      }
      this.done.push(operation);
      this.#touched(id);
    }
  }

  /** The merge base moves on where both sides agree; the node is looked at again. */
  #touched(id: NodeId): void {
    const synced = agreed(this.local.get(id), this.remote.get(id), this.synced.get(id));
    if (synced !== undefined) this.synced.set(synced);
    this.dirty.add(id);
  }

  /** False when a precondition does not hold. */
  #step(operation: Exclude<Operation, RemoteOperation>): boolean {
    const { id } = operation;
    const local = this.local.get(id);
    const remote = this.remote.get(id);
    switch (operation.kind) {
      case 'ingest':
        return local !== undefined && this.#write({ ...local, content: this.onDisk.get(id) ?? null });
      case 'make-folder':
      case 'fetch':
        return remote !== undefined && this.#bring(operation.state, local, remote);
      case 'move': {
        const { parent, name } = operation;
        return (
          local !== undefined && this.#isRoom(id, { parent, name }) && this.#write({ ...local, parent, name })
        );
      }
      case 'park':
        return local !== undefined && this.#write({ ...local, parent: PARKED_NODE });
      case 'set': {
        if (local === undefined || !this.#hasPath(id)) return false;
        const { mode, mtimeUs } = operation;
        return this.#carry({ ...local, mode, mtimeUs }, local);
      }
      case 'remove':
        if (local === undefined || !mayRemove(this, id)) return false;
        if (local.parent !== PARKED_NODE && !this.#hasPath(id)) return false;
        for (const { id: gone } of this.local.subtree(id)) {
          const content = this.onDisk.get(gone);
          if (content !== undefined) this.removed.add(content);
          this.onDisk.delete(gone);
          this.local.delete(gone);
          this.dirty.add(gone);
        }
        return true;
      case 'settle':
        return this.#settle(id, local, remote);
      case 'forget':
        this.synced.delete(id);
        for (const { id: gone } of this.local.subtree(id)) {
          const content = this.onDisk.get(gone);
          if (content !== undefined) this.unseen.add(content);
          this.onDisk.delete(gone);
          this.local.delete(gone);
          this.dirty.add(gone);
        }
        return true;
      case 'adopt':
        if (local === undefined || this.local.get(operation.remote) !== undefined) return false;
        this.#rename(local, { ...local, id: operation.remote });
        this.#dirtyChildren(this.remote, operation.remote);
        return true;
      case 'conflict':
        if (local === undefined || this.local.child(local.parent, operation.name) !== undefined) return false;
        if (!this.#hasPath(id)) return false;
        this.#rename(local, { ...local, id: this.freshId(), name: operation.name });
        return true;
      case 'renew':
        if (local !== undefined) this.#rename(local, { ...local, id: this.freshId() });
        return local !== undefined;
    }
  }

  #bring(state: NodeState, local: NodeState | undefined, remote: NodeState): boolean {
    const asPlanned = local === undefined ? sameState(remote, state) : samePlace(local, state);
    if (!asPlanned || remote.content !== state.content || !this.#isRoom(state.id, state)) return false;
    // Only content the account had is ever replaced; an edit that was to step aside first may not have.
    const synced = this.synced.get(state.id);
    if (local !== undefined && (synced === undefined || !sameContent(local, synced))) return false;
    const before = local === undefined ? undefined : this.onDisk.get(state.id);
    if (before !== undefined) this.removed.add(before);
    if (state.content !== null) this.onDisk.set(state.id, state.content);
    if (state.type === 'folder') this.#dirtyChildren(this.remote, state.id);
    return this.#carry(state, local);
  }

  #carry(after: NodeState, before: NodeState | undefined): boolean {
    this.synced.set(advanced(this.synced.get(after.id), before, after));
    return this.#write(after);
  }

  #write(state: NodeState): boolean {
    this.local.set(state);
    this.#touched(state.id);
    return true;
  }

  #settle(id: NodeId, local: NodeState | undefined, remote: NodeState | undefined): boolean {
    if (local === undefined) this.synced.delete(id);
    else if (remote !== undefined && sameState(local, remote)) this.synced.set(local);
    else return false;
    this.dirty.add(id);
    return true;
  }

  /** The place is free and its folder stands, not beneath the node itself. */
  #isRoom(id: NodeId, { parent, name }: { parent: NodeId; name: string }): boolean {
    const holder = this.local.child(parent, name);
    if (holder !== undefined && holder.id !== id) return false;
    for (let at = parent; at !== this.bound;) {
      const folder = this.local.get(at);
      if (folder?.type !== 'folder' || at === id) return false;
      at = folder.parent;
    }
    return true;
  }

  /** What stands parked has none, nor has what is in it: it can be read and leave, and that is all. */
  #hasPath(id: NodeId): boolean {
    for (let at = id; at !== this.bound;) {
      const node = this.local.get(at);
      if (node === undefined) return false;
      at = node.parent;
    }
    return true;
  }

  #rename(from: NodeState, to: NodeState): void {
    const content = this.onDisk.get(from.id);
    this.onDisk.delete(from.id);
    if (content !== undefined) this.onDisk.set(to.id, content);
    this.local.delete(from.id);
    this.dirty.add(from.id);
    this.#write(to);
    for (const child of [...this.local.children(from.id)]) this.#write({ ...child, parent: to.id });
  }

  /** A folder carried across the border of what is excluded takes with it nodes that were at rest. */
  #dirtyBeneath(id: NodeId): void {
    for (const node of this.remote.subtree(id)) this.dirty.add(node.id);
  }

  #dirtyChildren(tree: MemoryTree, parent: NodeId): void {
    for (const child of tree.children(parent)) this.dirty.add(child.id);
  }
}
