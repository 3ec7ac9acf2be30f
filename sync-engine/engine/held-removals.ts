/** Removals that are too many at once wait for a person, and so does what needs them done first. */
import type { NodeId } from '../../protocol/ids.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Operation } from '../plan/operation.ts';
import type { Trees } from '../plan/tree.ts';
import type { Books } from './books.ts';
import { listHeld, type HeldListing } from './held-listing.ts';
import type { IssueCode } from './issue-codes.ts';
import { withoutHeld, type RemovalGuard } from './removal-guard.ts';

export interface HeldRemovalsParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly guard: RemovalGuard;
  /** Tried now and then all the same. */
  readonly postpone: (id: NodeId) => void;
  readonly raise: (node: null, code: IssueCode, path: string) => void;
  readonly clear: (node: null, code: IssueCode) => void;
}

export class HeldRemovals {
  readonly #parts: HeldRemovalsParts;
  /** What the held removals stand in the way of. */
  readonly #behind = new Set<NodeId>();

  constructor(parts: HeldRemovalsParts) {
    this.#parts = parts;
  }

  get isHolding(): boolean {
    return this.#parts.guard.isHolding;
  }

  /** What would go, by name. */
  list(limit: number): HeldListing {
    const { books, guard } = this.#parts;
    const { local, synced, config } = books.pair;
    return listHeld({ local, synced, bound: config.bound }, guard.held, limit);
  }

  /** The plan without what has to wait. */
  sift(
    operations: readonly Operation[],
    trees: () => Trees,
  ): {
    readonly allowed: readonly Operation[];
    readonly held: ReadonlySet<NodeId>;
  } {
    const { books, manifest, guard, raise } = this.#parts;
    const held = manifest.transaction(() => guard.judge(operations));
    if (held.size === 0) return { allowed: operations, held };
    for (const id of held) books.pair.quarantine(id, Number.MAX_SAFE_INTEGER);
    raise(null, 'mass-deletion', '');
    return { allowed: withoutHeld(operations, held, trees()), held };
  }

  /** What a held removal keeps from being done is not planned over and over meanwhile. */
  waitBehind(ids: readonly NodeId[]): void {
    this.#parts.manifest.transaction(() => {
      for (const id of ids) {
        this.#behind.add(id);
        this.#parts.postpone(id);
      }
    });
  }

  decide(way: 'delete' | 'restore'): void {
    const { books, manifest, guard, clear } = this.#parts;
    const { pair } = books;
    const held = guard.take();
    manifest.transaction(() => {
      for (const id of held) {
        pair.release(id);
        // Without a synced state neither side's absence is a deletion: what one side has comes back to the other.
        if (way === 'restore') books.disown(id);
        pair.markDirty(id);
      }
      if (way === 'delete') guard.allow(held);
      for (const id of this.#behind) {
        pair.release(id);
        pair.markDirty(id);
      }
      this.#behind.clear();
    });
    clear(null, 'mass-deletion');
  }
}
