/**
 * What is to become of a node, judged from the three trees alone: never from what else is in the batch, so
 * that every plan and every later check of an operation comes to the same answer.
 *
 * Content, place and mode merge on their own. A folder gone on one side lives on while something that lives
 * belongs in it. Answers are memoized; a Judge serves one reading of the trees.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { sameContent, samePlace, sameState, type Place } from './base.ts';
import { Scope, type Reach } from './scope.ts';
import { PARKED_NODE, type Exclusion, type NodeState, type Trees } from './tree.ts';

export interface Sides {
  readonly id: NodeId;
  readonly local: NodeState | undefined;
  /** Undefined unless within the bound folder. */
  readonly remote: NodeState | undefined;
  readonly synced: NodeState | undefined;
  /** The remote row wherever it stands. */
  readonly remoteAnywhere: NodeState | undefined;
  readonly reach: Reach;
}

export type Verdict =
  | 'absent' // on neither side
  | 'wait' // the remote tree is at fault above it, or it hangs on what has yet to be read
  | 'ignored'
  | 'kept-out' // deselected and not on the disk
  | 'unread' // nothing can be said before its content is read
  | 'both' // on both sides: merge
  // On the disk alone:
  | 'put' // new here, or edited here and trashed elsewhere
  | 'renew' // lives on here under a fresh id: its old one must stay where it went
  | 'put-outside' // edited here, moved out of the bound folder elsewhere
  | 'remove' // gone elsewhere
  // In the account alone:
  | 'bring'
  | 'trash'; // deleted here

export interface Merge {
  /** What both sides should hold; on a conflict the remote content. */
  readonly state: NodeState;
  /** Both edited, to different ends: the local content becomes a node of its own. */
  readonly conflict: boolean;
  /** One id with two types; only the remote tree can have brought that about. */
  readonly typeClash: boolean;
}

export class Judge {
  readonly trees: Trees;
  readonly #scope: Scope;
  readonly #sides = new Map<NodeId, Sides>();
  readonly #exclusions = new Map<NodeId, Exclusion | null>();
  readonly #verdicts = new Map<NodeId, Verdict>();
  readonly #places = new Map<NodeId, Place>();
  readonly #rings = new Set<NodeId>();

  constructor(trees: Trees) {
    this.trees = trees;
    this.#scope = new Scope(trees);
  }

  sides(id: NodeId): Sides {
    let sides = this.#sides.get(id);
    if (sides === undefined) {
      const { local, remote, synced } = this.trees;
      const row = remote.get(id);
      const reach = this.#scope.reach(id);
      sides = {
        id,
        local: local.get(id),
        remote: reach === 'inside' ? row : undefined,
        synced: synced.get(id),
        remoteAnywhere: row,
        reach,
      };
      this.#sides.set(id, sides);
    }
    return sides;
  }

  exclusion(id: NodeId): Exclusion | null {
    let exclusion = this.#exclusions.get(id);
    if (exclusion === undefined) {
      exclusion = this.trees.excluded(id);
      this.#exclusions.set(id, exclusion);
    }
    return exclusion;
  }

  verdict(id: NodeId): Verdict {
    let verdict = this.#verdicts.get(id);
    if (verdict === undefined) {
      verdict = this.#decide(this.sides(id));
      this.#verdicts.set(id, verdict);
    }
    return verdict;
  }

  #decide(sides: Sides): Verdict {
    const { id, local, remote, synced } = sides;
    if (sides.reach === 'broken') return 'wait';
    const exclusion = this.exclusion(id);
    if (exclusion === 'ignored' && (local ?? remote) !== undefined) return 'ignored';
    if (local !== undefined) {
      if (local.type !== 'folder' && local.content === null) return 'unread';
      if (remote !== undefined) return 'both';
      return local.type === 'folder' ? this.#folderHere(sides, local) : fileHere(sides, local);
    }
    if (remote === undefined) return 'absent';
    if (exclusion !== null) return 'kept-out';
    if (synced === undefined) return 'bring';
    if (remote.type !== 'folder' || synced.type !== 'folder') {
      return sameContent(remote, synced) ? 'trash' : 'bring';
    }
    for (const child of this.trees.remote.children(id)) if (this.#livesIn(id, child.id)) return 'bring';
    return 'trash';
  }

  #folderHere({ id, synced, remoteAnywhere }: Sides, local: NodeState): Verdict {
    if (synced === undefined) return remoteAnywhere === undefined ? 'put' : 'renew';
    let waits = false;
    for (const child of this.trees.local.children(local.id)) {
      if (this.#isOpen(child.id)) waits = true;
      else if (this.#livesIn(id, child.id)) return 'renew';
    }
    return waits ? 'wait' : 'remove';
  }

  /**
   * Gone elsewhere and perhaps edited here: once read it may stay, go, or follow to where it was moved, and so may
   * its folder. Renewed too early, an empty folder would be left behind.
   */
  #isOpen(child: NodeId): boolean {
    const { remote, synced, remoteAnywhere } = this.sides(child);
    const isKnown = synced !== undefined || remoteAnywhere !== undefined;
    const verdict = this.verdict(child);
    return verdict === 'wait' || (verdict === 'unread' && remote === undefined && isKnown);
  }

  /** Whether the child (of either tree) lives, and lives in this folder. */
  #livesIn(folder: NodeId, child: NodeId): boolean {
    switch (this.verdict(child)) {
      case 'put':
      case 'renew':
      case 'bring':
        return true;
      case 'unread':
      case 'both':
        return this.place(child)?.parent === folder;
      case 'absent':
      case 'wait':
      case 'ignored':
      case 'kept-out':
      case 'put-outside':
      case 'remove':
      case 'trash':
        return false;
    }
  }

  /**
   * Where the node belongs; undefined when it is on neither side. Moved here alone: its local place, unless
   * that move is given up because it would close a ring with moves made elsewhere. Else the remote place. A parked
   * node has no local place to speak for.
   */
  place(id: NodeId): Place | undefined {
    let place = this.#places.get(id);
    if (place !== undefined) return place;
    if (this.#leadsElsewhere(id)) this.#openRings(id);
    place = this.#standing(id);
    if (place !== undefined) this.#places.set(id, place);
    return place;
  }

  /** Whether only this side moved it. */
  movedHere(id: NodeId): boolean {
    const { local, remote, synced } = this.sides(id);
    if (local === undefined || remote === undefined || synced === undefined) return false;
    // Of another type, what the account has is another thing and has its own place.
    if (local.type !== remote.type) return false;
    return local.parent !== PARKED_NODE && samePlace(remote, synced) && !samePlace(local, synced);
  }

  /** Whether its local move was given up because it would have closed a ring. */
  broughtBack(id: NodeId): boolean {
    this.place(id);
    return this.#rings.has(id);
  }

  /** Its place as far as rings are known. */
  #standing(id: NodeId): Place | undefined {
    const { local, remote } = this.sides(id);
    return local !== undefined && this.movedHere(id) && !this.#rings.has(id) ? local : (remote ?? local);
  }

  /** Whether it was moved here into another folder, and may stay there; a new name alone closes no ring. */
  #leadsElsewhere(id: NodeId): boolean {
    const { local, remote } = this.sides(id);
    return this.movedHere(id) && !this.#rings.has(id) && local?.parent !== remote?.parent;
  }

  /**
   * Gives up moves made here until the way up from `id` leads out. In each ring one is enough: that of the node
   * which stands highest in the account. Whatever is done first, and whichever node is asked about first, the same
   * moves are given up: no move that is given up stands in a ring that another was given up for.
   */
  #openRings(id: NodeId): void {
    for (let ring = this.#ringAbove(id); ring !== undefined; ring = this.#ringAbove(id)) {
      let highest: NodeId | undefined;
      let least = Infinity;
      for (const node of ring) {
        const depth = this.#leadsElsewhere(node) ? this.#depth(node) : Infinity;
        if (depth < least || (depth === least && highest !== undefined && node < highest)) highest = node;
        least = Math.min(least, depth);
      }
      // All of it is the log's own: the tree is at fault.
      if (highest === undefined) return;
      this.#rings.add(highest);
    }
  }

  #ringAbove(id: NodeId): NodeId[] | undefined {
    const passed: NodeId[] = [];
    const found = new Map<NodeId, number>();
    for (let at: NodeId | undefined = id; at !== undefined && at !== this.trees.bound;) {
      const begins = found.get(at);
      if (begins !== undefined) return passed.slice(begins);
      found.set(at, passed.length);
      passed.push(at);
      at = this.#standing(at)?.parent;
    }
    return undefined;
  }

  #depth(id: NodeId): number {
    let depth = 0;
    for (let at = this.sides(id).remote; at !== undefined; at = this.sides(at.parent).remote) depth++;
    return depth;
  }

  /** Only for verdict `both` (or `unread` with a remote side, whose content then counts as remote's). */
  merge(id: NodeId): Merge {
    const { local, remote, synced } = this.sides(id);
    if (local === undefined || remote === undefined)
      throw new Error('merge of a node that is not on both sides');
    const place = this.place(id) ?? remote;
    if (local.type !== remote.type) {
      return { state: at(remote, place), conflict: false, typeClash: true };
    }
    const changedHere = synced === undefined || !sameContent(local, synced);
    const changedThere = synced === undefined || !sameContent(remote, synced);
    const same = sameContent(local, remote);
    const conflict = !same && changedHere && changedThere;
    const content = !same && changedHere && !conflict ? local : remote;
    let mtimeUs = content.mtimeUs;
    // A touch alone travels; where both touched, remote's stands.
    if (same && synced?.mtimeUs === remote.mtimeUs) mtimeUs = local.mtimeUs;
    const mode = !conflict && synced?.mode === remote.mode ? local.mode : remote.mode;
    const state = { ...at(remote, place), content: content.content, size: content.size, mtimeUs, mode };
    return { state, conflict, typeClash: false };
  }

  /**
   * The remote node that keeps the name this node claims from here; undefined when the name is free or its
   * holder is leaving. Only nodes placed by this side claim anything.
   */
  contender(id: NodeId): NodeState | undefined {
    const { local, remote } = this.sides(id);
    const place = this.place(id);
    if (local === undefined || place === undefined || !samePlace(place, local)) return undefined;
    if (remote !== undefined && samePlace(place, remote)) return undefined;
    const holder = this.trees.remote.child(place.parent, place.name);
    if (holder === undefined || holder.id === id || this.sides(holder.id).remote === undefined)
      return undefined;
    if (this.verdict(holder.id) === 'trash') return undefined;
    const stays = this.place(holder.id);
    return stays !== undefined && samePlace(stays, place) ? holder : undefined;
  }

  /** Whether the local node may go from the disk, its children not considered. */
  removable(id: NodeId): boolean {
    const verdict = this.verdict(id);
    if (verdict !== 'both') return verdict === 'remove';
    const { local, remote, synced } = this.sides(id);
    if (local === undefined || remote === undefined) return false;
    const { state, conflict, typeClash } = this.merge(id);
    // What the account now has under this id is another thing, fetched anew; what is here is an old version.
    if (typeClash) return local.type !== 'folder' && synced !== undefined && sameContent(local, synced);
    return this.exclusion(id) === 'deselected' && !conflict && sameState(state, remote);
  }
}

function fileHere({ synced, remoteAnywhere, reach }: Sides, local: NodeState): Verdict {
  if (remoteAnywhere === undefined) {
    if (synced === undefined) return 'put';
    return sameContent(local, synced) ? 'remove' : 'renew';
  }
  const safeElsewhere = sameContent(local, remoteAnywhere);
  if (synced === undefined) return safeElsewhere && reach === 'trash' ? 'put' : 'renew';
  if (safeElsewhere || sameContent(local, synced)) return 'remove';
  // Its remote content was edited too: written over, that edit would be a mere old version.
  if (!sameContent(remoteAnywhere, synced)) return 'renew';
  return reach === 'trash' ? 'put' : 'put-outside';
}

function at(state: NodeState, place: Place): NodeState {
  return { ...state, parent: place.parent, name: place.name };
}
