/**
 * Carries out a plan for one pair: one exhaustive switch over the kinds of operation. Operations of the disk
 * are collected and run in a worker, in order; each re-checks what it changes, and one whose precondition no
 * longer holds is dropped: its node stays dirty, and the next plan sees the truth.
 */
import { TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import type { LocalNode } from '../manifest/manifest.ts';
import { PARKED_NODE, type NodeState } from '../plan/tree.ts';
import { sameContent, samePlace, sameState } from '../plan/base.ts';
import { mayRemove, type RemoteOperation } from '../plan/fitting.ts';
import type { Operation, Reason } from '../plan/operation.ts';
import type { Trees } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { ApplyOperation, ApplyResult } from '../local-fs/apply-types.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import { DiskError } from '../local-fs/disk.ts';
import { knownStat, type PairDisk } from './pair-disk.ts';
import type { FetchLane, Staged } from './fetch-lane.ts';
import { recordOf } from './history.ts';
import type { IngestLane } from './ingest-lane.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { VaultLog } from './vault-log.ts';

export interface ExecutorParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly log: VaultLog;
  readonly commits: CommitQueue;
  readonly ingest: IngestLane;
  readonly fetch: FetchLane;
  readonly disk: PairDisk;
  readonly newId: () => NodeId;
  /** The trees as they are now: what is about to be done is checked against them once more. */
  readonly trees: () => Trees;
  /** Those of one pair's operations that can be one commit now; the commit queue asks. */
  readonly fits: (operations: readonly RemoteOperation[]) => readonly RemoteOperation[];
  readonly hooks: {
    did(id: NodeId, action: string, reason: Reason, bytes: number): void;
    /** The disk refused: an issue, tried again later. */
    blocked(id: NodeId, code: string): void;
    settled(id: NodeId): void;
    /** The local version of `of` is a node of its own now, beside the account's. */
    copied(copy: NodeId, of: NodeId, name: string): void;
    /** The disk differs from what was last seen: scan the folder. */
    rescan(path: string): void;
  };
}

interface Step {
  readonly step: ApplyOperation;
  /** Moves the books; runs in one transaction with the others of its batch. */
  readonly after: (stat: DiskStat) => void;
  readonly id: NodeId;
  /** Nothing is left at the path. */
  readonly gone?: true;
}

const NOTHING: DiskStat = {
  type: 'other',
  mode: 0,
  size: 0,
  mtimeUs: 0,
  ctimeUs: 0,
  birthUs: 0,
  ino: 0,
  dev: 0,
  links: 0,
};

export class Executor {
  readonly #parts: ExecutorParts;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  /** Runs the operations in order. Ingest, fetch and commits go to their lanes and end later. */
  async run(operations: readonly Operation[]): Promise<void> {
    const { manifest } = this.#parts;
    let index = 0;
    while (index < operations.length) {
      const steps: Step[] = [];
      const touched = new Set<NodeId>();
      manifest.transaction(() => {
        // A step sees the books as they are when it is made: one batch must not build on itself.
        for (; index < operations.length; index += 1) {
          const operation = operations[index];
          if (operation === undefined || this.#dependsOn(operation, touched)) break;
          const step = this.#begin(operation);
          if (step === null) continue;
          steps.push(step);
          touched.add(step.id);
        }
      });
      if (steps.length > 0) await this.#runSteps(steps);
    }
  }

  #dependsOn(operation: Operation, touched: ReadonlySet<NodeId>): boolean {
    if (touched.size === 0) return false;
    if (touched.has(operation.id)) return true;
    switch (operation.kind) {
      case 'make-folder':
        return touched.has(operation.state.parent) || this.#nameTouched(operation.state, touched);
      case 'move':
        return touched.has(operation.parent) || this.#nameTouched(operation, touched);
      case 'remove':
      case 'conflict':
      case 'park':
      case 'renew':
      case 'adopt':
        // What they move may hold something the batch has just changed.
        return true;
      case 'fetch':
      case 'ingest':
      case 'put':
      case 'trash':
      case 'set':
      case 'settle':
      case 'forget':
        return false;
    }
  }

  #nameTouched(place: { parent: NodeId; name: string }, touched: ReadonlySet<NodeId>): boolean {
    const occupant = this.#parts.books.pair.local.child(place.parent, place.name);
    return occupant !== undefined && touched.has(occupant.id);
  }

  async #runSteps(steps: readonly Step[]): Promise<void> {
    const { disk, manifest } = this.#parts;
    const results = await disk.apply(steps.map(({ step }) => step));
    manifest.transaction(() => {
      for (const [index, { after, id, gone }] of steps.entries()) {
        const result = results[index];
        if (result === undefined) continue;
        if (result.outcome !== 'applied') this.#refused(id, result);
        else if (result.stat !== null || gone === true) after(result.stat ?? NOTHING);
        else this.#refused(id, { outcome: 'stale', code: 'missing', found: null });
      }
    });
  }

  #refused(id: NodeId, result: Exclude<ApplyResult, { outcome: 'applied' }>): void {
    const { books, hooks } = this.#parts;
    books.pair.markDirty(id);
    if (result.outcome === 'blocked') {
      hooks.blocked(id, result.code);
      return;
    }
    // The disk is not what was last seen: look at it again.
    const local = books.pair.local.get(id);
    const parent = local?.parent ?? this.#parts.log.store.remote.get(id)?.parent;
    const path = parent === undefined || parent === PARKED_NODE ? '' : books.pair.diskPath(parent);
    hooks.rescan(path ?? '');
    hooks.blocked(id, 'stale');
  }

  #begin(operation: Operation): Step | null {
    const { books, ingest, fetch, commits } = this.#parts;
    const { pair } = books;
    switch (operation.kind) {
      case 'ingest':
        ingest.add(operation.id);
        return null;
      case 'put':
        this.#put(operation);
        return null;
      case 'trash':
        this.#trash(operation);
        return null;
      case 'fetch':
        if (!commits.has(operation.id)) fetch.add(operation.state);
        return null;
      case 'make-folder':
        return this.#makeFolder(operation.state, operation.reason);
      case 'move':
        return this.#move(operation.id, operation.parent, operation.name, operation.reason);
      case 'park':
        return this.#park(operation.id);
      case 'set':
        return this.#set(operation.id, operation.mode, operation.mtimeUs, operation.reason);
      case 'remove':
        return this.#remove(operation.id, operation.reason);
      case 'conflict':
        return this.#conflict(operation.id, operation.name, operation.reason);
      case 'settle':
        this.#settle(operation.id);
        return null;
      case 'forget':
        pair.deleteSynced(operation.id);
        // What it had here stays on the disk, unwatched.
        if (pair.local.get(operation.id) === undefined) pair.clearDirty(operation.id);
        else books.vanished(operation.id);
        return null;
      case 'adopt':
        this.#adopt(operation.id, operation.remote);
        return null;
      case 'renew':
        this.#renew(operation.id);
        return null;
    }
  }

  // To the account.

  #put(operation: Extract<Operation, { kind: 'put' }>): void {
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
          return;
        }
        ingest.forget(id);
        books.carried(remote, state);
        this.#touched(id);
        // A folder carried across the border of what is excluded takes nodes along that were at rest.
        if (state.type === 'folder' && books.hasRules) {
          books.markRemoteSubtree(id);
        }
        const bytes = isSameContent ? 0 : state.size;
        this.#parts.hooks.did(id, actionOf(remote, state), reason, bytes);
      },
    });
  }

  #trash(operation: Extract<Operation, { kind: 'trash' }>): void {
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
          this.#touched(id);
          this.#parts.hooks.did(id, 'trash', reason, 0);
        } else books.pair.markDirty(id);
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

  // To the disk.

  #makeFolder(state: NodeState, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const remote = books.vault.remote.get(state.id);
    if (remote === undefined || !sameState(remote, state) || books.pair.local.get(state.id) !== undefined)
      return null;
    const place = this.#target(state.parent, state.name, state.id);
    if (place === null || !this.#isRoom(state.id, state)) return null;
    return {
      id: state.id,
      step: { kind: 'make-folder', path: place.path, mode: state.mode },
      after: (stat) => {
        books.carried(undefined, state);
        books.wrote(state, stat, place.alias);
        this.#touched(state.id);
        books.markRemoteChildren(state.id);
        hooks.did(state.id, 'make-folder', reason, 0);
      },
    };
  }

  #move(id: NodeId, parent: NodeId, name: string, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const local = books.pair.local.get(id);
    if (local === undefined || !this.#isRoom(id, { parent, name })) return null;
    const place = this.#target(parent, name, id);
    if (place === null) return null;
    const after: Step['after'] = (stat) => {
      books.restat(local, stat, { parent, name, localName: place.alias, parked: false });
      this.#touched(id);
      hooks.did(id, 'move', reason, 0);
    };
    if (local.parked) return { id, step: { kind: 'unpark', id, path: place.path }, after };
    const from = books.pair.diskPath(id);
    if (from === null || from === place.path) return null;
    return { id, step: { kind: 'move', from, to: place.path, known: knownStat(local) }, after };
  }

  #park(id: NodeId): Step | null {
    const { books } = this.#parts;
    const local = books.pair.local.get(id);
    const path = books.pair.diskPath(id);
    if (local === undefined || path === null || path === '') return null;
    return {
      id,
      step: { kind: 'park', path, id, known: knownStat(local) },
      after: (stat) => {
        books.restat(local, stat, { parent: PARKED_NODE, localName: null, parked: true });
        books.pair.markDirty(id);
      },
    };
  }

  #set(id: NodeId, mode: number, mtimeUs: number, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const local = books.pair.local.get(id);
    const path = books.pair.diskPath(id);
    if (local === undefined || path === null) return null;
    return {
      id,
      step: {
        kind: 'set-attributes',
        path,
        known: knownStat(local),
        mode,
        mtimeUs: local.type === 'file' ? mtimeUs : null,
      },
      after: (stat) => {
        const after = { ...local, mode, mtimeUs };
        books.carried(local, after);
        books.wrote(after, stat, local.localName);
        this.#touched(id);
        hooks.did(id, 'set', reason, 0);
      },
    };
  }

  #remove(id: NodeId, reason: Reason): Step | null {
    const { books, hooks } = this.#parts;
    const path = books.pair.diskPath(id);
    if (path === null || path === '' || !mayRemove(this.#parts.trees(), id)) return null;
    const [top, ...beneath] = books.localSubtree(id);
    if (top === undefined) return null;
    const inside = beneath.map((node) => ({
      path: (books.pair.diskPath(node.id) ?? '').slice(path.length + 1),
      stat: knownStat(node),
    }));
    return {
      id,
      step: { kind: 'remove', path, known: knownStat(top), inside },
      gone: true,
      after: () => {
        books.vanished(id);
        hooks.did(id, 'remove', reason, 0);
      },
    };
  }

  #conflict(id: NodeId, name: string, reason: Reason): Step | null {
    const { books, newId, hooks } = this.#parts;
    const local = books.pair.local.get(id);
    const from = books.pair.diskPath(id);
    if (local === undefined || from === null) return null;
    const place = this.#target(local.parent, name, id);
    if (place === null) return null;
    return {
      id,
      step: { kind: 'move', from, to: place.path, known: knownStat(local) },
      after: (stat) => {
        const fresh = newId();
        books.pair.relabelLocal(id, fresh);
        books.restat({ ...local, id: fresh }, stat, { name, localName: place.alias });
        for (const dirty of [id, fresh]) books.pair.markDirty(dirty);
        for (const child of books.pair.localChildren(fresh)) books.pair.markDirty(child.id);
        hooks.copied(fresh, id, local.name);
        hooks.did(fresh, 'conflict', reason, 0);
      },
    };
  }

  // To the books.

  #settle(id: NodeId): void {
    const { books, hooks } = this.#parts;
    if (!books.settle(id)) books.pair.markDirty(id);
    else if (!books.pair.isDirty(id)) hooks.settled(id);
  }

  #touched(id: NodeId): void {
    const { books, hooks } = this.#parts;
    books.touched(id);
    if (!books.pair.isDirty(id)) hooks.settled(id);
  }

  /** The place is free and its folder stands, not beneath the node itself. */
  #isRoom(id: NodeId, { parent, name }: { readonly parent: NodeId; readonly name: string }): boolean {
    const { pair } = this.#parts.books;
    const holder = pair.local.child(parent, name);
    if (holder !== undefined && holder.id !== id) return false;
    for (let at = parent; at !== pair.config.bound;) {
      const folder = pair.local.get(at);
      if (folder?.type !== 'folder' || folder.parked || at === id) return false;
      at = folder.parent;
    }
    return true;
  }

  #adopt(id: NodeId, remote: NodeId): void {
    const { books } = this.#parts;
    const { pair } = books;
    if (pair.local.get(id) === undefined || pair.local.get(remote) !== undefined) return;
    pair.relabelLocal(id, remote);
    pair.markDirty(id);
    pair.markDirty(remote);
    for (const child of pair.localChildren(remote)) pair.markDirty(child.id);
    books.markRemoteChildren(remote);
  }

  #renew(id: NodeId): void {
    const { books, newId } = this.#parts;
    const { pair } = books;
    if (pair.local.get(id) === undefined) return;
    const fresh = newId();
    pair.relabelLocal(id, fresh);
    pair.markDirty(id);
    pair.markDirty(fresh);
    for (const child of pair.localChildren(fresh)) pair.markDirty(child.id);
  }

  /** Where a name goes on this disk; raises the issue and answers null when it cannot. */
  #target(parent: NodeId, name: string, id: NodeId): { path: string; alias: string | null } | null {
    const { books, disk, hooks } = this.#parts;
    const folder = books.pair.diskPath(parent);
    if (folder === null) return null;
    const chosen = disk.nameFor(parent, name, id);
    if (typeof chosen === 'object') {
      hooks.blocked(id, chosen.problem);
      return null;
    }
    const path = folder === '' ? chosen : `${folder}/${chosen}`;
    return { path, alias: chosen === name ? null : chosen };
  }

  /** Puts staged content in place. */
  async place(staged: readonly Staged[]): Promise<void> {
    const steps: Step[] = [];
    for (const item of staged) {
      const step = this.#placeStep(item);
      if (step !== null) steps.push(step);
    }
    if (steps.length === 0) return;
    // Written down for good before the folder changes: after a loss of power the folder may be newer than the
    // manifest, and what was lost of it must not look like a person's edit.
    const { manifest, books } = this.#parts;
    manifest.transaction(() => {
      for (const { id } of steps) books.pair.markUnsettled(id);
    });
    manifest.checkpoint();
    await this.#runSteps(steps);
  }

  #placeStep({ id, state }: Staged): Step | null {
    const { books, hooks } = this.#parts;
    const { pair } = books;
    const local: LocalNode | undefined = pair.local.get(id);
    const remote = books.remoteInScope(id);
    const synced = pair.synced.get(id);
    // The world moved on while it was fetched: plan again.
    if (remote?.content !== state.content) return null;
    if (local === undefined) {
      if (!sameState(remote, state) || !this.#isRoom(id, state)) return null;
    } else if (
      local.parked ||
      !samePlace(local, state) ||
      synced === undefined ||
      !sameContent(local, synced)
    ) {
      // Only content the account had is ever replaced.
      return null;
    }
    const target =
      local === undefined
        ? this.#target(state.parent, state.name, id)
        : { path: pair.diskPath(id), alias: local.localName };
    if (typeof target?.path !== 'string') return null;
    const { path, alias } = target;
    const known = local === undefined ? null : knownStat(local);
    const step = this.#placeOperation(state, path, known);
    if (step === null) return null;
    return {
      id,
      step,
      after: (stat) => {
        books.carried(local, state);
        books.wrote(state, stat, alias);
        pair.markUnsettled(id);
        this.#touched(id);
        hooks.did(id, 'download', local === undefined ? 'created-elsewhere' : 'edited-elsewhere', state.size);
      },
    };
  }

  #placeOperation(
    state: NodeState,
    path: string,
    known: ReturnType<typeof knownStat> | null,
  ): ApplyOperation | null {
    const { disk, hooks } = this.#parts;
    if (state.type !== 'symlink') {
      return {
        kind: 'place-file',
        staged: disk.stagedName(state),
        path,
        known,
        mode: state.mode,
        mtimeUs: state.mtimeUs,
      };
    }
    try {
      return { kind: 'place-link', target: disk.takeTarget(state), path, known };
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof TypeError)) throw error;
      hooks.blocked(state.id, error instanceof DiskError ? error.code : 'illegal-name');
      return null;
    }
  }
}

function actionOf(before: NodeState | undefined, state: NodeState): string {
  if (before === undefined) return state.type === 'folder' ? 'new-folder' : 'upload';
  if (before.parent === TRASH_NODE) return 'restore';
  if (before.content !== state.content) return 'upload';
  return samePlace(before, state) ? 'set-remote' : 'move-remote';
}
