/**
 * The rooms of one pair, and what each hears of the others: what is observed, planned, read, sent, fetched, placed and
 * put off. Who does what, and when, is the pair's own (pair-sync.ts).
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { Manifest, PairStore } from '../manifest/manifest.ts';
import type { Plan } from '../plan/operation.ts';
import { plan } from '../plan/plan.ts';
import { fitting } from '../plan/fitting.ts';
import type { Trees } from '../plan/tree.ts';
import { Books } from './books.ts';
import { Conflicts } from './conflicts.ts';
import { DirtySweep } from './dirty-sweep.ts';
import { Executor } from './executor.ts';
import type { ExecutorParts } from './executor-parts.ts';
import { FetchLane } from './fetch-lane.ts';
import { FolderStaging } from './folder-staging.ts';
import { HeldAdditions, UNTIL_ROOM } from './held-additions.ts';
import { HeldRemovals } from './held-removals.ts';
import { IngestLane } from './ingest-lane.ts';
import type { IssueCode } from './issue-codes.ts';
import type { Mutex } from './mutex.ts';
import { NewFolders } from './new-folders.ts';
import { Observer } from './observe.ts';
import { pairTrees } from './pair-trees.ts';
import { Placement } from './placement.ts';
import { PlanTrace } from './plan-trace.ts';
import type { Clock, RandomSource } from './ports.ts';
import { RemovalGuard } from './removal-guard.ts';
import { RootWrites } from './root-writes.ts';
import { Setbacks } from './setbacks.ts';
import { StepRunner } from './step-runner.ts';
import { UnmarkedNodes } from './unmarked-nodes.ts';
import { Unsettled } from './unsettled.ts';
import type { VaultSync } from './vault-sync.ts';
import type { PairDisk } from './pair-disk.ts';

interface PairHooks {
  readonly wake: () => void;
  readonly raise: (node: NodeId | null, code: IssueCode, path: string, more?: string) => void;
  readonly clear: (node: NodeId | null, code?: IssueCode) => void;
  readonly clearAt: (path: string, code: IssueCode) => void;
  readonly did: (path: string, action: string, reason: string, bytes: number) => void;
  readonly crashed: (error: unknown) => void;
}

export interface PairSyncParts {
  readonly pair: PairStore;
  readonly manifest: Manifest;
  readonly vault: VaultSync;
  readonly disk: PairDisk;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly deviceName: string;
  readonly newId: () => NodeId;
  readonly signal: AbortSignal;
  /** Of the account. */
  readonly space: { readonly isFull: boolean; waits(): void };
  readonly hooks: PairHooks;
}

export class PairRooms {
  readonly pair: PairStore;
  readonly vault: VaultSync;
  readonly books: Books;
  readonly trace: PlanTrace;
  readonly observer: Observer;
  readonly sweep: DirtySweep;
  readonly rootWrites: RootWrites;
  readonly setbacks: Setbacks;
  readonly removals: HeldRemovals;
  readonly additions: HeldAdditions;
  readonly conflicts: Conflicts;
  readonly unsettled: Unsettled;
  readonly unmarked: UnmarkedNodes;
  readonly ingest: IngestLane;
  readonly fetch: FetchLane;
  readonly executor: Executor;
  readonly placement: Placement;
  readonly #parts: PairSyncParts;

  /** @param folder whose tasks exclude each other: a scan never sees half a change of our own */
  constructor(parts: PairSyncParts, folder: Mutex) {
    const { pair, manifest, vault, disk, signal, hooks, clock, random, newId } = parts;
    this.#parts = parts;
    this.pair = pair;
    this.vault = vault;
    this.books = new Books(pair, vault.log.store);
    this.trace = new PlanTrace(clock);
    const { books, trace } = this;
    this.observer = new Observer({
      books,
      manifest,
      disk,
      newId,
      raise: hooks.raise,
      clearAt: hooks.clearAt,
    });
    const rescan = (path: string): void => {
      this.observer.hint(path);
    };
    this.sweep = new DirtySweep({
      pair,
      clock,
      isUnderWay: (id) => this.isUnderWay(id),
      isBusy: () => this.busy,
    });
    this.rootWrites = new RootWrites({
      disk,
      clock,
      refused: () => {
        hooks.raise(null, 'root-read-only', disk.root);
      },
      takesThemAgain: () => {
        hooks.clear(null, 'root-read-only');
        this.retryDelayed();
      },
    });
    this.setbacks = new Setbacks({
      pair,
      vault: books.vault,
      clock,
      random,
      showPath: (id) => this.showPath(id),
      raise: hooks.raise,
      takesWrites: () => this.rootWrites.takesWrites(),
      rescan,
    });
    this.removals = new HeldRemovals({
      books,
      manifest,
      guard: new RemovalGuard(books, clock),
      postpone: (id) => {
        this.setbacks.postpone(id);
      },
      raise: hooks.raise,
      clear: hooks.clear,
    });
    this.additions = new HeldAdditions({
      books,
      relies: (id) => this.ingest.relies(id),
      space: parts.space,
    });
    this.conflicts = new Conflicts({
      books,
      manifest,
      disk,
      raise: hooks.raise,
      clear: hooks.clear,
      rescan,
    });
    this.unsettled = new Unsettled({
      books,
      manifest,
      disk,
      transfer: vault.transfer,
      did: hooks.did,
    });
    this.unmarked = new UnmarkedNodes({
      pair,
      manifest,
      clock,
      signal,
      trees: () => this.trees(),
      clean: (nodes) => this.plan(nodes).clean,
    });
    const done = (id: NodeId): void => {
      trace.heard(id, 'ended');
      // What failed waits for its time, which only the sweep knows.
      if (pair.attempts(id) === 0) this.sweep.giveBack(id);
      hooks.wake();
    };
    this.ingest = new IngestLane({
      books,
      manifest,
      transfer: vault.transfer,
      uploads: vault.uploads,
      commits: vault.commits,
      disk,
      signal,
      isFull: () => parts.space.isFull,
      hooks: {
        done,
        failed: (id, result) => {
          trace.heard(id, `not read: ${result.why}`);
          this.setbacks.readFailed(id, result.why);
        },
        unsent: (id) => {
          this.setbacks.unsent(id);
        },
        unreachable: (id) => {
          this.setbacks.unreachable(id);
        },
        crashed: hooks.crashed,
      },
    });
    const newFolders = new NewFolders({
      books,
      rules: this.observer.rules,
      holdsNames: (names) => disk.holdsNames(names),
      isUnderWay: (id) => this.isUnderWay(id),
    });
    const staging = new FolderStaging({
      manifest,
      disk,
      newFolders,
      setbacks: this.setbacks,
      folder,
    });
    this.fetch = new FetchLane({
      books,
      transfer: vault.transfer,
      absolute: (path) => disk.absolute(path),
      stagingPath: (state) => disk.stagingPath(state),
      signal,
      hooks: {
        stageFolders: (folders) => staging.make(folders),
        staged: (...staged) => folder.run(() => this.placement.place(...staged)),
        folderFailed: (folder, results) => staging.failed(folder, results),
        failed: (id, result) => {
          trace.heard(id, `not fetched: ${result.why}`);
          this.setbacks.fetchFailed(id, result.why, result.pack);
        },
        done,
        crashed: hooks.crashed,
      },
    });
    const executing: ExecutorParts = {
      books,
      manifest,
      log: vault.log,
      commits: vault.commits,
      ingest: this.ingest,
      fetch: this.fetch,
      newFolders,
      disk,
      newId,
      trees: () => this.trees(),
      fits: (operations) => fitting(this.trees(), operations),
      hooks: {
        did: (id, action, reason, bytes) => {
          trace.heard(id, `done: ${action}`);
          hooks.did(this.showPath(id), action, reason, bytes);
        },
        blocked: (id, code) => {
          trace.heard(id, `refused: ${code}`);
          this.setbacks.blocked(id, code);
        },
        settled: (id) => {
          trace.heard(id, 'settled');
          this.recovered(id);
        },
        uncommitted: (id, outcome) => {
          trace.heard(id, `not committed: ${outcome}`);
        },
        copied: (copy, of, name) => {
          trace.heard(of, 'done: conflict');
          this.conflicts.made(copy, of, name);
        },
        rescan,
      },
    };
    const runner = new StepRunner(executing);
    this.executor = new Executor(executing, runner);
    this.placement = new Placement(executing, runner);
  }

  /** Content is moving: commits are gathered meanwhile. */
  get busy(): boolean {
    return this.ingest.busy || this.fetch.busy;
  }

  /** A path to show for a node: where it is on disk, else in the account. */
  showPath(id: NodeId): string {
    const path = this.pair.diskPath(id);
    if (path !== null) return path;
    const node = this.books.vault.remote.get(id) ?? this.pair.synced.get(id);
    return node?.name ?? '';
  }

  plan(nodes: readonly NodeId[]): Plan {
    const { clock, deviceName } = this.#parts;
    return plan(this.trees(), nodes, { deviceName, date: dateOf(clock.nowMs()) });
  }

  trees(): Trees {
    return pairTrees(this.pair, this.books.vault, this.observer.rules);
  }

  isUnderWay(id: NodeId): boolean {
    return this.ingest.has(id) || this.fetch.has(id) || this.vault.commits.has(id);
  }

  /** What failed and waits for its time is tried now; what waits for room or for a person waits on. */
  retryDelayed(): void {
    this.pair.releaseAll(0, UNTIL_ROOM - 1);
  }

  /** What failed before went well. */
  recovered(id: NodeId): void {
    if (this.pair.attempts(id) === 0) return;
    this.pair.release(id);
    this.#parts.hooks.clear(id);
    this.conflicts.tell(id);
  }
}

function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}
