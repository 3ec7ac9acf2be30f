/**
 * While the account is full, what would add stored bytes waits in the manifest until there may be room; removals,
 * moves, renames and downloads go on. A removal whose place a waiting node has waits with it: a removal never
 * comes before what replaces it.
 */
import { TRASH_NODE, type NodeId, type PackName } from '../../protocol/ids.ts';
import type { PairStore } from '../manifest/manifest.ts';
import type { Operation } from '../plan/operation.ts';
import type { Books } from './books.ts';

/** No time at all: released when there may be room. Removals that wait for a person have the next number. */
export const UNTIL_ROOM = Number.MAX_SAFE_INTEGER - 1;

export interface HeldAdditionsParts {
  readonly books: Books;
  /** Packs of a node's content as it was read; undefined when it was not. */
  readonly relies: (id: NodeId) => readonly PackName[] | undefined;
  /** How the account is: full until it is tried again; told that something waits. */
  readonly space: { readonly isFull: boolean; waits(): void };
}

export class HeldAdditions {
  readonly #parts: HeldAdditionsParts;
  /** Something may be held: an engine before this one left it so, or this one did. */
  #mayHold = true;

  constructor(parts: HeldAdditionsParts) {
    this.#parts = parts;
  }

  /** The plan's operations that can be done now; what waits is out of the way until there may be room. */
  sift(operations: readonly Operation[]): readonly Operation[] {
    const { books, space } = this.#parts;
    if (!space.isFull) return operations;
    const held = new Set<NodeId>();
    for (const operation of operations) if (this.#addsBytes(operation)) held.add(operation.id);
    for (const operation of operations)
      if (operation.kind === 'trash' && this.#isReplaced(operation.id, held)) held.add(operation.id);
    if (held.size === 0) return operations;
    for (const id of held) books.pair.quarantine(id, UNTIL_ROOM);
    this.#mayHold = true;
    space.waits();
    return operations.filter(({ id }) => !held.has(id));
  }

  /** There may be room: what waited is planned again. */
  release(): void {
    if (!this.#mayHold) return;
    this.#mayHold = false;
    this.#parts.books.pair.releaseAll(UNTIL_ROOM, UNTIL_ROOM);
  }

  #addsBytes(operation: Operation): boolean {
    const { books, relies } = this.#parts;
    if (operation.kind === 'ingest') return true;
    if (operation.kind !== 'put') return false;
    const { content } = operation.state;
    if (content === null || books.vault.remote.get(operation.id)?.content === content) return false;
    return (relies(operation.id) ?? []).some((name) => books.vault.pack(name)?.state !== 'live');
  }

  #isReplaced(id: NodeId, held: ReadonlySet<NodeId>): boolean {
    const { pair, vault } = this.#parts.books;
    const remote = vault.remote.get(id);
    if (remote === undefined || remote.parent === TRASH_NODE) return false;
    const here = pair.local.child(remote.parent, remote.name);
    return here !== undefined && here.id !== id && (held.has(here.id) || isHeldForRoom(pair, here.id));
  }
}

export function isHeldForRoom(pair: PairStore, id: NodeId): boolean {
  return pair.quarantinedUntil(id) === UNTIL_ROOM;
}
