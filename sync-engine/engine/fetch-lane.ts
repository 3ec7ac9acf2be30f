/**
 * Content on the way down: stages and verifies in workers, then hands what is staged to be put in place.
 * Nothing it does shows in the folder.
 */
import { MIB } from '../../protocol/limits.ts';
import type { NodeId } from '../../protocol/ids.ts';
import type { NodeState } from '../plan/tree.ts';
import type { FetchResult, FileToFetch, VaultTransfer } from '../transfer/sealing-jobs.ts';
import type { Books } from './books.ts';

const MAX_FILES = 1000;
const MAX_BYTES = 64 * MIB;
/** Two at a time: one is put in place while the other is fetched. */
const LANES = 2;

/** A file or symlink target, verified, in staging. */
export interface Staged {
  readonly id: NodeId;
  readonly state: NodeState;
  readonly stagingPath: string;
}

export interface FetchLaneParts {
  readonly books: Books;
  readonly transfer: VaultTransfer;
  /** Absolute path of a relative one. */
  readonly absolute: (path: string) => string;
  /** Absolute staging path, the same for the same node and content. */
  readonly stagingPath: (state: NodeState) => string;
  readonly signal: AbortSignal;
  readonly hooks: {
    /** Puts staged nodes in place; the lane waits for it before it takes more. */
    staged(nodes: readonly Staged[]): Promise<void>;
    failed(id: NodeId, result: Extract<FetchResult, { ok: false }>): void;
    done(id: NodeId): void;
    crashed(error: unknown): void;
  };
}

/** Staged files are put in place in groups of about this many, while the rest is still fetched. */
const PLACE_GROUP = 250;

export class FetchLane {
  readonly #parts: FetchLaneParts;
  readonly #waiting = new Map<NodeId, NodeState>();
  readonly #fetching = new Set<NodeId>();
  #lanes = 0;

  constructor(parts: FetchLaneParts) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#waiting.size > 0 || this.#lanes > 0;
  }

  has(id: NodeId): boolean {
    return this.#waiting.has(id) || this.#fetching.has(id);
  }

  add(state: NodeState): void {
    if (!this.#fetching.has(state.id)) this.#waiting.set(state.id, state);
  }

  pump(): void {
    while (this.#lanes < LANES && this.#waiting.size > 0 && !this.#parts.signal.aborted) {
      const batch = this.#takeBatch();
      if (batch.size === 0) continue;
      this.#lanes += 1;
      this.#run(batch)
        .catch((error: unknown) => {
          this.#parts.hooks.crashed(error);
        })
        .finally(() => {
          this.#lanes -= 1;
          for (const id of batch.keys()) this.#fetching.delete(id);
          // The pair ended meanwhile, and the manifest may be closed; what is due is in it.
          if (this.#parts.signal.aborted) return;
          for (const id of batch.keys()) this.#parts.hooks.done(id);
          this.pump();
        });
    }
  }

  #takeBatch(): Map<NodeId, NodeState> {
    const batch = new Map<NodeId, NodeState>();
    let bytes = 0;
    for (const [id, state] of this.#waiting) {
      if (batch.size >= MAX_FILES || bytes >= MAX_BYTES) break;
      this.#waiting.delete(id);
      this.#fetching.add(id);
      batch.set(id, state);
      bytes += state.size;
    }
    return batch;
  }

  async #run(batch: ReadonlyMap<NodeId, NodeState>): Promise<void> {
    const { transfer, hooks, signal } = this.#parts;
    const files = [...batch.values()].flatMap((state) => this.#request(state));
    const stagingPaths = new Map(files.map((file) => [file.id, file.stagingPath]));
    const placing: Promise<void>[] = [];
    let group: Staged[] = [];
    const place = (): void => {
      if (group.length === 0) return;
      const staged = group;
      group = [];
      placing.push(hooks.staged(staged));
    };
    await transfer.fetch(
      files,
      (result) => {
        const state = batch.get(result.id);
        const stagingPath = stagingPaths.get(result.id);
        if (state === undefined || stagingPath === undefined) return;
        if (!result.ok) {
          hooks.failed(result.id, result);
          return;
        }
        group.push({ id: result.id, state, stagingPath });
        if (group.length >= PLACE_GROUP) place();
      },
      signal,
    );
    place();
    await Promise.all(placing);
  }

  #request(state: NodeState): FileToFetch[] {
    const { books, absolute, stagingPath } = this.#parts;
    const content = state.content === null ? undefined : books.vault.content(state.content);
    if (content === undefined) return [];
    const file: FileToFetch = { id: state.id, content, stagingPath: stagingPath(state) };
    // What the present local file shares with the new content is taken from it.
    const local = books.pair.local.get(state.id);
    const basis =
      local?.type === 'file' && local.content !== null ? books.vault.content(local.content) : undefined;
    const path = basis === undefined ? null : books.pair.diskPath(state.id);
    if (basis === undefined || path === null || basis.size < 64 * 1024) return [file];
    return [{ ...file, basis: { path: absolute(path), content: basis } }];
  }
}
