/**
 * One pair, kept the same: observe the folder, plan over the three trees, carry the plan out, until nothing
 * is dirty. Runs as turns of one control thread; content moves in lanes beside it.
 */
import type { ContentId, NodeId, PackName } from '../../protocol/ids.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import type { Manifest, PairStore } from '../manifest/manifest.ts';
import { plan } from '../plan/plan.ts';
import { fitting } from '../plan/fitting.ts';
import type { Operation } from '../plan/operation.ts';
import type { Trees } from '../plan/tree.ts';
import { Books } from './books.ts';
import { Executor } from './executor.ts';
import { FetchLane } from './fetch-lane.ts';
import { IngestLane } from './ingest-lane.ts';
import type { IssueCode } from './issue-codes.ts';
import { Mutex } from './mutex.ts';
import { Observer, type ScanOutcome } from './observe.ts';
import { pairTrees } from './pair-trees.ts';
import type { Clock, RandomSource } from './ports.ts';
import { remotePath, subtree } from './paths.ts';
import { RemovalGuard, withoutHeld } from './removal-guard.ts';
import type { VaultSync } from './vault-sync.ts';
import type { PairDisk } from './pair-disk.ts';

/** Nodes planned at a time; enough to fill the lanes, few enough to stay responsive. */
const PLAN_BATCH = 4000;
/** No more is planned while this many commits wait. */
const MAX_QUEUED_COMMITS = 12_000;
/**
 * While content moves, the dirty nodes are swept anew no sooner than this, nor before ten times what the last
 * sweep took: most are busy, and passing over 100,000 of them at every wake was half of an upload's work.
 */
const SWEEP_MS = 1000;
const SWEEP_SHARE = 10;
/** Said of a folder by the scan, and taken back by it. */
const FOLDER_ISSUES: ReadonlySet<string> = new Set(['unreadable', 'path-too-long'] satisfies IssueCode[]);
/** Changes are read after this much quiet, doubling for what keeps changing. */
const QUIET_MS = 50;
const MAX_QUIET_MS = 10_000;
/** First and longest wait before what failed is tried again. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 5 * 60_000;

interface PairHooks {
  readonly wake: () => void;
  readonly raise: (node: NodeId | null, code: IssueCode, path: string) => void;
  readonly clear: (node: NodeId | null, code?: IssueCode) => void;
  readonly clearAt: (path: string, code: IssueCode) => void;
  readonly did: (path: string, action: string, reason: string, bytes: number) => void;
  readonly received: (bytes: number) => void;
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
  readonly hooks: PairHooks;
}

export class PairSync {
  readonly pair: PairStore;
  readonly vault: VaultSync;
  readonly disk: PairDisk;
  readonly observer: Observer;
  readonly ingest: IngestLane;
  readonly fetch: FetchLane;
  readonly guard: RemovalGuard;
  readonly books: Books;
  /** Why it does not sync at all; null when it does. */
  paused: string | null = null;
  readonly counters = { scans: 0, plans: 0, operations: 0 };
  readonly #parts: PairSyncParts;
  readonly #executor: Executor;
  /** Scans and changes of the folder exclude each other: a scan never sees half a change of our own. */
  readonly #folder = new Mutex();
  #cursor = 0;
  /** A batch was planned since the sweep over the dirty nodes began. */
  #progressed = false;
  /** What the lanes gave back: planned first, without a sweep. */
  readonly #returned = new Set<NodeId>();
  /** What waits for a person's decision about removals that stand in its way; tried now and then all the same. */
  readonly #behindHeld = new Set<NodeId>();
  #sweep = { beganMs: Number.NEGATIVE_INFINITY, tookMs: 0 };

  constructor(parts: PairSyncParts) {
    const { pair, manifest, vault, disk, signal, hooks, clock } = parts;
    this.#parts = parts;
    this.pair = pair;
    this.vault = vault;
    this.disk = disk;
    this.books = new Books(pair, vault.log.store);
    this.observer = new Observer({
      books: this.books,
      manifest,
      disk,
      lstat: parts.lstat,
      newId: parts.newId,
      raise: hooks.raise,
      clearAt: hooks.clearAt,
    });
    this.guard = new RemovalGuard(this.books, clock);
    const done = (id: NodeId): void => {
      // What failed waits for its time, which only the sweep knows.
      if (pair.attempts(id) === 0) this.#returned.add(id);
      hooks.wake();
    };
    this.ingest = new IngestLane({
      books: this.books,
      manifest,
      transfer: vault.transfer,
      uploads: vault.uploads,
      commits: vault.commits,
      absolute: (path) => disk.absolute(path),
      signal,
      hooks: {
        done,
        failed: (id, result) => {
          this.#readFailed(id, result.why);
        },
        crashed: hooks.crashed,
      },
    });
    this.fetch = new FetchLane({
      books: this.books,
      transfer: vault.transfer,
      absolute: (path) => disk.absolute(path),
      stagingPath: (state) => disk.stagingPath(state),
      signal,
      hooks: {
        staged: (nodes) => this.#folder.run(() => this.#executor.place(nodes)),
        failed: (id, result) => {
          if (result.why === 'corrupt' || result.why === 'missing') this.#distrust(result.pack);
          this.#fetchFailed(id, result.why);
        },
        done,
        received: hooks.received,
        crashed: hooks.crashed,
      },
    });
    this.#executor = new Executor({
      books: this.books,
      manifest,
      log: vault.log,
      commits: vault.commits,
      ingest: this.ingest,
      fetch: this.fetch,
      disk,
      newId: parts.newId,
      trees: () => this.#trees(),
      fits: (operations) => fitting(this.#trees(), operations),
      hooks: {
        did: (id, action, reason, bytes) => {
          hooks.did(this.showPath(id), action, reason, bytes);
        },
        blocked: (id, code) => {
          this.#blocked(id, code);
        },
        settled: (id) => {
          if (pair.attempts(id) === 0) return;
          pair.release(id);
          hooks.clear(id);
        },
        rescan: (path) => {
          this.observer.hint(path);
        },
      },
    });
  }

  /** Content is moving: commits are gathered meanwhile. */
  get busy(): boolean {
    return this.ingest.busy || this.fetch.busy;
  }

  /** Whether a node of the vault lies in this pair's folder (or is it). */
  contains(id: NodeId): boolean {
    return id === this.pair.config.bound || this.books.remoteInScope(id) !== undefined;
  }

  /** Keeps a node of the account on this device, or not. What is not in sync yet is uploaded before it goes. */
  select(id: NodeId, on: boolean): void {
    this.#parts.manifest.transaction(() => {
      this.pair.deselect(id, !on);
      this.books.markRemoteSubtree(id);
    });
    this.#parts.hooks.wake();
  }

  /** A path to show for a node: where it is on disk, else in the account. */
  showPath(id: NodeId): string {
    const path = this.pair.diskPath(id);
    if (path !== null) return path;
    const node = this.books.vault.remote.get(id) ?? this.pair.synced.get(id);
    return node?.name ?? '';
  }

  /** Scans what hints named, or everything. */
  async scan(everything: boolean): Promise<ScanOutcome> {
    this.counters.scans += 1;
    return this.#folder.run(() => this.observer.scan(everything));
  }

  /** Whether everything that can be in sync is. */
  get isSettled(): boolean {
    return !this.busy && this.#folder.busy === 0 && !this.observer.hasHints && this.pair.dirtyCount() === 0;
  }

  /** Whether any dirty node may be worked on now; the rest waits for its time or for a person. */
  hasReadyWork(): boolean {
    return this.pair.dirty(1, 0, this.#parts.clock.nowMs()).ids.length > 0;
  }

  #isBusy(id: NodeId): boolean {
    return this.ingest.has(id) || this.fetch.has(id) || this.vault.commits.has(id);
  }

  #trees(): Trees {
    return pairTrees(this.pair, this.books.vault, this.observer.rules);
  }

  /** Plans and carries out one batch; false when there was nothing to do now. */
  async turn(): Promise<boolean> {
    if (this.vault.commits.size >= MAX_QUEUED_COMMITS) return false;
    const free = this.#nextBatch();
    if (free.length === 0) {
      this.#forgetIssues();
      return false;
    }
    // No scan and no placement comes between what is planned and what is done.
    return this.#folder.run(() => this.#planAndDo(free));
  }

  async #planAndDo(free: readonly NodeId[]): Promise<boolean> {
    const { clock, hooks } = this.#parts;
    this.counters.plans += 1;
    const trees = this.#trees();
    const { operations, clean } = plan(trees, free, {
      deviceName: this.#parts.deviceName,
      date: dateOf(clock.nowMs()),
    });
    const { allowed, held } = this.#guarded(operations.filter((operation) => !this.#isBusy(operation.id)));
    this.counters.operations += allowed.length;
    this.#parts.manifest.transaction(() => {
      for (const id of clean) {
        this.pair.clearDirty(id);
        if (this.pair.attempts(id) > 0) {
          this.pair.release(id);
          hooks.clear(id);
        }
      }
      const planned = new Set([...clean, ...operations.map((operation) => operation.id)]);
      for (const id of free)
        if (!planned.has(id) && this.#isAdrift(id)) this.#delay(id, RETRY_MS, MAX_RETRY_MS);
    });
    await this.#executor.run(allowed);
    this.ingest.pump();
    this.fetch.pump();
    if (held.size > 0)
      this.#waitForDecision(free, new Set([...held, ...clean, ...allowed.map(({ id }) => id)]));
    return allowed.length > 0 || clean.length > 0;
  }

  /** A node that has nothing left to do has no issue either, however it came to that. */
  #forgetIssues(): void {
    const { manifest, hooks } = this.#parts;
    for (const { pair, node, code } of manifest.issues()) {
      if (pair !== this.pair.config.id || node === null || this.pair.isDirty(node)) continue;
      const isOfScan = FOLDER_ISSUES.has(code) && this.pair.local.get(node) !== undefined;
      if (code !== 'tree-fault' && !isOfScan) hooks.clear(node, code as IssueCode);
    }
  }

  /** In the account, but no way leads to it from the root: a fault of the tree, which only a commit can mend. */
  #isAdrift(id: NodeId): boolean {
    const { remote } = this.vault.log.store;
    return remote.get(id) !== undefined && remotePath(remote, id) === null;
  }

  /** The next dirty nodes that no lane is busy with; after the last page it begins anew at a later call. */
  #nextBatch(): NodeId[] {
    const returned = this.#takeReturned();
    if (returned.length > 0) return returned;
    const { clock } = this.#parts;
    const beganMs = clock.monotonicMs();
    try {
      return this.#sweepOn(beganMs);
    } finally {
      this.#sweep.tookMs += clock.monotonicMs() - beganMs;
    }
  }

  #takeReturned(): NodeId[] {
    const free: NodeId[] = [];
    for (const id of this.#returned) {
      if (free.length >= PLAN_BATCH) break;
      this.#returned.delete(id);
      if (!this.#isBusy(id) && this.pair.isDirty(id)) free.push(id);
    }
    return free;
  }

  #sweepOn(nowMs: number): NodeId[] {
    for (;;) {
      const { ids, cursor } = this.pair.dirty(PLAN_BATCH, this.#cursor, this.#parts.clock.nowMs());
      if (ids.length === 0) {
        const isStart = this.#cursor === 0;
        const { beganMs, tookMs } = this.#sweep;
        // Only what was marked again waits; what is newly marked stands behind the cursor and was just asked for.
        if (this.busy && nowMs - beganMs < Math.max(SWEEP_MS, SWEEP_SHARE * tookMs)) return [];
        this.#cursor = 0;
        this.#sweep = { beganMs: nowMs, tookMs: 0 };
        if (isStart || !this.#progressed) return [];
        this.#progressed = false;
        continue;
      }
      this.#cursor = cursor;
      const free = ids.filter((id) => !this.#isBusy(id));
      if (free.length === 0) continue;
      this.#progressed = true;
      return free;
    }
  }

  /** Holds back removals that are too many at once, and what needs them done first, until a person decides. */
  #guarded(operations: readonly Operation[]): {
    readonly allowed: readonly Operation[];
    readonly held: ReadonlySet<NodeId>;
  } {
    const { hooks, manifest } = this.#parts;
    const held = manifest.transaction(() => this.guard.judge(operations));
    if (held.size === 0) return { allowed: operations, held };
    for (const id of held) this.pair.quarantine(id, Number.MAX_SAFE_INTEGER);
    hooks.raise(null, 'mass-deletion', '');
    return { allowed: withoutHeld(operations, held, this.#trees()), held };
  }

  /** What a held removal keeps from being done is not planned over and over meanwhile. */
  #waitForDecision(planned: readonly NodeId[], known: ReadonlySet<NodeId>): void {
    this.#parts.manifest.transaction(() => {
      for (const id of planned) {
        if (known.has(id) || this.#isBusy(id)) continue;
        this.#behindHeld.add(id);
        this.#delay(id, RETRY_MS, MAX_RETRY_MS);
      }
    });
  }

  /** The person decided about a held mass deletion. */
  decideRemoval(way: 'delete' | 'restore'): void {
    const held = this.guard.take();
    this.#parts.manifest.transaction(() => {
      for (const id of held) {
        this.pair.release(id);
        if (way === 'restore') this.#keepBoth(id);
        this.pair.markDirty(id);
      }
      if (way === 'delete') this.guard.allow(held);
      for (const id of this.#behindHeld) {
        this.pair.release(id);
        this.pair.markDirty(id);
      }
      this.#behindHeld.clear();
    });
    this.#parts.hooks.clear(null, 'mass-deletion');
    this.#parts.hooks.wake();
  }

  /** Without a synced state neither side's absence is a deletion: what one side has comes back to the other. */
  #keepBoth(id: NodeId): void {
    const stack = [id];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      for (const child of this.pair.synced.children(next)) stack.push(child.id);
      this.pair.deleteSynced(next);
      this.pair.markDirty(next);
    }
  }

  /**
   * The server went back to an older state: what it holds now is the base, so that everything newer here is
   * proposed again and nothing here is taken for removed elsewhere.
   */
  rebase(): void {
    const { pair, books } = this;
    const scope = new Set<NodeId>();
    for (const node of subtree(books.vault.remote, pair.config.bound)) {
      if (node.id === pair.config.bound) continue;
      scope.add(node.id);
      pair.putSynced(node);
      pair.markDirty(node.id);
    }
    for (const node of books.localSubtreeOf(pair.config.bound)) {
      if (!scope.has(node.id)) pair.deleteSynced(node.id);
      pair.markDirty(node.id);
    }
  }

  /**
   * After an unclean stop: rows written since the last flush are read again. What the power loss damaged is
   * put in the local trash and fetched again, never uploaded as if the person had edited it.
   */
  async verifyUnsettled(signal: AbortSignal): Promise<void> {
    const { manifest } = this.#parts;
    const { pair } = this;
    if (this.disk.check(false).state !== 'ok') return;
    for (let ids = pair.unsettled(1000); ids.length > 0 && !signal.aborted; ids = pair.unsettled(1000)) {
      const files = ids.flatMap((id) => {
        const { type, size } = pair.local.get(id) ??
          this.books.remoteInScope(id) ?? { type: 'folder', size: 0 };
        const path = this.#placeOf(id);
        if (path === null || type === 'folder') return [];
        return [{ id, path: this.disk.absolute(path), type, size }];
      });
      const results = await this.vault.transfer.ingest(
        files,
        // Nothing is sealed: it is only compared.
        { known: (chunks) => Promise.resolve(chunks.map(() => true)), pack: () => Promise.resolve() },
        signal,
      );
      for (const result of results) {
        if (this.#isDamaged(result.id, result.ok ? result.content.id : null)) await this.#refetch(result.id);
      }
      // Read whole from memory is not yet on the disk: only the process may have ended, and the power goes later.
      await this.disk.flush();
      manifest.transaction(() => {
        for (const id of ids) pair.clearUnsettled(id);
      });
    }
  }

  /** Where the node is on disk, or would have been put: the manifest may be older than the folder. */
  #placeOf(id: NodeId): string | null {
    const { pair, books } = this;
    if (pair.local.get(id) !== undefined) return pair.diskPath(id);
    const remote = books.remoteInScope(id);
    if (remote === undefined) return null;
    const folder = pair.diskPath(remote.parent);
    const name = this.disk.nameFor(remote.parent, remote.name, id);
    if (folder === null || typeof name === 'object') return null;
    return folder === '' ? name : `${folder}/${name}`;
  }

  /** What was put in place is not what is there, and no person edited it since. */
  #isDamaged(id: NodeId, content: ContentId | null): boolean {
    const { pair, books } = this;
    const path = this.#placeOf(id);
    const stat = path === null ? null : this.#parts.lstat(this.disk.absolute(path));
    const local = pair.local.get(id);
    // A row not read since it was seen to change is a person's.
    const states = [local, pair.synced.get(id), books.remoteInScope(id)].filter(
      (state) => state !== undefined && (state.type === 'folder' || state.content !== null),
    );
    if (content !== null && states.some((state) => state?.content === content)) return false;
    // Not put in place before the power went, or gone since: a row alone is out of date.
    if (stat === null) return local !== undefined;
    if (stat.size === 0 || stat.type !== 'file') return true;
    // Whoever edits a file gives it a time of its own.
    return states.some((state) => state?.mtimeUs === stat.mtimeUs);
  }

  /** Out of the way and fetched again: without a synced state its absence is no deletion. */
  async #refetch(id: NodeId): Promise<void> {
    const { pair, books } = this;
    const path = this.#placeOf(id);
    if (path === null) return;
    const stat = this.#parts.lstat(this.disk.absolute(path));
    if (stat !== null && stat.type !== 'other') {
      await this.disk.apply([{ kind: 'remove', path, known: { ...stat }, inside: [] }]);
    }
    this.#parts.manifest.transaction(() => {
      books.vanished(id);
      pair.deleteSynced(id);
      pair.markDirty(id);
    });
    this.#parts.hooks.did(path, 'verify-failed', 'power-loss', 0);
  }

  /** Puts what was applied on stable storage: only then is it settled. */
  flush(): Promise<void> {
    return this.#folder.run(async () => {
      const ids = this.pair.unsettled(100_000);
      if (ids.length === 0) return;
      await this.disk.flush();
      this.#parts.manifest.transaction(() => {
        for (const id of ids) this.pair.clearUnsettled(id);
      });
      this.#parts.manifest.checkpoint();
    });
  }

  #delay(id: NodeId, first: number, longest: number): void {
    const { clock, random } = this.#parts;
    const attempts = this.pair.attempts(id);
    const base = Math.min(longest, first * 2 ** Math.min(attempts, 20));
    this.pair.quarantine(id, clock.nowMs() + Math.ceil(base * (0.75 + random.fraction() / 2)));
  }

  #readFailed(id: NodeId, why: string): void {
    const { hooks } = this.#parts;
    const path = this.pair.diskPath(id);
    if (why === 'changed') {
      this.#delay(id, QUIET_MS, MAX_QUIET_MS);
      if (this.pair.attempts(id) > 6) hooks.raise(id, 'changing', this.showPath(id));
    } else if (why !== 'gone' && why !== 'not-found' && why !== 'not-a-file') {
      this.#blocked(id, why);
    }
    if (path !== null) this.observer.hint(parentPath(path));
  }

  #fetchFailed(id: NodeId, why: string): void {
    if (why === 'offline') {
      this.#delay(id, RETRY_MS, MAX_RETRY_MS);
      return;
    }
    this.#blocked(id, why === 'missing' ? 'missing-data' : why);
  }

  /** A pack that did not give what its index says: content added from now on does not rely on it. */
  #distrust(pack: PackName | null): void {
    const { store } = this.#parts.vault.log;
    if (pack !== null && store.pack(pack) !== undefined) store.setPackTrusted(pack, false);
  }

  /** One bad node never blocks the others: it waits, with a reason once it failed more than in passing. */
  #blocked(id: NodeId, code: string): void {
    const { hooks } = this.#parts;
    this.#delay(id, code === 'stale' ? QUIET_MS : RETRY_MS, MAX_RETRY_MS);
    if (code === 'stale' || code === 'busy') {
      if (this.pair.attempts(id) > 8) hooks.raise(id, 'in-the-way', this.showPath(id));
      return;
    }
    hooks.raise(id, issueOf(code), this.showPath(id));
  }
}

function issueOf(code: string): IssueCode {
  switch (code) {
    case 'full':
      return 'disk-full';
    case 'permission':
    case 'read-only':
      return 'permission';
    case 'name-too-long':
    case 'too-long':
    case 'path-too-long':
    case 'too-deep':
      return 'path-too-long';
    case 'illegal-name':
    case 'illegal':
      return 'name-not-possible';
    case 'twins':
      return 'name-clash';
    case 'unsupported':
      return 'not-supported';
    case 'corrupt':
      return 'corrupt';
    case 'missing-data':
      return 'missing-data';
    case 'io':
    case 'too-many-open':
      return 'unreadable';
    default:
      return 'in-the-way';
  }
}

function parentPath(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}
