/**
 * Which folders come whole. A folder that is new here is staged with everything the account holds in it and put
 * in place by one rename, so that no program sees half of it. Whatever is out of the ordinary in it comes the
 * ordinary way, node by node; the folders in it are then looked at on their own.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH, MIB } from '../../protocol/limits.ts';
import { IGNORE_FILE, type IgnoreRules } from '../local-fs/ignore-rules.ts';
import { pathProblem } from '../local-fs/path-rules.ts';
import type { RemoteNode } from '../manifest/manifest.ts';
import { sameState } from '../plan/base.ts';
import type { NodeState } from '../plan/tree.ts';
import type { Books } from './books.ts';

/** What is placed and written down in one step; half of what the planner takes at a time. */
export const MAX_NODES = 2000;
/** What a stop loses at most, and what nobody sees before it is all there: six seconds at 100 Mbit/s. */
export const MAX_BYTES = 64 * MIB;
/** A folder that changes in the account every time it is staged is not waited for. */
const MAX_TRIES = 2;

/** A folder that is new here, with all that is to come in it. */
export interface NewFolder {
  readonly top: NodeState;
  /** A folder stands before what is in it; paths are relative to `top`. */
  readonly inside: readonly { readonly path: string; readonly state: NodeState }[];
}

export interface NewFoldersParts {
  readonly books: Books;
  readonly rules: IgnoreRules;
  /** Whether the disk holds these names, all of one folder, as they are. */
  readonly holdsNames: (names: readonly string[]) => boolean;
  /** Whether a lane or a commit has the node. */
  readonly isUnderWay: (id: NodeId) => boolean;
}

export class NewFolders {
  readonly #parts: NewFoldersParts;
  readonly #tries = new Map<NodeId, number>();

  constructor(parts: NewFoldersParts) {
    this.#parts = parts;
  }

  /** The folder, known not to be here and to be wanted, with all in it; null when it comes the ordinary way. */
  find(top: NodeState): NewFolder | null {
    const { books, holdsNames } = this.#parts;
    const topPath = this.#accountPath(top);
    if ((this.#tries.get(top.id) ?? 0) >= MAX_TRIES || topPath === null) return null;
    if (books.pair.synced.get(top.id) !== undefined) return null;
    const deselected = books.pair.deselected();
    const inside: { path: string; state: NodeState }[] = [];
    let bytes = 0;
    const folders = [{ id: top.id, path: '' }];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const names: string[] = [];
      for (const node of books.vault.remote.children(folder.id)) {
        const path = folder.path === '' ? node.name : `${folder.path}/${node.name}`;
        bytes += node.size;
        if (inside.length >= MAX_NODES || bytes > MAX_BYTES) return null;
        if (deselected.has(node.id) || !this.#isOrdinary(node, `${topPath}/${path}`)) return null;
        names.push(node.name);
        inside.push({ path, state: node });
        if (node.type === 'folder') folders.push({ id: node.id, path });
      }
      if (!holdsNames(names)) return null;
    }
    return inside.length === 0 ? null : { top, inside };
  }

  /** Whether all that was staged is still what is to come. What came into it meanwhile follows on its own. */
  isCurrent({ top, inside }: NewFolder): boolean {
    const { books, rules } = this.#parts;
    const topPath = this.#accountPath(top);
    const deselected = books.pair.deselected();
    const isCurrent = (state: NodeState): boolean => {
      const remote = books.vault.remote.get(state.id);
      return remote?.fault === null && sameState(remote, state) && !deselected.has(state.id);
    };
    if (topPath === null || !isCurrent(top) || rules.ignoresEntry(topPath, true)) return false;
    if (books.pair.local.get(top.id) !== undefined) return false;
    return inside.every(
      ({ path, state }) =>
        isCurrent(state) &&
        books.pair.local.get(state.id) === undefined &&
        !rules.ignoresEntry(`${topPath}/${path}`, state.type === 'folder'),
    );
  }

  /** It was not what it should be when it was staged: it is tried once more. */
  outdated({ top }: NewFolder): void {
    this.#tries.set(top.id, (this.#tries.get(top.id) ?? 0) + 1);
  }

  /**
   * It cannot come whole: the folders above what failed (without that, all) come the ordinary way until the
   * engine starts again.
   */
  fallsApart({ top, inside }: NewFolder, failed?: readonly NodeId[]): void {
    const states = new Map(inside.map(({ state }) => [state.id, state]));
    const apart = new Set([top.id]);
    if (failed === undefined) {
      for (const { state } of inside) if (state.type === 'folder') apart.add(state.id);
    }
    for (const id of failed ?? []) {
      for (let at = states.get(id); at !== undefined; at = states.get(at.parent)) {
        if (at.type === 'folder') apart.add(at.id);
      }
    }
    for (const id of apart) this.#tries.set(id, MAX_TRIES);
  }

  /** It stands: nothing need be remembered of it. */
  made(id: NodeId): void {
    this.#tries.delete(id);
  }

  #isOrdinary(node: RemoteNode, path: string): boolean {
    const { books, rules, isUnderWay } = this.#parts;
    const { pair, vault } = books;
    if (node.fault !== null || pathProblem(path) !== null || isUnderWay(node.id)) return false;
    // What is here already is moved into it, and what was here before has a history.
    if (pair.local.get(node.id) !== undefined || pair.synced.get(node.id) !== undefined) return false;
    // Rules must be read before what they keep out can be told.
    if (node.name === IGNORE_FILE || rules.ignoresEntry(path, node.type === 'folder')) return false;
    return node.type === 'folder' || (node.content !== null && vault.content(node.content) !== undefined);
  }

  /** The node's path in the account, below the bound folder; null when it is not beneath it. */
  #accountPath(node: NodeState): string | null {
    const { pair, vault } = this.#parts.books;
    let path = node.name;
    let at = node.parent;
    for (let depth = 0; at !== pair.config.bound; depth += 1) {
      const above = vault.remote.get(at);
      if (above === undefined || depth > MAX_DEPTH) return null;
      path = `${above.name}/${path}`;
      at = above.parent;
    }
    return path;
  }
}
