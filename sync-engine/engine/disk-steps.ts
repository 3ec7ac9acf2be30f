/** Operations on the disk, as steps: what the disk is asked, and how the books move once it is done. */
import type { NodeId } from '../../protocol/ids.ts';
import { sameState } from '../plan/base.ts';
import { mayRemove } from '../plan/fitting.ts';
import type { Reason } from '../plan/operation.ts';
import { PARKED_NODE, type NodeState } from '../plan/tree.ts';
import type { FileIdentity } from './books.ts';
import { touched, type ExecutorParts } from './executor-parts.ts';
import { recoverBroughtBack } from './parked-nodes.ts';
import { standingPath } from './paths.ts';
import type { Step } from './step-runner.ts';
import { isRoom, targetOf } from './targets.ts';

/** Each method answers null when there is nothing to do, or the books no longer are what the plan saw. */
export class DiskSteps {
  readonly #parts: ExecutorParts;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  makeFolder(state: NodeState, reason: Reason): Step | null {
    const { books, hooks, newFolders } = this.#parts;
    const remote = books.vault.remote.get(state.id);
    if (remote === undefined || !sameState(remote, state) || books.pair.local.get(state.id) !== undefined)
      return null;
    const place = targetOf(this.#parts, state.parent, state.name, state.id);
    if (place === null || !isRoom(this.#parts.books, state.id, state)) return null;
    return {
      id: state.id,
      step: { kind: 'make-folder', path: place.path, mode: state.mode },
      after: (stat) => {
        newFolders.made(state.id);
        books.carried(undefined, state);
        books.wrote(state, stat, place.alias);
        books.pair.markUnsettled(state.id, null);
        touched(this.#parts, state.id);
        books.markRemoteChildren(state.id);
        hooks.did(state.id, 'make-folder', reason, 0);
      },
    };
  }

  move(id: NodeId, parent: NodeId, name: string, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const local = books.pair.local.get(id);
    if (local === undefined || !isRoom(this.#parts.books, id, { parent, name })) return null;
    const place = targetOf(this.#parts, parent, name, id);
    if (place === null) return null;
    const isCarried = reason === 'moved-elsewhere' || reason === 'cycle';
    const moved = (stat: FileIdentity): void => {
      // To where the account had it, wherever it has it by now. Every other move is this device's own.
      if (isCarried && books.pair.synced.get(id) !== undefined)
        books.carried(local, { ...local, parent, name });
      books.restat(local, stat, { parent, name, localName: place.alias, parked: false });
      touched(this.#parts, id);
    };
    const after: Step['after'] = (stat) => {
      moved(stat);
      hooks.did(id, 'move', reason, 0);
    };
    if (local.parked) {
      return {
        id,
        step: { kind: 'unpark', id, path: place.path },
        after,
        refused: (result) => {
          const row = books.pair.local.get(id);
          // Brought back before, and an error kept that from its row.
          if (result.outcome === 'stale' && result.code === 'missing' && row?.parked === true)
            recoverBroughtBack(this.#parts.disk, books, row);
          return false;
        },
      };
    }
    const from = standingPath(books.pair, id);
    if (from === null) return null;
    if (from === place.path) {
      // Where the disk cannot hold the new name, the name that stands for it may be the old one.
      if (local.name !== name) moved(local);
      return null;
    }
    return { id, step: { kind: 'move', from, to: place.path, known: this.#parts.disk.known(local) }, after };
  }

  park(id: NodeId): Step | null {
    const { books } = this.#parts;
    const local = books.pair.local.get(id);
    const path = standingPath(books.pair, id);
    if (local === undefined || local.parked || path === null) return null;
    return {
      id,
      step: { kind: 'park', path, id, known: this.#parts.disk.known(local) },
      after: (stat) => {
        books.restat(local, stat, { parent: PARKED_NODE, localName: null, parked: true });
        books.pair.markDirty(id);
      },
    };
  }

  set(id: NodeId, mode: number, mtimeUs: number, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const local = books.pair.local.get(id);
    const path = books.pair.diskPath(id);
    if (local === undefined || path === null) return null;
    return {
      id,
      step: {
        kind: 'set-attributes',
        path,
        known: this.#parts.disk.known(local),
        mode,
        mtimeUs: local.type === 'file' ? mtimeUs : null,
      },
      after: (stat) => {
        const after = { ...local, mode, mtimeUs };
        books.carried(local, after);
        books.wrote(after, stat, local.localName);
        touched(this.#parts, id);
        hooks.did(id, 'set', reason, 0);
      },
    };
  }

  remove(id: NodeId, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const after = (): void => {
      books.removed(id);
      hooks.did(id, 'remove', reason, 0);
    };
    const [top, ...beneath] = books.localSubtree(id);
    if (top === undefined || !mayRemove(this.#parts.trees(), id)) return null;
    if (top.parked) return { id, step: { kind: 'trash-parked', id, path: top.name }, gone: true, after };
    const path = books.pair.diskPath(id);
    if (path === null || path === '') return null;
    const inside = beneath.map((node) => ({
      path: (books.pair.diskPath(node.id) ?? '').slice(path.length + 1),
      stat: this.#parts.disk.known(node),
    }));
    return {
      id,
      step: { kind: 'remove', path, known: this.#parts.disk.known(top), inside },
      gone: true,
      after,
    };
  }

  conflict(id: NodeId, name: string, reason: Reason): Step | null {
    const { books, newId, hooks } = this.#parts;
    const local = books.pair.local.get(id);
    const from = books.pair.diskPath(id);
    if (local === undefined || from === null) return null;
    const place = targetOf(this.#parts, local.parent, name, id);
    if (place === null) return null;
    return {
      id,
      step: { kind: 'move', from, to: place.path, known: this.#parts.disk.known(local) },
      after: (stat) => {
        const fresh = newId();
        books.relabel(id, fresh);
        books.restat({ ...local, id: fresh }, stat, { name, localName: place.alias });
        hooks.copied(fresh, id, local.name);
        hooks.did(fresh, 'conflict', reason, 0);
      },
    };
  }
}
