/**
 * One pair, kept the same: observe the folder, plan over the three trees, carry the plan out, until nothing
 * is dirty. Runs as turns of one control thread; content moves in lanes beside it.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { DiskError } from '../local-fs/disk.ts';
import { unlessDiskFails } from '../local-fs/displace.ts';
import type { PairStore } from '../manifest/manifest.ts';
import type { Books } from './books.ts';
import type { FetchLane } from './fetch-lane.ts';
import { isHeldForRoom } from './held-additions.ts';
import type { HeldListing } from './held-listing.ts';
import type { IngestLane } from './ingest-lane.ts';
import type { IssueCode } from './issue-codes.ts';
import { Mutex } from './mutex.ts';
import type { Observer, ScanOutcome } from './observe.ts';
import type { PlanTrace } from './plan-trace.ts';
import { recoverParked } from './parked-nodes.ts';
import { remotePath } from './paths.ts';
import type { RootWrites } from './root-writes.ts';
import type { VaultSync } from './vault-sync.ts';
import type { PairDisk } from './pair-disk.ts';
import { PairRooms, type PairSyncParts } from './pair-rooms.ts';

/** No more is planned while this many commits wait. */
const MAX_QUEUED_COMMITS = 12_000;
/** Said of a folder by the scan, and taken back by it. */
const FOLDER_ISSUES: ReadonlySet<string> = new Set(['unreadable', 'path-too-long'] satisfies IssueCode[]);

export class PairSync {
  readonly pair: PairStore;
  readonly vault: VaultSync;
  readonly disk: PairDisk;
  readonly observer: Observer;
  readonly books: Books;
  readonly ingest: IngestLane;
  readonly fetch: FetchLane;
  readonly rootWrites: RootWrites;
  /** Of the last plans, for a bug report. */
  readonly trace: PlanTrace;
  /** Why it does not sync at all; null when it does. */
  paused: string | null = null;
  /** `unmarked`: nodes that differed and that nothing had marked, which is a defect each. */
  readonly counters = { scans: 0, plans: 0, operations: 0, unmarked: 0 };
  readonly #parts: PairSyncParts;
  readonly #rooms: PairRooms;
  /** Scans and changes of the folder exclude each other: a scan never sees half a change of our own. */
  readonly #folder = new Mutex();
  /** An engine before this one may have, too. */
  #mayHaveStaged = true;

  constructor(parts: PairSyncParts) {
    this.#parts = parts;
    const rooms = new PairRooms(parts, this.#folder);
    this.#rooms = rooms;
    this.disk = parts.disk;
    ({
      pair: this.pair,
      vault: this.vault,
      observer: this.observer,
      books: this.books,
      ingest: this.ingest,
      fetch: this.fetch,
      rootWrites: this.rootWrites,
      trace: this.trace,
    } = rooms);
  }

  // What it is about.

  /** Content is moving: commits are gathered meanwhile. */
  get busy(): boolean {
    return this.#rooms.busy;
  }

  /** Whether everything that can be in sync is. */
  get isSettled(): boolean {
    return !this.busy && this.#folder.busy === 0 && !this.observer.hasHints && this.pair.dirtyCount() === 0;
  }

  /** Whether removals wait for a person's decision. */
  get isHolding(): boolean {
    return this.#rooms.removals.isHolding;
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
    return this.#rooms.showPath(id);
  }

  // Its turns.

  /** Scans what hints named, or everything. @param compares also looks for nodes that nothing marked */
  async scan(everything: boolean, compares: boolean): Promise<ScanOutcome> {
    this.counters.scans += 1;
    return this.#folder.run(async () => {
      unlessDiskFails(() => {
        this.disk.learn();
      });
      unlessDiskFails(() => {
        // What a full disk kept from the local trash lies where nobody looks.
        if (everything) this.disk.recover();
      });
      const outcome = await this.observer.scan(everything);
      if (compares && outcome.outcome === 'done') this.counters.unmarked += await this.#rooms.unmarked.mark();
      return outcome;
    });
  }

  /** Plans and carries out one batch; false when there was nothing to do now. */
  async turn(): Promise<boolean> {
    if (this.vault.commits.size >= MAX_QUEUED_COMMITS) return false;
    const nodes = this.#rooms.sweep.next();
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

  /** Nothing is awaited between the plan and the start of what it says: the account may change at any await. */
  async #planAndDo(nodes: readonly NodeId[]): Promise<boolean> {
    const { manifest } = this.#parts;
    this.counters.plans += 1;
    let planned = this.#rooms.plan(nodes);
    if (planned.operations.some(({ kind }) => kind === 'trash')) {
      await this.#flushRemovals();
      // The account may have moved on meanwhile, and a plan of before would take back its marks.
      planned = this.#rooms.plan(nodes);
    }
    const { operations, clean } = planned;
    const possible = operations.filter((operation) => !this.#rooms.isUnderWay(operation.id));
    const storable = manifest.transaction(() => this.#rooms.additions.sift(possible));
    const { allowed, held } = this.#rooms.removals.sift(storable, () => this.#rooms.trees());
    this.counters.operations += allowed.length;
    this.trace.planned({ asked: nodes.length, clean: clean.length, operations: possible, allowed });
    manifest.transaction(() => {
      for (const id of clean) {
        this.pair.clearDirty(id);
        this.#rooms.recovered(id);
      }
      const known = new Set([...clean, ...operations.map((operation) => operation.id)]);
      for (const id of nodes) if (!known.has(id) && this.#isAdrift(id)) this.#rooms.setbacks.postpone(id);
    });
    await this.#rooms.executor.run(allowed);
    this.ingest.pump();
    this.fetch.pump();
    this.#mayHaveStaged ||= this.fetch.busy;
    if (held.size > 0) {
      const known = new Set([...held, ...clean, ...allowed.map(({ id }) => id)]);
      this.#rooms.removals.waitBehind(nodes.filter((id) => !known.has(id) && !this.#rooms.isUnderWay(id)));
    }
    return allowed.length > 0 || clean.length > 0 || storable.length < possible.length;
  }

  /**
   * A loss of power could bring back what was deleted here and is not flushed, with other bytes, when the account
   * no longer says what it was.
   */
  async #flushRemovals(): Promise<void> {
    try {
      await this.#rooms.unsettled.flush();
    } catch (error) {
      if (!(error instanceof DiskError && error.code === 'unsupported')) throw error;
    }
  }

  /** In the account, but no way leads to it from the root: a fault of the tree, which only a commit can mend. */
  #isAdrift(id: NodeId): boolean {
    const { remote } = this.books.vault;
    return remote.get(id) !== undefined && remotePath(remote, id) === null;
  }

  /** A node that has nothing left to do has no issue either, however it came to that. */
  #forgetIssues(): void {
    const { manifest, hooks } = this.#parts;
    this.#rooms.conflicts.forgetGone();
    for (const { pair, node, code, path } of manifest.issues()) {
      if (pair !== this.pair.config.id || node === null || this.pair.isDirty(node)) continue;
      // Elsewhere by now, it is another folder to the scan, which says there what is wrong with it.
      const isOfScan =
        FOLDER_ISSUES.has(code) &&
        this.pair.local.get(node)?.type === 'folder' &&
        path === this.#rooms.showPath(node);
      if (code !== 'tree-fault' && code !== 'conflict' && !isOfScan) hooks.clear(node, code as IssueCode);
    }
  }

  /** Puts back what an interrupted plan had taken from its place, or knows where it is. @throws DiskError */
  putBack(): Promise<void> {
    return this.#folder.run(async () => {
      this.disk.recover();
      this.#parts.manifest.transaction(() => {
        recoverParked(this.disk, this.books);
      });
      if (!this.fetch.busy) this.disk.dropOldStaging();
    });
  }

  /** After an unclean stop: what was not flushed is looked at again. @throws DiskError */
  verifyUnsettled(mayBeLost: boolean, signal: AbortSignal): Promise<void> {
    return this.#folder.run(() => this.#rooms.unsettled.verify(mayBeLost, signal));
  }

  /** Puts what was applied on stable storage: only then is it settled. */
  flush(): Promise<void> {
    return this.#folder.run(() => this.#rooms.unsettled.flush());
  }

  /** A node of the account is another one now. */
  remoteChanged(id: NodeId): void {
    // What it waited to add may be a conflict, or be there already.
    if (this.#parts.space.isFull && isHeldForRoom(this.pair, id)) this.pair.release(id);
    this.pair.markDirty(id);
  }

  /** The account may have room: what waited for it is planned again. */
  retryForRoom(): void {
    this.#rooms.additions.release();
  }

  // What a person asks.

  /** What failed and waits for its time is tried now; what waits for room or for a person waits on. */
  retryDelayed(): void {
    this.#rooms.retryDelayed();
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
      if (way === 'keep-original') await this.#rooms.conflicts.keepOriginal(copy);
      else if (way === 'keep-copy') await this.#rooms.conflicts.keepCopy(copy);
      else this.#rooms.conflicts.keepBoth(copy);
    });
    this.#parts.hooks.wake();
  }

  /** What a held mass deletion would take. */
  heldRemovals(limit: number): HeldListing {
    return this.#rooms.removals.list(limit);
  }

  /** The person decided about a held mass deletion. */
  decideRemoval(way: 'delete' | 'restore'): void {
    this.#rooms.removals.decide(way);
    this.#parts.hooks.wake();
  }
}
