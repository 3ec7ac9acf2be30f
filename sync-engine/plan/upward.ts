/**
 * From the disk to the account: what a commit must hold. A node's folder goes first, what leaves its name or
 * its way goes along; since only the end of a commit counts, mutual needs (swaps, rotations) are taken on
 * trust here and checked at the end (`fitting`).
 */
import type { NodeId } from '../../protocol/ids.ts';
import { samePlace, sameContent, sameState, type Place } from './base.ts';
import type { Draft } from './draft.ts';
import type { Reason } from './operation.ts';
import { PARKED_NODE, type NodeState } from './tree.ts';
import type { Judge } from './verdict.ts';

export class Upward {
  readonly #draft: Draft;
  readonly #judge: Judge;
  readonly #visited = new Map<NodeId, 'begun' | 'done'>();

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#judge = draft.judge;
  }

  visit(id: NodeId): void {
    if (this.#visited.has(id)) return;
    this.#visited.set(id, 'begun');
    this.#plan(id);
    this.#visited.set(id, 'done');
  }

  #plan(id: NodeId): void {
    const { local, remote, remoteAnywhere, synced } = this.#judge.sides(id);
    switch (this.#judge.verdict(id)) {
      case 'unread':
        this.#draft.ingest({ kind: 'ingest', id, reason: synced ? 'edited-here' : 'created-here' });
        break;
      case 'put':
        if (local !== undefined && this.#makeWay(id, local)) {
          const reason = synced === undefined ? 'created-here' : 'edit-beats-delete';
          this.#draft.put({ kind: 'put', id, state: local, reason });
        }
        break;
      case 'put-outside':
        if (local !== undefined && remoteAnywhere !== undefined) {
          const { parent, name } = remoteAnywhere;
          this.#draft.put({ kind: 'put', id, state: { ...local, parent, name }, reason: 'edited-here' });
        }
        break;
      case 'both':
        if (remote !== undefined) this.#putMerged(id, remote);
        break;
      case 'trash':
        this.#trashTop(id);
        break;
      case 'absent':
      case 'wait':
      case 'ignored':
      case 'kept-out':
      case 'renew':
      case 'remove':
      case 'bring':
        break;
    }
  }

  #putMerged(id: NodeId, remote: NodeState): void {
    const { state: merged, typeClash } = this.#judge.merge(id);
    if (typeClash) return;
    const moves = !samePlace(merged, remote) && this.#makeWay(id, merged);
    // An edit does not wait for a move that cannot be made yet.
    const place = moves ? merged : remote;
    const state = { ...merged, parent: place.parent, name: place.name };
    if (!sameState(state, remote)) {
      this.#draft.put({ kind: 'put', id, state, reason: reasonToPut(state, remote) });
    }
  }

  /** Whether the node can be put there by this plan. */
  #makeWay(id: NodeId, place: Place): boolean {
    if (place.parent === PARKED_NODE || this.#judge.contender(id) !== undefined) return false;
    if (!this.#folderStands(place.parent)) return false;
    if (!this.#leavesOwnSubtree(id, place.parent)) return false;
    const holder = this.#draft.remote.child(place.parent, place.name);
    if (holder !== undefined && holder !== id) {
      this.visit(holder);
      if (this.#holds(holder, place) && this.#visited.get(holder) === 'done') return false;
    }
    const former = this.#judge.trees.remote.child(place.parent, place.name);
    if (former !== undefined) this.#draft.hoistTrash(former.id);
    return true;
  }

  #folderStands(folder: NodeId): boolean {
    if (folder === this.#judge.trees.bound) return true;
    if (this.#judge.sides(folder).remote !== undefined) {
      return this.#draft.remote.place(folder) !== undefined;
    }
    if (this.#judge.verdict(folder) !== 'put') return false;
    this.visit(folder);
    return this.#visited.get(folder) === 'begun' || this.#draft.remote.place(folder) !== undefined;
  }

  /** Its new folder may still be beneath it in the account: what moves that out goes first. */
  #leavesOwnSubtree(id: NodeId, parent: NodeId): boolean {
    if (parent === this.#judge.trees.bound) return true;
    for (const above of this.#draft.remote.upFrom(parent)) {
      if (above === id) return false;
      if (this.#judge.movedHere(above)) this.visit(above);
      if (this.#visited.get(above) === 'begun') return true;
    }
    return true;
  }

  #holds(id: NodeId, place: Place): boolean {
    const now = this.#draft.remote.place(id);
    return now !== undefined && samePlace(now, place);
  }

  /** One record for the topmost folder deleted here takes all beneath it. */
  #trashTop(id: NodeId): void {
    const parent = this.#judge.sides(id).remote?.parent;
    if (
      parent !== undefined &&
      parent !== this.#judge.trees.bound &&
      this.#judge.verdict(parent) === 'trash'
    ) {
      this.visit(parent);
    } else if (this.#clear(id)) {
      this.#draft.trash({ kind: 'trash', id, reason: 'deleted-here' });
    }
  }

  /** Whether nothing that lives is left beneath it; what moves out is put first. */
  #clear(folder: NodeId): boolean {
    let clear = true;
    for (const child of this.#draft.remote.children(folder)) {
      const verdict = this.#judge.verdict(child);
      if (verdict === 'trash') clear = this.#clear(child) && clear;
      else if (verdict === 'kept-out') continue;
      else if (verdict === 'ignored') clear = this.#judge.sides(child).local === undefined && clear;
      else {
        this.visit(child);
        const left = this.#draft.remote.place(child)?.parent !== folder;
        clear = (left || this.#visited.get(child) === 'begun') && clear;
      }
    }
    return clear;
  }
}

function reasonToPut(state: NodeState, remote: NodeState): Reason {
  return samePlace(state, remote) || !sameContent(state, remote) ? 'edited-here' : 'moved-here';
}
