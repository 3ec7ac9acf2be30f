/**
 * Content on the way down: stages and verifies in workers, then hands what is staged to be put in place.
 * Nothing it does shows in the folder. A new folder is staged with all that is in it and handed over when the
 * last of its files is there.
 */
import { MIB } from '../../protocol/limits.ts';
import type { NodeId } from '../../protocol/ids.ts';
import type { NodeState } from '../plan/tree.ts';
import type { FetchResult, FileToFetch, VaultTransfer } from '../transfer/sealing-jobs.ts';
import type { Books } from './books.ts';
import type { NewFolder } from './new-folders.ts';

const MAX_FILES = 1000;
const MAX_BYTES = 64 * MIB;
/** Two at a time: one is put in place while the other is fetched. */
const LANES = 2;

/** A file or symlink target, verified, in staging. */
export interface Staged {
  readonly id: NodeId;
  readonly state: NodeState;
}

export type FetchFailure = Extract<FetchResult, { ok: false }>;

export interface FetchLaneParts {
  readonly books: Books;
  readonly transfer: VaultTransfer;
  /** Absolute path of a relative one. */
  readonly absolute: (path: string) => string;
  /** Absolute staging path, the same for the same node and content. */
  readonly stagingPath: (state: NodeState) => string;
  readonly signal: AbortSignal;
  readonly hooks: {
    /** Makes what is to be filled of these folders; answers those that can be. */
    stageFolders(folders: readonly NewFolder[]): Promise<readonly NewFolder[]>;
    /** Puts what is staged in place; the lane waits for it before it takes more. */
    staged(
      nodes: readonly Staged[],
      folders: readonly NewFolder[],
      inodes: ReadonlyMap<NodeId, number>,
    ): Promise<void>;
    failed(id: NodeId, result: FetchFailure): void;
    /** Nothing of it is written to any more. */
    folderFailed(folder: NewFolder, results: readonly FetchFailure[]): Promise<void>;
    done(id: NodeId): void;
    crashed(error: unknown): void;
  };
}

/** What is staged is put in place in groups of about this many nodes, while the rest is still fetched. */
const PLACE_GROUP = 250;

interface Batch {
  readonly files: Map<NodeId, NodeState>;
  readonly folders: NewFolder[];
}

/** A new folder of which some files are still to come. */
interface Filling {
  readonly folder: NewFolder;
  missing: number;
  readonly failures: FetchFailure[];
}

export class FetchLane {
  readonly #parts: FetchLaneParts;
  readonly #waiting = new Map<NodeId, NodeState | NewFolder>();
  /** With all that is in the folders, waiting or not. */
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

  addFolder(folder: NewFolder): void {
    this.#waiting.set(folder.top.id, folder);
    for (const id of idsOf(folder)) this.#fetching.add(id);
  }

  pump(): void {
    while (this.#lanes < LANES && !this.#parts.signal.aborted) {
      const batch = this.#takeBatch();
      const ids = [...batch.files.keys(), ...batch.folders.flatMap(idsOf)];
      if (ids.length === 0) return;
      this.#lanes += 1;
      this.#run(batch)
        .catch((error: unknown) => {
          this.#parts.hooks.crashed(error);
        })
        .finally(() => {
          this.#lanes -= 1;
          for (const id of ids) this.#fetching.delete(id);
          // The pair ended meanwhile, and the manifest may be closed; what is due is in it.
          if (this.#parts.signal.aborted) return;
          for (const id of ids) this.#parts.hooks.done(id);
          this.pump();
        });
    }
  }

  #takeBatch(): Batch {
    const batch: Batch = { files: new Map(), folders: [] };
    let nodes = 0;
    let bytes = 0;
    for (const [id, item] of this.#waiting) {
      if (nodes >= MAX_FILES || bytes >= MAX_BYTES) break;
      this.#waiting.delete(id);
      if ('top' in item) batch.folders.push(item);
      else {
        this.#fetching.add(id);
        batch.files.set(id, item);
      }
      const states = 'top' in item ? item.inside.map(({ state }) => state) : [item];
      nodes += states.length;
      bytes += states.reduce((sum, { size }) => sum + size, 0);
    }
    return batch;
  }

  async #run({ files, folders }: Batch): Promise<void> {
    const { transfer, hooks, signal } = this.#parts;
    const placing: Promise<void>[] = [];
    const inodes = new Map<NodeId, number>();
    let group: { nodes: Staged[]; folders: NewFolder[]; size: number } = { nodes: [], folders: [], size: 0 };
    const place = (atLeast: number): void => {
      if (group.size < atLeast) return;
      const staged = group;
      group = { nodes: [], folders: [], size: 0 };
      placing.push(hooks.staged(staged.nodes, staged.folders, inodes));
    };
    const end = ({ folder, failures }: Filling): void => {
      if (failures.length > 0) {
        placing.push(hooks.folderFailed(folder, failures));
        return;
      }
      group.folders.push(folder);
      group.size += 1 + folder.inside.length;
      place(PLACE_GROUP);
    };
    const requests = [...files.values()].flatMap((state) => this.#request(state));
    const filling = new Map<NodeId, Filling>();
    for (const folder of folders.length === 0 ? [] : await hooks.stageFolders(folders)) {
      const inside = this.#requestsOf(folder);
      const entry: Filling = { folder, missing: inside.length, failures: [] };
      for (const { id } of inside) filling.set(id, entry);
      requests.push(...inside);
      if (inside.length === 0) end(entry);
    }
    await transfer.fetch(
      requests,
      (result) => {
        const folder = filling.get(result.id);
        const state = files.get(result.id);
        if (result.ok) inodes.set(result.id, result.ino);
        if (folder !== undefined) {
          folder.missing -= 1;
          if (!result.ok) folder.failures.push(result);
          if (folder.missing === 0) end(folder);
        } else if (!result.ok) {
          hooks.failed(result.id, result);
        } else if (state !== undefined) {
          group.nodes.push({ id: result.id, state });
          group.size += 1;
          place(PLACE_GROUP);
        }
      },
      signal,
    );
    place(1);
    await Promise.all(placing);
  }

  #requestsOf({ top, inside }: NewFolder): FileToFetch[] {
    const { books, stagingPath } = this.#parts;
    const folder = stagingPath(top);
    return inside.flatMap(({ path, state }) => {
      const content = state.content === null ? undefined : books.vault.content(state.content);
      return content === undefined ? [] : [{ id: state.id, content, stagingPath: `${folder}/${path}` }];
    });
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

function idsOf({ top, inside }: NewFolder): NodeId[] {
  return [top.id, ...inside.map(({ state }) => state.id)];
}
