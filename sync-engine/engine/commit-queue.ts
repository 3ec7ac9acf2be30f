/**
 * What waits to be committed to one vault, from all its pairs. Items are checked against the remote tree
 * right before each attempt: losing a race costs O(what changed remotely), never a new read or upload, and
 * records already sealed for the same revision are sent as they are.
 */
import type { PackEntry } from '../../protocol/commit.ts';
import type { NodeId, PackName, SealedPack } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import type { Manifest, PackRow } from '../manifest/manifest.ts';
import type { RemoteOperation } from '../plan/fitting.ts';
import type { CommitOutcome } from '../remote/cloud.ts';
import type { Clock } from './ports.ts';
import { entryOf } from './pack-rows.ts';
import type { ProposedNode } from './log-propose.ts';
import type { VaultLog } from './vault-log.ts';

/** Entries in one commit: about 2.5 MB of records. */
const MAX_ITEMS = 4000;
/** While uploads are under way a commit is made about this often, so that other devices overlap. */
const COMMIT_INTERVAL_MS = 2000;
/** A pack that was sent off so long ago goes ahead of what it is for: the line is slow, or the file large. */
const PACKS_WAIT_MS = 1000;
/** One that arrived within a quarter of a second says that the line is fast, where to overlap gains less than a commit costs. */
const QUICK_PACK_MS = 250;
const QUICK_PACKS_WAIT_MS = 2000;

export interface CommitItem {
  readonly node: NodeId;
  /** The record to write; null writes a tombstone. One object for the item's life: seals are kept by it. */
  readonly record: NodeRecord | null;
  /** The remote revision it was planned on; 0 for a new node. */
  readonly base: number;
  /** Packs its chunks lie in, as found when it was read. */
  readonly relies: readonly PackName[];
  /** Of a pair's plan: which operations of the group can be one commit is asked before each attempt. */
  readonly fits?: {
    readonly group: (operations: readonly RemoteOperation[]) => readonly RemoteOperation[];
    readonly operation: RemoteOperation;
  };
  /** committed: it is in the remote tree. released: no longer valid, plan again. unread: a pack is lost, read again. */
  readonly done: (outcome: 'committed' | 'released' | 'unread') => void;
}

export interface QuotaState {
  readonly usedBytes: number;
  readonly limitBytes: number;
  readonly returnsAtMs: number | null;
}

export interface CommitQueueHooks {
  /** Whether more content is being read or uploaded: then commits are gathered for up to two seconds. */
  busy(): boolean;
  /** Null: content was stored. */
  quota(state: QuotaState | null): void;
  /** Whether the account is full: a commit then brings no pack it does not need, or it were refused too. */
  isFull(): boolean;
  /** The log cannot go on (LogFault) or the server cannot be reached (CloudError). */
  failed(error: unknown): void;
}

export class CommitQueue {
  readonly #log: VaultLog;
  readonly #manifest: Pick<Manifest, 'transaction'>;
  readonly #clock: Clock;
  readonly #hooks: CommitQueueHooks;
  readonly #items = new Map<NodeId, CommitItem>();
  /** Packs small enough to travel in the commit, not uploaded on their own. */
  readonly #inline = new Map<PackName, SealedPack>();
  #lastCommitMs = Number.NEGATIVE_INFINITY;
  /** The last that was not of packs alone. */
  #lastItemsMs = Number.NEGATIVE_INFINITY;
  /** Since something waits again. */
  #waitingSinceMs = Number.NEGATIVE_INFINITY;
  /** From when packs that are in the account and in no commit may go ahead; null: there are none. */
  #packsDueMs: number | null = null;
  #running: Promise<void> | null = null;

  constructor(log: VaultLog, manifest: Pick<Manifest, 'transaction'>, clock: Clock, hooks: CommitQueueHooks) {
    this.#log = log;
    this.#manifest = manifest;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#items.size;
  }

  has(node: NodeId): boolean {
    return this.#items.has(node);
  }

  /** The node's new item takes the place of an older one. */
  add(item: CommitItem): void {
    if (this.#items.size === 0) this.#waitingSinceMs = this.#clock.monotonicMs();
    const older = this.#items.get(item.node);
    this.#items.set(item.node, item);
    older?.done('released');
  }

  /** One small pack may travel inside its commit; false when another already does. */
  offerInline(name: PackName, bytes: SealedPack): boolean {
    if (this.#inline.size > 0) return false;
    this.#inline.set(name, bytes);
    return true;
  }

  /** Whether the pack waits here to travel inside the next commit. */
  carries(name: PackName): boolean {
    return this.#inline.has(name);
  }

  /** A pack has just arrived in the account that was sent off at `sentMs`, by the monotonic clock. */
  packArrived(sentMs: number): void {
    const isQuick = this.#clock.monotonicMs() - sentMs < QUICK_PACK_MS;
    const dueMs = sentMs + (isQuick ? QUICK_PACKS_WAIT_MS : PACKS_WAIT_MS);
    this.#packsDueMs = Math.min(this.#packsDueMs ?? dueMs, dueMs);
  }

  get hasWork(): boolean {
    return this.#items.size > 0;
  }

  /** Whether something is to be committed now, or is being committed. */
  get isDue(): boolean {
    return this.#running !== null || this.#areItemsDue || this.#arePacksDue;
  }

  get #areItemsDue(): boolean {
    if (!this.hasWork) return false;
    if (!this.#hooks.busy() || this.#items.size >= MAX_ITEMS) return true;
    const sinceMs = this.#holdsNewFoldersAlone ? this.#waitingSinceMs : this.#lastItemsMs;
    return this.#clock.monotonicMs() - sinceMs >= COMMIT_INTERVAL_MS;
  }

  /** What they belong to is still being read and sent: other devices may fetch them meanwhile. */
  get #arePacksDue(): boolean {
    if (this.#packsDueMs === null || !this.#hooks.busy() || this.#hooks.isFull()) return false;
    return this.#clock.monotonicMs() >= Math.max(this.#packsDueMs, this.#lastCommitMs + PACKS_WAIT_MS);
  }

  /** They wait for what is read meanwhile and goes into them: in one commit with it they come whole elsewhere. */
  get #holdsNewFoldersAlone(): boolean {
    for (const { base, record } of this.#items.values()) {
      if (base !== 0 || record?.type !== 'folder') return false;
    }
    return true;
  }

  /** Commits what is due. Callers need not wait; errors go to `failed`. */
  flush(): Promise<void> {
    if (this.#running !== null) return this.#running;
    if (!this.isDue) return Promise.resolve();
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#releaseAll();
        this.#hooks.failed(error);
      })
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  /** Everything waiting is planned again. */
  #releaseAll(): void {
    this.#packsDueMs = null;
    const items = [...this.#items.values()];
    this.#items.clear();
    for (const item of items) item.done('released');
  }

  async #run(): Promise<void> {
    for (;;) {
      const items = this.#areItemsDue ? [...this.#items.values()].slice(0, MAX_ITEMS) : [];
      const valid = this.#validate(items);
      if (valid.length === 0 && !this.#arePacksDue) return;
      const outcome = await this.#attempt(valid);
      if (outcome.kind === 'committed') {
        this.#lastCommitMs = this.#clock.monotonicMs();
        if (valid.length > 0) this.#lastItemsMs = this.#lastCommitMs;
        if (this.#items.size === 0 || (this.#hooks.busy() && this.#items.size < MAX_ITEMS)) return;
        continue;
      }
      if (outcome.kind === 'quota') {
        this.#hooks.quota(outcome);
        this.#releaseAll();
        return;
      }
      if (outcome.kind === 'pack-missing') this.#forgetPacks(outcome.packs);
      else await this.#log.pull();
    }
  }

  async #attempt(batch: readonly CommitItem[]): Promise<CommitOutcome> {
    const { store } = this.#log;
    const uploaded = store.packs('uploaded');
    const inline = [...this.#inline].flatMap(([name, bytes]) => {
      const row = store.pack(name);
      return row?.state === 'sealed' ? [{ row, inline: bytes }] : [];
    });
    const needed = new Set(batch.flatMap((item) => item.relies));
    const isFull = this.#hooks.isFull();
    const added: { row: PackRow; inline: SealedPack | null }[] = [
      ...uploaded.map((row) => ({ row, inline: null })),
      ...inline,
    ].filter(({ row }) => !isFull || needed.has(row.name));
    this.#packsDueMs = null;
    const revived = new Map<PackName, PackEntry>();
    for (const name of needed) {
      const row = store.pack(name);
      if (row?.state === 'dropped') revived.set(name, entryOf(row));
    }
    const nodes: ProposedNode[] = batch.map(({ node, record }) => ({ node, record }));
    const outcome = await this.#log.commit({
      // An event may have moved the log since this batch was judged.
      base: store.cursor().seq,
      nodes,
      added,
      revived: [...revived.values()],
      dropped: [],
    });
    if (outcome.kind !== 'committed') return outcome;
    for (const { row } of added) this.#inline.delete(row.name);
    if (added.length > 0) this.#hooks.quota(null);
    this.#manifest.transaction(() => {
      for (const item of batch) {
        // It may have been replaced by a newer item for the node while the commit was under way.
        if (this.#items.get(item.node) === item) this.#items.delete(item.node);
        item.done('committed');
      }
    });
    return outcome;
  }

  #forgetPacks(packs: readonly PackName[]): void {
    const { store } = this.#log;
    const lost = new Set(packs);
    for (const name of lost) {
      this.#inline.delete(name);
      store.deletePack(name);
    }
    for (const item of [...this.#items.values()]) {
      if (!item.relies.some((name) => lost.has(name))) continue;
      this.#items.delete(item.node);
      item.done('unread');
    }
  }

  /** Keeps what may still be committed, as the trees stand now; releases the rest. */
  #validate(batch: readonly CommitItem[]): CommitItem[] {
    const { store } = this.#log;
    // Asked once: the items of one batch of files rely on the same packs.
    const stored = new Map(
      [...new Set(batch.flatMap((item) => item.relies))].map((name) => [
        name,
        store.pack(name) !== undefined,
      ]),
    );
    const fresh = batch.filter((item) => {
      const verdict = this.#judge(item, stored);
      if (verdict !== 'valid') this.#release(item, verdict);
      return verdict === 'valid';
    });
    const groups = new Map<NonNullable<CommitItem['fits']>['group'], RemoteOperation[]>();
    for (const { fits } of fresh) {
      if (fits === undefined) continue;
      const operations = groups.get(fits.group);
      if (operations === undefined) groups.set(fits.group, [fits.operation]);
      else operations.push(fits.operation);
    }
    const fitting = new Set<RemoteOperation>();
    for (const [group, operations] of groups)
      for (const operation of group(operations)) fitting.add(operation);
    return fresh.filter((item) => {
      if (item.fits === undefined || fitting.has(item.fits.operation)) return true;
      this.#release(item, 'released');
      return false;
    });
  }

  #release(item: CommitItem, outcome: 'released' | 'unread'): void {
    if (this.#items.get(item.node) === item) this.#items.delete(item.node);
    item.done(outcome);
  }

  #judge(item: CommitItem, stored: ReadonlyMap<PackName, boolean>): 'valid' | 'released' | 'unread' {
    const { store } = this.#log;
    if ((store.remote.get(item.node)?.revision ?? 0) !== item.base) return 'released';
    return item.relies.every((name) => stored.get(name) === true) ? 'valid' : 'unread';
  }
}
