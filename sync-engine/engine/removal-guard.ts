/** Holds back a plan's removals when they are too many at once (promise 2), in either direction. */
import { z } from 'zod';
import type { NodeId } from '../../protocol/ids.ts';
import { judgeRemoval, type RemovalWindow } from '../plan/mass-delete-guard.ts';
import type { Operation } from '../plan/operation.ts';
import type { Books } from './books.ts';
import type { Clock } from './ports.ts';

const WINDOW = 'removal-window';
const HELD = 'removal-held';
const windowSchema = z.object({
  beganMs: z.number(),
  files: z.number(),
  gone: z.number(),
  allowed: z.boolean(),
});

export class RemovalGuard {
  readonly #books: Books;
  readonly #clock: Clock;

  constructor(books: Books, clock: Clock) {
    this.#books = books;
    this.#clock = clock;
  }

  #window(): RemovalWindow | null {
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

  /** Ids of the removals to hold back: all of the plan's, or none. */
  judge(operations: readonly Operation[]): ReadonlySet<NodeId> {
    const removals = operations.filter(
      (operation) =>
        (operation.kind === 'trash' || operation.kind === 'remove') &&
        operation.reason !== 'deselected' &&
        operation.reason !== 'excluded',
    );
    if (removals.length === 0) return new Set();
    let going = 0;
    for (const { id } of removals) going += this.#filesBeneath(id);
    const { pair } = this.#books;
    const verdict = judgeRemoval(this.#window(), {
      nowMs: this.#clock.nowMs(),
      syncedFiles: pair.syncedFileCount(),
      going,
    });
    pair.setMeta(WINDOW, verdict.window === null ? null : JSON.stringify(verdict.window));
    if (!verdict.ask) return new Set();
    const ids = new Set(removals.map(({ id }) => id));
    pair.setMeta(HELD, JSON.stringify([...new Set([...this.#held(), ...ids])]));
    return ids;
  }

  get isHolding(): boolean {
    return this.#books.pair.meta(HELD) !== null;
  }

  /** The held nodes; they are no longer held. */
  take(): readonly NodeId[] {
    const held = this.#held();
    this.#books.pair.setMeta(HELD, null);
    return held;
  }

  /** The person agreed: the window lets everything through until it ends. */
  allow(): void {
    const window: RemovalWindow = {
      beganMs: this.#clock.nowMs(),
      files: this.#books.pair.syncedFileCount(),
      gone: 0,
      allowed: true,
    };
    this.#books.pair.setMeta(WINDOW, JSON.stringify(window));
  }
}
