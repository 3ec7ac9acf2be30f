/**
 * Carries out a plan for one pair: one exhaustive switch over the kinds of operation. Operations of the disk
 * are collected and run in a worker, in order; each re-checks what it changes, and one whose precondition no
 * longer holds is dropped: its node stays dirty, and the next plan sees the truth.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { Operation, Reason } from '../plan/operation.ts';
import type { NodeState } from '../plan/tree.ts';
import { AccountSteps } from './account-steps.ts';
import { DiskSteps } from './disk-steps.ts';
import type { ExecutorParts } from './executor-parts.ts';
import type { Step, StepRunner } from './step-runner.ts';

/** A plan that says the same and gets nowhere more often than this would go round for ever. */
const MOST_EMPTY = 3;
const ON_DISK: ReadonlySet<Operation['kind']> = new Set(['move', 'park', 'set', 'remove', 'conflict']);

export class Executor {
  readonly #parts: ExecutorParts;
  readonly #account: AccountSteps;
  readonly #onDisk: DiskSteps;
  readonly #runner: StepRunner;
  /** Operations on the disk that came to nothing, in a row. */
  readonly #empty = new Map<NodeId, number>();

  constructor(parts: ExecutorParts, runner: StepRunner) {
    this.#parts = parts;
    this.#account = new AccountSteps(parts);
    this.#onDisk = new DiskSteps(parts);
    this.#runner = runner;
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
          this.#watchOver(operation, step);
          if (step === null) continue;
          steps.push(step);
          touched.add(step.id);
        }
      });
      if (steps.length > 0) await this.#runner.run(steps);
    }
  }

  /** What comes to nothing is planned anew at once, and waits only when that happens again and again. */
  #watchOver({ id, kind }: Operation, step: Step | null): void {
    if (step !== null || !ON_DISK.has(kind)) {
      this.#empty.delete(id);
      return;
    }
    const times = (this.#empty.get(id) ?? 0) + 1;
    this.#empty.set(id, times);
    if (times <= MOST_EMPTY) return;
    this.#empty.delete(id);
    this.#parts.hooks.blocked(id, 'stale');
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

  #begin(operation: Operation): Step | null {
    const { books, ingest, fetch, commits } = this.#parts;
    const { pair } = books;
    switch (operation.kind) {
      case 'ingest':
        ingest.add(operation.id);
        return null;
      case 'put':
        this.#account.put(operation);
        return null;
      case 'trash':
        this.#account.trash(operation);
        return null;
      case 'fetch':
        if (!commits.has(operation.id) && !this.#isFolderToCome(operation.state.parent))
          fetch.add(operation.state);
        return null;
      case 'make-folder':
        return this.#bringFolder(operation.state, operation.reason);
      case 'move':
        return this.#onDisk.move(operation.id, operation.parent, operation.name, operation.reason);
      case 'park':
        return this.#onDisk.park(operation.id);
      case 'set':
        return this.#onDisk.set(operation.id, operation.mode, operation.mtimeUs, operation.reason);
      case 'remove':
        return this.#onDisk.remove(operation.id, operation.reason);
      case 'conflict':
        return this.#onDisk.conflict(operation.id, operation.name, operation.reason);
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

  /** Whole where it can be, through the lane; else empty now, and then what is in it. */
  #bringFolder(state: NodeState, reason: Reason): Step | null {
    const { fetch, newFolders } = this.#parts;
    const step = fetch.has(state.id) ? null : this.#onDisk.makeFolder(state, reason);
    const whole = step === null ? null : newFolders.find(state);
    if (whole === null) return step;
    fetch.addFolder(whole);
    return null;
  }

  /** It is staged, or one above it: what the account got for it meanwhile comes once it stands. */
  #isFolderToCome(folder: NodeId): boolean {
    const { books, fetch } = this.#parts;
    const { pair, vault } = books;
    for (let at = folder, depth = 0; depth <= MAX_DEPTH && at !== pair.config.bound; depth += 1) {
      if (fetch.has(at)) return true;
      const above = pair.local.get(at) === undefined ? vault.remote.get(at) : undefined;
      if (above === undefined) return false;
      at = above.parent;
    }
    return false;
  }

  // To the books.

  #settle(id: NodeId): void {
    const { books, hooks } = this.#parts;
    if (!books.settle(id)) books.pair.markDirty(id);
    else if (!books.pair.isDirty(id)) hooks.settled(id);
  }

  #adopt(id: NodeId, remote: NodeId): void {
    const { books } = this.#parts;
    const { pair } = books;
    if (pair.local.get(id) === undefined || pair.local.get(remote) !== undefined) return;
    books.relabel(id, remote);
    books.markRemoteChildren(remote);
  }

  #renew(id: NodeId): void {
    const { books, newId } = this.#parts;
    if (books.pair.local.get(id) !== undefined) books.relabel(id, newId());
  }
}
