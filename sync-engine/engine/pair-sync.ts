/**
 * One pair, kept the same: observe the folder, plan over the three trees, carry the plan out, until nothing
 * is dirty. Runs as turns of one control thread; content moves in lanes beside it.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { DiskError, type DiskStat } from '../local-fs/disk.ts';
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
import { HeldAdditions, isHeldForRoom, UNTIL_ROOM } from './held-additions.ts';
import { HeldRemovals } from './held-removals.ts';
import { IngestLane } from './ingest-lane.ts';
import type { HeldListing } from './held-listing.ts';
import type { IssueCode } from './issue-codes.ts';
import { Mutex } from './mutex.ts';
import { NewFolders } from './new-folders.ts';
import { Observer, type ScanOutcome } from './observe.ts';
import { pairTrees } from './pair-trees.ts';
import { Placement } from './placement.ts';
import { PlanTrace } from './plan-trace.ts';
import type { Clock, RandomSource } from './ports.ts';
import { recoverParked } from './parked-nodes.ts';
import { remotePath } from './paths.ts';
import { RemovalGuard } from './removal-guard.ts';
import { RootWrites } from './root-writes.ts';
import { Setbacks } from './setbacks.ts';
import { StepRunner } from './step-runner.ts';
import { UnmarkedNodes } from './unmarked-nodes.ts';
import { Unsettled } from './unsettled.ts';
import type { VaultSync } from './vault-sync.ts';
import type { PairDisk } from './pair-disk.ts';

/** No more is planned while this many commits wait. */
const MAX_QUEUED_COMMITS = 12_000;
/** Said of a folder by the scan, and taken back by it. */
const FOLDER_ISSUES: ReadonlySet<string> = new Set(['unreadable', 'path-too-long'] satisfies IssueCode[]);

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
  readonly lstat: (path: string) => DiskStat | null;
  readonly signal: AbortSignal;
  /** Of the account. */
  readonly space: { readonly isFull: boolean; waits(): void };
  readonly hooks: PairHooks;
}

export class PairSync {
  readonly pair: PairStore;
  readonly vault: VaultSync;
  readonly disk: PairDisk;
  readonly observer: Observer;
  readonly ingest: IngestLane;
  readonly fetch: FetchLane;
  readonly books: Books;
  readonly rootWrites: RootWrites;
  /** Of the last plans, for a bug report. */
  readonly trace: PlanTrace;
  /** Why it does not sync at all; null when it does. */
  paused: string | null = null;
  /** `unmarked`: nodes that differed and that nothing had marked, which is a defect each. */
  readonly counters = { scans: 0, plans: 0, operations: 0, unmarked: 0 };
  readonly #parts: PairSyncParts;
  readonly #executor: Executor;
  readonly #placement: Placement;
  readonly #sweep: DirtySweep;
  readonly #setbacks: Setbacks;
  readonly #removals: HeldRemovals;
  readonly #additions: HeldAdditions;
  readonly #conflicts: Conflicts;
  readonly #unsettled: Unsettled;
  readonly #unmarked: UnmarkedNodes;
  /** Scans and changes of the folder exclude each other: a scan never sees half a change of our own. */
  readonly #folder = new Mutex();
  /** An engine before this one may have, too. */
  #mayHaveStaged = true;

  constructor(parts: PairSyncParts) {
    const { pair, manifest, vault, disk, signal, hooks, clock, random, lstat } = parts;
    this.#parts = parts;
    this.pair = pair;
    this.vault = vault;
    this.disk = disk;
    this.books = new Books(pair, vault.log.store);
    this.trace = new PlanTrace(clock);
    const { books, trace } = this;
    this.observer = new Observer({
      books,
      manifest,
      disk,
      lstat,
      newId: parts.newId,
      raise: hooks.raise,
      clearAt: hooks.clearAt,
    });
    const rescan = (path: string): void => {
      this.observer.hint(path);
    };
    this.#sweep = new DirtySweep({
      pair,
      clock,
      isUnderWay: (id) => this.#isUnderWay(id),
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
    this.#setbacks = new Setbacks({
      pair,
      vault: books.vault,
      clock,
      random,
      showPath: (id) => this.showPath(id),
      raise: hooks.raise,
      takesWrites: () => this.rootWrites.takesWrites(),
      rescan,
    });
    this.#removals = new HeldRemovals({
      books,
      manifest,
      guard: new RemovalGuard(books, clock),
      postpone: (id) => {
        this.#setbacks.postpone(id);
      },
      raise: hooks.raise,
      clear: hooks.clear,
    });
    this.#additions = new HeldAdditions({
      books,
      relies: (id) => this.ingest.relies(id),
      space: parts.space,
    });
    this.#conflicts = new Conflicts({
      books,
      manifest,
      disk,
      raise: hooks.raise,
      clear: hooks.clear,
      rescan,
    });
    this.#unsettled = new Unsettled({
      books,
      manifest,
      disk,
      transfer: vault.transfer,
      lstat,
      did: hooks.did,
    });
    this.#unmarked = new UnmarkedNodes({
      pair,
      manifest,
      clock,
      signal,
      trees: () => this.#trees(),
      clean: (nodes) => this.#plan(nodes).clean,
    });
    const done = (id: NodeId): void => {
      trace.heard(id, 'ended');
      // What failed waits for its time, which only the sweep knows.
      if (pair.attempts(id) === 0) this.#sweep.giveBack(id);
      hooks.wake();
    };
    this.ingest = new IngestLane({
      books,
      manifest,
      transfer: vault.transfer,
      uploads: vault.uploads,
      commits: vault.commits,
      absolute: (path) => disk.absolute(path),
      signal,
      isFull: () => parts.space.isFull,
      hooks: {
        done,
        failed: (id, result) => {
          trace.heard(id, `not read: ${result.why}`);
          this.#setbacks.readFailed(id, result.why);
        },
        unsent: (id) => {
          this.#setbacks.unsent(id);
        },
        unreachable: (id) => {
          this.#setbacks.unreachable(id);
        },
        crashed: hooks.crashed,
      },
    });
    const newFolders = new NewFolders({
      books,
      rules: this.observer.rules,
      holdsNames: (names) => disk.holdsNames(names),
      isUnderWay: (id) => this.#isUnderWay(id),
    });
    const staging = new FolderStaging({
      manifest,
      disk,
      newFolders,
      setbacks: this.#setbacks,
      folder: this.#folder,
    });
    this.fetch = new FetchLane({
      books,
      transfer: vault.transfer,
      absolute: (path) => disk.absolute(path),
      stagingPath: (state) => disk.stagingPath(state),
      signal,
      hooks: {
        stageFolders: (folders) => staging.make(folders),
        staged: (nodes, folders) => this.#folder.run(() => this.#placement.place(nodes, folders)),
        folderFailed: (folder, results) => staging.failed(folder, results),
        failed: (id, result) => {
          trace.heard(id, `not fetched: ${result.why}`);
          this.#setbacks.fetchFailed(id, result.why, result.pack);
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
      newId: parts.newId,
      trees: () => this.#trees(),
      fits: (operations) => fitting(this.#trees(), operations),
      hooks: {
        did: (id, action, reason, bytes) => {
          trace.heard(id, `done: ${action}`);
          hooks.did(this.showPath(id), action, reason, bytes);
        },
        blocked: (id, code) => {
          trace.heard(id, `refused: ${code}`);
          this.#setbacks.blocked(id, code);
        },
        settled: (id) => {
          trace.heard(id, 'settled');
          this.#recovered(id);
        },
        uncommitted: (id, outcome) => {
          trace.heard(id, `not committed: ${outcome}`);
        },
        copied: (copy, of, name) => {
          trace.heard(of, 'done: conflict');
          this.#conflicts.made(copy, of, name);
        },
        rescan,
      },
    };
    const runner = new StepRunner(executing);
    this.#executor = new Executor(executing, runner);
    this.#placement = new Placement(executing, runner);
  }

  // What it is about.

  /** Content is moving: commits are gathered meanwhile. */
  get busy(): boolean {
    return this.ingest.busy || this.fetch.busy;
  }

  /** Whether everything that can be in sync is. */
  get isSettled(): boolean {
    return !this.busy && this.#folder.busy === 0 && !this.observer.hasHints && this.pair.dirtyCount() === 0;
  }

  /** Whether removals wait for a person's decision. */
  get isHolding(): boolean {
    return this.#removals.isHolding;
  }

  /** Whether any dirty node may be worked on now; the rest waits for its time or for a person. */
  hasReadyWork(): boolean {
    return this.pair.dirty(1, 0, this.#parts.clock.nowMs()).ids.length > 0;
  }

  /** Whether a node of the vault lies in this pair's folder (or is it). */
  contains(id: NodeId): boolean {
    return id === this.pair.config.bound || this.books.remoteInScope(id) !== undefined;
  }

  /** A path to show for a node: where it is on disk, else in the account. */
  showPath(id: NodeId): string {
    const path = this.pair.diskPath(id);
    if (path !== null) return path;
    const node = this.books.vault.remote.get(id) ?? this.pair.synced.get(id);
    return node?.name ?? '';
  }

  // Its turns.

  /** Scans what hints named, or everything. @param compares also looks for nodes that nothing marked */
  async scan(everything: boolean, compares: boolean): Promise<ScanOutcome> {
    this.counters.scans += 1;
    return this.#folder.run(async () => {
      const outcome = await this.observer.scan(everything);
      if (compares && outcome.outcome === 'done') this.counters.unmarked += await this.#unmarked.mark();
      return outcome;
    });
  }

  /** Plans and carries out one batch; false when there was nothing to do now. */
  async turn(): Promise<boolean> {
    if (this.vault.commits.size >= MAX_QUEUED_COMMITS) return false;
    const nodes = this.#sweep.next();
    if (nodes.length === 0) {
      this.#forgetIssues();
      this.#tidy();
      return false;
    }
    // No scan and no placement comes between what is planned and what is done.
    return this.#folder.run(() => this.#planAndDo(nodes));
  }

  /** A download that was cut short is taken up again as long as something is to come; then nobody wants it. */
  #tidy(): void {
    if (!this.#mayHaveStaged || !this.isSettled) return;
    this.#mayHaveStaged = false;
    this.disk.clearStaging();
  }

  #plan(nodes: readonly NodeId[]): Plan {
    const { clock, deviceName } = this.#parts;
    return plan(this.#trees(), nodes, { deviceName, date: dateOf(clock.nowMs()) });
  }

  /** Nothing is awaited between the plan and the start of what it says: the account may change at any await. */
  async #planAndDo(nodes: readonly NodeId[]): Promise<boolean> {
    const { manifest } = this.#parts;
    this.counters.plans += 1;
    let planned = this.#plan(nodes);
    if (planned.operations.some(({ kind }) => kind === 'trash')) {
      await this.#flushRemovals();
      // The account may have moved on meanwhile, and a plan of before would take back its marks.
      planned = this.#plan(nodes);
    }
    const { operations, clean } = planned;
    const possible = operations.filter((operation) => !this.#isUnderWay(operation.id));
    const storable = manifest.transaction(() => this.#additions.sift(possible));
    const { allowed, held } = this.#removals.sift(storable, () => this.#trees());
    this.counters.operations += allowed.length;
    this.trace.planned({ asked: nodes.length, clean: clean.length, operations: possible, allowed });
    manifest.transaction(() => {
      for (const id of clean) {
        this.pair.clearDirty(id);
        this.#recovered(id);
      }
      const known = new Set([...clean, ...operations.map((operation) => operation.id)]);
      for (const id of nodes) if (!known.has(id) && this.#isAdrift(id)) this.#setbacks.postpone(id);
    });
    await this.#executor.run(allowed);
    this.ingest.pump();
    this.fetch.pump();
    this.#mayHaveStaged ||= this.fetch.busy;
    if (held.size > 0) {
      const known = new Set([...held, ...clean, ...allowed.map(({ id }) => id)]);
      this.#removals.waitBehind(nodes.filter((id) => !known.has(id) && !this.#isUnderWay(id)));
    }
    return allowed.length > 0 || clean.length > 0 || storable.length < possible.length;
  }

  /**
   * A loss of power could bring back what was deleted here and is not flushed, with other bytes, when the account
   * no longer says what it was.
   */
  async #flushRemovals(): Promise<void> {
    try {
      await this.#unsettled.flush();
    } catch (error) {
      if (!(error instanceof DiskError && error.code === 'unsupported')) throw error;
    }
  }

  #trees(): Trees {
    return pairTrees(this.pair, this.books.vault, this.observer.rules);
  }

  #isUnderWay(id: NodeId): boolean {
    return this.ingest.has(id) || this.fetch.has(id) || this.vault.commits.has(id);
  }

  /** In the account, but no way leads to it from the root: a fault of the tree, which only a commit can mend. */
  #isAdrift(id: NodeId): boolean {
    const { remote } = this.books.vault;
    return remote.get(id) !== undefined && remotePath(remote, id) === null;
  }

  /** What failed before went well. */
  #recovered(id: NodeId): void {
    if (this.pair.attempts(id) === 0) return;
    this.pair.release(id);
    this.#parts.hooks.clear(id);
    this.#conflicts.tell(id);
  }

  /** A node that has nothing left to do has no issue either, however it came to that. */
  #forgetIssues(): void {
    const { manifest, hooks } = this.#parts;
    this.#conflicts.forgetGone();
    for (const { pair, node, code, path } of manifest.issues()) {
      if (pair !== this.pair.config.id || node === null || this.pair.isDirty(node)) continue;
      // Elsewhere by now, it is another folder to the scan, which says there what is wrong with it.
      const isOfScan =
        FOLDER_ISSUES.has(code) &&
        this.pair.local.get(node)?.type === 'folder' &&
        path === this.showPath(node);
      if (code !== 'tree-fault' && code !== 'conflict' && !isOfScan) hooks.clear(node, code as IssueCode);
    }
  }

  /** Puts back what an interrupted plan had taken from its place, or knows where it is. @throws DiskError */
  putBack(): Promise<void> {
    return this.#folder.run(async () => {
      this.disk.recover();
      this.#parts.manifest.transaction(() => {
        recoverParked(this.disk, this.books, this.#parts.lstat);
      });
      if (!this.fetch.busy) this.disk.dropOldStaging();
    });
  }

  /** After an unclean stop: what was not flushed is looked at again. @throws DiskError */
  verifyUnsettled(signal: AbortSignal): Promise<void> {
    return this.#folder.run(() => this.#unsettled.verify(signal));
  }

  /** Puts what was applied on stable storage: only then is it settled. */
  flush(): Promise<void> {
    return this.#folder.run(() => this.#unsettled.flush());
  }

  /** A node of the account is another one now. */
  remoteChanged(id: NodeId): void {
    // What it waited to add may be a conflict, or be there already.
    if (this.#parts.space.isFull && isHeldForRoom(this.pair, id)) this.pair.release(id);
    this.pair.markDirty(id);
  }

  /** The account may have room: what waited for it is planned again. */
  retryForRoom(): void {
    this.#additions.release();
  }

  // What a person asks.

  /** What failed and waits for its time is tried now; what waits for room or for a person waits on. */
  retryDelayed(): void {
    this.pair.releaseAll(0, UNTIL_ROOM - 1);
  }

  /** Keeps a node of the account on this device, or not. What is not in sync yet is uploaded before it goes. */
  select(id: NodeId, on: boolean): void {
    this.#parts.manifest.transaction(() => {
      this.pair.deselect(id, !on);
      this.books.markRemoteSubtree(id);
    });
    this.#parts.hooks.wake();
  }

  /** The person chose between a conflict copy and what it is a copy of. @throws PersonError out-of-sync */
  async chooseVersion(copy: NodeId, way: 'keep-both' | 'keep-original' | 'keep-copy'): Promise<void> {
    await this.#folder.run(async () => {
      if (way === 'keep-original') await this.#conflicts.keepOriginal(copy);
      else if (way === 'keep-copy') await this.#conflicts.keepCopy(copy);
      else this.#conflicts.keepBoth(copy);
    });
    this.#parts.hooks.wake();
  }

  /** What a held mass deletion would take. */
  heldRemovals(limit: number): HeldListing {
    return this.#removals.list(limit);
  }

  /** The person decided about a held mass deletion. */
  decideRemoval(way: 'delete' | 'restore'): void {
    this.#removals.decide(way);
    this.#parts.hooks.wake();
  }
}

function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}
