/**
 * From the account to the disk. Unlike a commit, the disk changes one step at a time: a folder is made before
 * what goes into it, a name is cleared before it is taken, and where several nodes wait for one another, one
 * is parked. What cannot be done yet is left out; its node stays dirty.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { sameContent, samePlace, sameState, type Place } from './base.ts';
import type { Draft } from './draft.ts';
import type { Reason } from './operation.ts';
import { PARKED_NODE, type NodeState } from './tree.ts';
import type { Judge, Merge } from './verdict.ts';

export class Downward {
  readonly #draft: Draft;
  readonly #judge: Judge;
  readonly #visited = new Map<NodeId, 'begun' | 'done'>();
  /** Could not be done for want of something that was itself begun: parking may help. */
  readonly #tangled = new Set<NodeId>();
  /** Content and mode are seen to; a second visit is for the place alone. */
  readonly #filled = new Set<NodeId>();
  /** Parked; to be visited again when what they made way for is done. */
  readonly #waiting: NodeId[] = [];
  /** Hardly ever: where nothing is, nobody's ancestors are looked at for it. */
  #isAnyParked: boolean;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#judge = draft.judge;
    this.#isAnyParked = draft.local.children(PARKED_NODE).length > 0;
  }

  visit(id: NodeId): void {
    if (this.#visited.has(id)) return;
    this.#visited.set(id, 'begun');
    this.#plan(id);
    this.#visited.set(id, 'done');
  }

  /** Visits once more what was parked and not brought back by its own visit. */
  finish(): void {
    for (let id = this.#waiting.pop(); id !== undefined; id = this.#waiting.pop()) {
      if (this.#draft.local.place(id)?.parent !== PARKED_NODE) continue;
      this.#visited.delete(id);
      this.visit(id);
    }
  }

  #plan(id: NodeId): void {
    const { local, remote, synced } = this.#judge.sides(id);
    switch (this.#judge.verdict(id)) {
      case 'absent':
        if (synced === undefined) this.#draft.clean(id);
        else this.#draft.book({ kind: 'settle', id, reason: 'deleted-elsewhere' });
        break;
      case 'ignored':
        if (local === undefined && synced === undefined) this.#draft.clean(id);
        else this.#draft.book({ kind: 'forget', id, reason: 'excluded' });
        break;
      case 'kept-out':
        if (synced === undefined) this.#draft.clean(id);
        else this.#draft.book({ kind: 'forget', id, reason: 'deselected' });
        break;
      case 'put':
      case 'renew':
        if (local !== undefined) this.#stay(id, local);
        break;
      case 'remove':
        this.#removeTop(id);
        break;
      case 'bring':
        if (remote !== undefined) this.#bring(id, remote, synced ? 'edit-beats-delete' : 'created-elsewhere');
        break;
      case 'both':
        if (local !== undefined && remote !== undefined) this.#both(id, local, remote);
        break;
      case 'unread': // the ingest comes first
      case 'wait':
      case 'put-outside': // once put, nothing keeps it here
      case 'trash':
        break;
    }
  }

  /** It lives here and not in the account: give it a place, an id and a name it can be put with. */
  #stay(id: NodeId, local: NodeState): void {
    if (local.parent === PARKED_NODE) {
      const { bound } = this.#judge.trees;
      const name = this.#free(bound, local.name)
        ? local.name
        : this.#draft.freeName(bound, local.name, local.type);
      this.#move(id, { parent: bound, name }, 'edit-beats-delete');
    } else if (this.#judge.verdict(id) === 'renew') {
      this.#draft.renamed.add(id);
      this.#draft.disk({ kind: 'renew', id, reason: 'edit-beats-delete' });
    } else {
      this.#yieldName(id, local);
    }
  }

  #free(parent: NodeId, name: string): boolean {
    const { local, remote } = this.#judge.trees;
    return (
      this.#draft.local.child(parent, name) === undefined &&
      !(local.child(parent, name) ?? remote.child(parent, name))
    );
  }

  /** When the account keeps its name for another node: becomes that node, or takes another name. */
  #yieldName(id: NodeId, local: NodeState): boolean {
    const holder = this.#judge.contender(id);
    if (holder === undefined) return false;
    const { remote, synced } = this.#judge.sides(id);
    const isSame =
      remote === undefined &&
      this.#judge.verdict(holder.id) === 'bring' &&
      this.#draft.local.place(holder.id) === undefined &&
      sameContent(local, holder);
    if (isSame) {
      this.#draft.local.drop(id);
      this.#draft.local.move(holder.id, local);
      this.#draft.renamed.add(holder.id).add(id);
      this.#draft.disk({ kind: 'adopt', id, remote: holder.id, reason: 'both-same' });
    } else if (synced !== undefined || remote !== undefined) {
      // The account knows this node: under another name it keeps its id, and with it its versions.
      const name = this.#draft.freeName(local.parent, local.name, local.type);
      this.#move(id, { parent: local.parent, name }, 'name-taken');
    } else {
      this.#splitOff(id, local, 'both-created');
    }
    return true;
  }

  #both(id: NodeId, local: NodeState, remote: NodeState): void {
    const { synced } = this.#judge.sides(id);
    const merge = this.#judge.merge(id);
    const deselected = this.#judge.exclusion(id) === 'deselected';
    if (this.#judge.removable(id)) this.#removeTop(id);
    else if (merge.typeClash || (deselected && merge.conflict)) this.#splitOff(id, local, 'both-edited');
    else if (!deselected && sameState(local, remote)) {
      if (synced !== undefined && sameState(synced, local)) this.#draft.clean(id);
      else this.#draft.book({ kind: 'settle', id, reason: 'both-same' });
    } else if (!this.#yieldName(id, local) && !deselected) {
      this.#take(id, local, merge);
    }
  }

  /** Takes over what the merge has from the account. */
  #take(id: NodeId, local: NodeState, { state, conflict }: Merge): void {
    if (!samePlace(state, local) && this.#makeWay(id, state)) {
      this.#move(id, state, this.#judge.broughtBack(id) ? 'cycle' : 'moved-elsewhere');
    }
    if (conflict) {
      // What splits off is a new node, and its copy stands beside it: a move of either side comes first, here and
      // in the account, or it would be forgotten.
      const places = [this.#draft.local.place(id), this.#draft.remote.place(id)];
      if (!places.every((place) => place !== undefined && samePlace(place, state))) return;
      this.#splitOff(id, local, 'both-edited');
      this.#bring(id, state, 'both-edited');
      return;
    }
    const place = this.#draft.local.place(id);
    if (place === undefined || place.parent === PARKED_NODE) return;
    if (this.#filled.has(id)) return;
    this.#filled.add(id);
    const here = { ...state, parent: place.parent, name: place.name };
    if (!sameContent(here, local)) {
      this.#draft.disk({ kind: 'fetch', id, state: here, reason: 'edited-elsewhere' });
    } else if (here.mode !== local.mode || here.mtimeUs !== local.mtimeUs) {
      const { mode, mtimeUs } = here;
      this.#draft.disk({ kind: 'set', id, mode, mtimeUs, reason: 'edited-elsewhere' });
    }
  }

  #bring(id: NodeId, state: NodeState, reason: Reason): void {
    if (!this.#makeWay(id, state) || this.#draft.local.place(id) !== undefined) return;
    this.#draft.local.move(id, state);
    this.#draft.disk({ kind: state.type === 'folder' ? 'make-folder' : 'fetch', id, state, reason });
  }

  #move(id: NodeId, to: Place, reason: Reason): void {
    this.#draft.local.move(id, to);
    this.#draft.disk({ kind: 'move', id, parent: to.parent, name: to.name, reason });
  }

  /** The local content takes another name and, when done, another id. */
  #splitOff(id: NodeId, local: NodeState, reason: Reason): void {
    const place = this.#draft.local.place(id) ?? local;
    const { parent } = place;
    const name = this.#draft.freeName(parent, place.name, local.type);
    this.#draft.local.drop(id);
    // Its id to come is unknown; this one stands in for it in the overlay alone.
    this.#draft.local.move(`${id}*` as NodeId, { parent, name });
    this.#draft.disk({ kind: 'conflict', id, name, reason });
  }

  #park(id: NodeId): void {
    const name = this.#draft.local.place(id)?.name ?? '';
    this.#isAnyParked = true;
    this.#draft.local.move(id, { parent: PARKED_NODE, name });
    this.#draft.disk({ kind: 'park', id, reason: this.#judge.broughtBack(id) ? 'cycle' : 'moved-elsewhere' });
    this.#waiting.push(id);
  }

  /** Whether the node can be brought to that place now. */
  #makeWay(id: NodeId, place: Place): boolean {
    return (
      this.#folderStands(id, place.parent) &&
      this.#leavesOwnSubtree(id, place.parent) &&
      this.#clearName(id, place)
    );
  }

  #folderStands(id: NodeId, folder: NodeId): boolean {
    if (folder === this.#judge.trees.bound) return true;
    if (this.#draft.local.place(folder) === undefined) this.visit(folder);
    const parked = this.#parkedAt(folder);
    if (parked !== undefined) {
      this.visit(parked);
      this.#blame(id, parked);
    }
    if (this.#draft.local.place(folder) !== undefined && this.#parkedAt(folder) === undefined)
      return !this.#draft.renamed.has(folder);
    this.#blame(id, folder);
    return false;
  }

  /** What stands parked of the node and the folders above it: until that is back, nothing comes into it. */
  #parkedAt(id: NodeId): NodeId | undefined {
    if (!this.#isAnyParked) return undefined;
    for (const above of this.#draft.local.upFrom(id)) {
      if (this.#draft.local.place(above)?.parent === PARKED_NODE) return above;
    }
    return undefined;
  }

  #leavesOwnSubtree(id: NodeId, parent: NodeId): boolean {
    // Each round takes one node out from between, so this ends.
    for (;;) {
      const between = this.#between(id, parent);
      if (between === undefined) return true;
      if (!between.some((node) => this.#getOut(node))) {
        for (const node of between) this.#blame(id, node);
        return false;
      }
    }
  }

  /** The nodes from `parent` up to just below `id`; undefined when `parent` is not beneath `id`. */
  #between(id: NodeId, parent: NodeId): NodeId[] | undefined {
    const between: NodeId[] = [];
    if (parent === this.#judge.trees.bound) return undefined;
    for (const above of this.#draft.local.upFrom(parent)) {
      if (above === id) return between;
      between.push(above);
    }
    return undefined;
  }

  #clearName(id: NodeId, place: Place): boolean {
    const holder = this.#draft.local.child(place.parent, place.name);
    if (holder !== undefined && holder !== id && !this.#getOut(holder)) {
      this.#blame(id, holder);
      return false;
    }
    const former = this.#judge.trees.local.child(place.parent, place.name);
    if (former !== undefined) this.#draft.hoistRemove(former.id);
    return true;
  }

  /** Gets the node off its present place, if it belongs elsewhere. */
  #getOut(id: NodeId): boolean {
    const before = this.#draft.local.place(id);
    this.visit(id);
    const now = this.#draft.local.place(id);
    if (before === undefined || now === undefined || !samePlace(before, now)) return true;
    const stuck = this.#visited.get(id) === 'begun' || this.#tangled.has(id);
    if (!stuck || !this.#moves(id, now)) return false;
    this.#park(id);
    return true;
  }

  /** Whether a `move` is its due. */
  #moves(id: NodeId, now: Place): boolean {
    if (this.#judge.verdict(id) !== 'both' || this.#judge.exclusion(id) !== null) return false;
    const place = this.#judge.place(id);
    return place !== undefined && !samePlace(place, now) && !this.#judge.merge(id).typeClash;
  }

  #blame(id: NodeId, obstacle: NodeId): void {
    if (this.#visited.get(obstacle) === 'begun' || this.#tangled.has(obstacle)) this.#tangled.add(id);
  }

  /** One removal of the topmost folder that goes takes all beneath it. */
  #removeTop(id: NodeId): void {
    if (!this.#judge.removable(id)) return;
    const parent = this.#judge.sides(id).local?.parent;
    const covered = parent !== undefined && parent !== PARKED_NODE && parent !== this.#judge.trees.bound;
    if (covered && this.#judge.removable(parent)) {
      this.visit(parent);
    } else if (this.#clear(id, id)) {
      const gone = this.#judge.verdict(id) === 'remove';
      const deselected = this.#judge.exclusion(id) === 'deselected';
      const reason = gone ? 'deleted-elsewhere' : deselected ? 'deselected' : 'edited-elsewhere';
      this.#draft.remove({ kind: 'remove', id, reason });
    }
  }

  /** Whether all left beneath it may go with `top`; what belongs elsewhere is moved out first. */
  #clear(folder: NodeId, top: NodeId): boolean {
    let clear = true;
    for (const child of this.#draft.local.children(folder)) {
      if (this.#judge.removable(child)) clear = this.#clear(child, top) && clear;
      else if (!this.#getOut(child)) {
        this.#blame(top, child);
        clear = false;
      } else if (this.#draft.local.place(child)?.parent === folder) clear = false;
      else clear = !this.#draft.local.children(folder).includes(`${child}*` as NodeId) && clear;
    }
    return clear;
  }
}
