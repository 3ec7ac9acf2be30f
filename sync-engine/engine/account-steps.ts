/** Operations on the account: each becomes an entry of the commit queue and ends with its commit. */
import { TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import { samePlace } from '../plan/base.ts';
import type { Operation } from '../plan/operation.ts';
import type { NodeState } from '../plan/tree.ts';
import { touched, type ExecutorParts } from './executor-parts.ts';
import { recordOf } from './history.ts';

export class AccountSteps {
  readonly #parts: ExecutorParts;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  put(operation: Extract<Operation, { kind: 'put' }>): void {
    const { id, state, reason } = operation;
    const { books, log, ingest, commits } = this.#parts;
    const remote = log.store.remote.get(id);
    const isSameContent = remote?.content === state.content && remote.type === state.type;
    const content = state.content === null ? undefined : log.store.content(state.content);
    const relies = ingest.relies(id) ?? [];
    if (
      state.content !== null &&
      !isSameContent &&
      (content === undefined || ingest.relies(id) === undefined)
    ) {
      // Read before this engine started: what it relied on is not known any more.
      this.#unread(id);
      return;
    }
    const record: NodeRecord = {
      parent: state.parent,
      name: state.name,
      type: state.type,
      mode: state.mode,
      mtimeUs: state.mtimeUs,
      size: state.size,
      depth: content?.depth ?? 0,
      list: content?.list ?? [],
      content: state.content,
    };
    commits.add({
      node: id,
      record,
      base: remote?.revision ?? 0,
      relies: isSameContent ? [] : relies,
      fits: { group: this.#parts.fits, operation },
      done: (outcome) => {
        if (outcome === 'unread') this.#unread(id);
        if (outcome !== 'committed') {
          books.pair.markDirty(id);
          this.#parts.hooks.uncommitted(id, outcome);
          return;
        }
        ingest.forget(id);
        books.carried(remote, state);
        touched(this.#parts, id);
        // A folder carried across the border of what is excluded takes nodes along that were at rest.
        if (state.type === 'folder' && books.hasRules) {
          books.markRemoteSubtree(id);
        }
        const bytes = isSameContent ? 0 : state.size;
        this.#parts.hooks.did(id, actionOf(remote, state), reason, bytes);
      },
    });
  }

  trash(operation: Extract<Operation, { kind: 'trash' }>): void {
    const { id, reason } = operation;
    const { books, log, commits } = this.#parts;
    const remote = log.store.remote.get(id);
    if (remote === undefined) {
      books.settle(id);
      return;
    }
    commits.add({
      node: id,
      record: recordOf(log, remote, { parent: TRASH_NODE }),
      base: remote.revision,
      relies: [],
      fits: { group: this.#parts.fits, operation },
      done: (outcome) => {
        if (outcome === 'committed') {
          books.trashed(id);
          touched(this.#parts, id);
          this.#parts.hooks.did(id, 'trash', reason, 0);
        } else {
          books.pair.markDirty(id);
          this.#parts.hooks.uncommitted(id, outcome);
        }
      },
    });
  }

  #unread(id: NodeId): void {
    const { pair } = this.#parts.books;
    const local = pair.local.get(id);
    this.#parts.ingest.forget(id);
    if (local !== undefined && local.type !== 'folder') pair.putLocal({ ...local, content: null });
    pair.markDirty(id);
  }
}

function actionOf(before: NodeState | undefined, state: NodeState): string {
  if (before === undefined) return state.type === 'folder' ? 'new-folder' : 'upload';
  if (before.parent === TRASH_NODE) return 'restore';
  if (before.content !== state.content) return 'upload';
  return samePlace(before, state) ? 'set-remote' : 'move-remote';
}
