/** Holds back a plan's removals when they are too many at once (promise 2), in either direction. */
import { z } from 'zod';
import type { NodeId } from '../../protocol/ids.ts';
import { confirmDeletes, guardDeletes, type DeleteWindow } from '../plan/mass-delete-guard.ts';
import type { Operation } from '../plan/operation.ts';
import type { Trees } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { Clock } from './ports.ts';

const WINDOW = 'removal-window';
const HELD = 'removal-held';
const windowSchema = z.object({ startedAtMs: z.number(), syncedFiles: z.number(), gone: z.number() });

export class RemovalGuard {
  readonly #books: Books;
  readonly #clock: Clock;
  /** Agreed to and not gone yet: not asked about again. */
  #allowed: ReadonlySet<NodeId> = new Set();
  /** Files beneath each removal let go in the open window: one that failed and is tried again counts once. */
  readonly #counted = new Map<NodeId, number>();
  #countedSinceMs: number | null = null;

  constructor(books: Books, clock: Clock) {
    this.#books = books;
    this.#clock = clock;
  }

  #window(): DeleteWindow | null {
    const text = this.#books.pair.meta(WINDOW);
    if (text === null) return null;
    return windowSchema.safeParse(JSON.parse(text)).data ?? null;
  }

  #held(): NodeId[] {
    const text = this.#books.pair.meta(HELD);
    return text === null ? [] : (JSON.parse(text) as NodeId[]);
  }

  /** Files in sync at and beneath a node: what would go with it. */
  #filesBeneath(id: NodeId): number {
    const { synced } = this.#books.pair;
    let files = 0;
    const stack = [id];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const node = synced.get(next);
      if (node === undefined) continue;
      if (node.type === 'folder') for (const child of synced.children(next)) stack.push(child.id);
      else files += 1;
    }
    return files;
  }

  /** Another node takes its place: an edit by other means. */
  #isReplaced(id: NodeId, replaced: ReadonlySet<string>): boolean {
    const synced = this.#books.pair.synced.get(id);
    return (
      synced !== undefined && synced.type !== 'folder' && replaced.has(`${synced.parent}/${synced.name}`)
    );
  }

  /** Ids of the removals to hold back: all of the plan's but those that make way for another, or none. */
  judge(operations: readonly Operation[]): ReadonlySet<NodeId> {
    const removals = operations.filter(
      (operation) =>
        (operation.kind === 'trash' || operation.kind === 'remove') &&
        operation.reason !== 'deselected' &&
        operation.reason !== 'excluded' &&
        !this.#allowed.has(operation.id),
    );
    if (removals.length === 0) return new Set();
    const replaced = placesTaken(operations);
    const ends = removals.filter(({ id }) => !this.#isReplaced(id, replaced));
    const { pair } = this.#books;
    const beneath = new Map(ends.map(({ id }) => [id, this.#filesBeneath(id)] as const));
    let going = 0;
    for (const [id, files] of beneath) going += Math.max(0, files - (this.#counted.get(id) ?? 0));
    const answer = guardDeletes({
      window: this.#window(),
      nowMs: this.#clock.nowMs(),
      syncedFiles: pair.syncedFileCount(),
      going,
    });
    pair.setMeta(WINDOW, answer.window === null ? null : JSON.stringify(answer.window));
    if (answer.kind === 'allow') {
      this.#count(beneath, answer.window?.startedAtMs ?? null);
      return new Set();
    }
    const ids = new Set(ends.map(({ id }) => id));
    pair.setMeta(HELD, JSON.stringify([...new Set([...this.#held(), ...ids])]));
    return ids;
  }

  #count(beneath: ReadonlyMap<NodeId, number>, sinceMs: number | null): void {
    if (sinceMs !== this.#countedSinceMs) this.#counted.clear();
    this.#countedSinceMs = sinceMs;
    for (const [id, files] of beneath) this.#counted.set(id, Math.max(files, this.#counted.get(id) ?? 0));
  }

  get isHolding(): boolean {
    return this.#books.pair.meta(HELD) !== null;
  }

  get held(): ReadonlySet<NodeId> {
    return new Set(this.#held());
  }

  /** The held nodes; they are no longer held. */
  take(): readonly NodeId[] {
    const held = this.#held();
    this.#books.pair.setMeta(HELD, null);
    return held;
  }

  /** The person agreed to what was held: counting begins anew. */
  allow(held: readonly NodeId[]): void {
    const { pair } = this.#books;
    let going = 0;
    for (const id of held) going += this.#filesBeneath(id);
    const window = confirmDeletes({
      window: this.#window(),
      nowMs: this.#clock.nowMs(),
      syncedFiles: pair.syncedFileCount(),
      going,
    });
    this.#allowed = new Set(held);
    pair.setMeta(WINDOW, JSON.stringify(window));
  }
}

/** A plan without its held removals and without what comes to their places, or beneath what then stays away. */
export function withoutHeld(
  operations: readonly Operation[],
  held: ReadonlySet<NodeId>,
  { local, remote }: Trees,
): readonly Operation[] {
  const away = new Set(held);
  return operations.filter((operation) => {
    const isKept = !away.has(operation.id) && !needsAway(operation, away, local, remote);
    if (!isKept) away.add(operation.id);
    return isKept;
  });
}

function needsAway(
  operation: Operation,
  away: ReadonlySet<NodeId>,
  local: Trees['local'],
  remote: Trees['remote'],
): boolean {
  const stands = (tree: Trees['local'], parent: NodeId, name: string): boolean => {
    const holder = tree.child(parent, name);
    return away.has(parent) || (holder !== undefined && holder.id !== operation.id && away.has(holder.id));
  };
  switch (operation.kind) {
    case 'put':
      return stands(remote, operation.state.parent, operation.state.name);
    case 'fetch':
    case 'make-folder':
      return stands(local, operation.state.parent, operation.state.name);
    case 'move':
      return stands(local, operation.parent, operation.name);
    default:
      return false;
  }
}

/** Places that the plan gives to a node of their own. */
function placesTaken(operations: readonly Operation[]): ReadonlySet<string> {
  const places = new Set<string>();
  for (const operation of operations) {
    if (operation.kind === 'put' || operation.kind === 'fetch' || operation.kind === 'make-folder') {
      places.add(`${operation.state.parent}/${operation.state.name}`);
    }
  }
  return places;
}
