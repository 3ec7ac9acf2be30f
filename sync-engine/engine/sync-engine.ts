/**
 * The engine of one unlocked, signed-in device: follows the account's vaults, keeps its pairs the same, says
 * what is going on. Everything it needs comes through ports; `main.ts` gives the real ones, simulation its own.
 *
 * Who does what when: the connection says when the account can be reached, and has the vaults read their logs;
 * what they read wakes the pairs; each pair runs a loop of its own, and hands the vault what is to be committed.
 */
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { makePairFolders, createMarker } from '../local-fs/root-marker.ts';
import type { IssueRow, PairId } from '../manifest/manifest.ts';
import { CloudError } from '../remote/cloud.ts';
import type { QuotaState } from './commit-queue.ts';
import { BadAnswers } from './bad-answers.ts';
import { Connection } from './connection.ts';
import type { PairRecord, SyncEngineParts } from './engine-parts.ts';
import type { HeldListing } from './held-listing.ts';
import { IssueBoard } from './issue-board.ts';
import type { IssueCode } from './issue-codes.ts';
import { IssueWays } from './issue-ways.ts';
import { openPair } from './open-pair.ts';
import { Pause } from './pause.ts';
import { PairRun } from './pair-run.ts';
import type { PairSync } from './pair-sync.ts';
import { Progress, type SyncState, type WaitOutcome } from './progress.ts';
import { QuotaWait } from './quota-wait.ts';
import { Signal } from './signal.ts';
import { TimeLeft } from './time-left.ts';
import { Traffic } from './traffic.ts';
import { Vaults } from './vaults.ts';
import type { VaultSync } from './vault-sync.ts';

export class SyncEngine {
  readonly traffic: Traffic;
  readonly #parts: SyncEngineParts;
  readonly #pairs = new Map<PairId, PairRun>();
  readonly #stop = new AbortController();
  /** Raised by whatever may end somebody's wait. */
  readonly #changed = new Signal();
  readonly #issues: IssueBoard;
  readonly #badAnswers: BadAnswers;
  readonly #quota: QuotaWait;
  readonly #vaults: Vaults;
  readonly #connection: Connection;
  readonly #progress: Progress;
  readonly #ways: IssueWays;
  readonly #pause: Pause;
  readonly #timeLeft: TimeLeft;
  #connected: Promise<void> = Promise.resolve();
  #pauseKept: Promise<void> = Promise.resolve();
  #defect: Error | null = null;

  constructor(parts: SyncEngineParts) {
    this.#parts = parts;
    const { manifest, cloud, disk, clock, random, settings, hooks } = parts;
    const { signal } = this.#stop;
    const pairs = this.#pairs;
    const isPaused = (): boolean => this.#pause.isPaused;
    const crashed = (error: unknown): void => {
      this.#crashed(error);
    };
    const pairsOf = (vault: VaultId): readonly PairRun[] => this.#pairsOf(vault);
    this.traffic = new Traffic(clock, settings);
    this.#timeLeft = new TimeLeft(clock, this.traffic);
    this.#pause = new Pause({
      manifest,
      clock,
      began: () => {
        this.#connection.close();
        this.#changed.raise();
        hooks.changed('status');
      },
      ended: () => {
        this.#lookAtAllAnew();
        this.#changed.raise();
        hooks.changed('status');
      },
    });
    this.#issues = new IssueBoard(manifest, clock, () => {
      hooks.changed('issues');
    });
    this.#badAnswers = new BadAnswers(this.#issues);
    this.#quota = new QuotaWait({
      clock,
      random,
      issues: this.#issues,
      pairs: () => pairs.keys(),
      changed: () => {
        hooks.changed('status');
        this.#wakeAll();
      },
    });
    this.#vaults = new Vaults({
      ports: parts,
      issues: this.#issues,
      quota: this.#quota,
      traffic: this.traffic,
      signal,
      hooks: {
        changed: (vault, nodes) => {
          this.#remoteChanged(vault, nodes);
        },
        rewinding: (vault, claims) => {
          const rebases = pairsOf(vault).map((run) => run.sync.books.rebase(claims));
          return () => {
            for (const rebase of rebases) rebase();
          };
        },
        busy: (vault) => pairsOf(vault).some((run) => run.sync.ingest.busy),
        wantsAll: (vault) =>
          this.#connection.isOnline && !isPaused() && pairsOf(vault).some((run) => run.wantsAll),
        pairOf: (vault) => pairsOf(vault)[0]?.record.config.id ?? null,
        crashed,
      },
    });
    this.#connection = new Connection({
      cloud,
      clock,
      random,
      signal,
      isPaused,
      changed: this.#changed,
      hooks: {
        event: (event) => {
          this.#vaults.onEvent(event);
        },
        catchUp: async () => {
          const isSound = await this.#vaults.catchUp();
          if (isSound) this.#badAnswers.lookedWell();
          return isSound;
        },
        lost: (fault) => {
          this.#connectionLost(fault);
        },
        turned: (online) => {
          this.#connectionTurned(online);
        },
        crashed,
      },
    });
    this.#progress = new Progress({
      pairs,
      vaults: this.#vaults,
      connection: this.#connection,
      quota: this.#quota,
      issues: this.#issues,
      badAnswers: this.#badAnswers,
      traffic: this.traffic,
      timeLeft: this.#timeLeft,
      clock,
      changed: this.#changed,
      signal,
      isPaused,
    });
    this.#ways = new IssueWays({
      disk,
      issues: this.#issues,
      quota: this.#quota,
      vaults: this.#vaults,
      pairs,
      addIgnoreRule: parts.addIgnoreRule,
      removePair: (id) => this.removePair(id),
    });
  }

  // Life.

  async start(): Promise<void> {
    const { manifest, pairs } = this.#parts;
    const wasClean = manifest.meta('clean-stop') === 'yes';
    manifest.setMeta('clean-stop', null);
    this.#vaults.forgetUnsent();
    this.#vaults.clearAhead();
    this.#badAnswers.forget();
    for (const record of pairs) this.#open(record, wasClean);
    this.#pause.look();
    this.#connected = this.#connection.stay();
    this.#pauseKept = this.#pause.keep(this.#stop.signal);
    await Promise.resolve();
  }

  /** Ends in good order: what was applied is flushed, nothing needs to be verified at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the engine stops'));
    this.#connection.close();
    this.#changed.raise();
    const runs = [...this.#pairs.values()];
    await Promise.allSettled([this.#connected, this.#pauseKept, ...runs.map((run) => run.end())]);
    for (const run of runs) await run.flush().catch(() => undefined);
    this.#parts.manifest.setMeta('clean-stop', 'yes');
    this.#parts.manifest.checkpoint();
  }

  /** Rejects when a broken invariant stopped a part of the engine; the process should end. */
  async failed(): Promise<never> {
    while (this.#defect === null) await this.#changed.next();
    throw this.#defect;
  }

  #crashed(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    if (error instanceof CloudError) {
      this.#connection.failed(error);
      return;
    }
    this.#defect ??=
      error instanceof Error ? error : new Error('a part of the engine stopped', { cause: error });
    this.#changed.raise();
  }

  // The account.

  #connectionLost(fault: string): void {
    if (fault === 'refused' || fault === 'unauthorized') this.#parts.hooks.signedOut();
    if (fault === 'malformed') {
      this.#badAnswers.failed();
      this.#changed.raise();
    }
    if (fault === 'certificate') this.#issues.raise(null, null, 'certificate', '');
    if (fault === 'version') this.#issues.raise(null, null, 'server-version', '');
  }

  #connectionTurned(online: boolean): void {
    this.#parts.hooks.changed('status');
    this.#changed.raise();
    if (online) {
      this.#issues.clear(null, null, 'certificate');
      this.#issues.clear(null, null, 'server-version');
    }
    this.#wakeAll();
  }

  #remoteChanged(vault: VaultId, nodes: readonly NodeId[]): void {
    const runs = this.#pairsOf(vault);
    this.#parts.manifest.transaction(() => {
      for (const { record, sync } of runs)
        for (const node of nodes)
          if (node !== record.config.bound && node !== ROOT_NODE) sync.remoteChanged(node);
    });
    for (const run of runs) run.wake();
    this.#parts.hooks.changed('status');
  }

  get isOnline(): boolean {
    return this.#connection.isOnline;
  }

  get quotaState(): QuotaState | null {
    return this.#quota.state;
  }

  /** The account's usage as the host last heard it. */
  heardQuota(usedBytes: number, limitBytes: number): void {
    this.#quota.heard(usedBytes, limitBytes);
  }

  vaults(): readonly VaultSync[] {
    return this.#vaults.all();
  }

  /** Follows a vault this device holds keys of; the pairs may come later. */
  async followVault(vault: VaultId): Promise<VaultSync> {
    const sync = this.#vaults.open(vault);
    await this.#vaults.pull(sync);
    return sync;
  }

  // Pairs.

  /** Binds a folder. The caller has checked overlap and kept the record. */
  addPair(record: PairRecord): void {
    const { disk } = this.#parts;
    makePairFolders(disk, record.config.folder);
    createMarker(disk, record.config.folder, record.marker);
    this.#open(record, true);
  }

  async removePair(id: PairId): Promise<void> {
    const run = this.#pairs.get(id);
    if (run === undefined) return;
    this.#pairs.delete(id);
    await run.end();
    this.#parts.manifest.removePair(id);
    this.#issues.dropAllOf(id);
    this.#quota.waitsNoMore(id);
    this.#parts.hooks.changed('status');
    await this.#parts.hooks.pairRemoved(id);
  }

  pair(id: PairId): PairSync | undefined {
    return this.#pairs.get(id)?.sync;
  }

  pairs(): readonly PairSync[] {
    return [...this.#pairs.values()].map((run) => run.sync);
  }

  #pairsOf(vault: VaultId): readonly PairRun[] {
    return [...this.#pairs.values()].filter((run) => run.record.config.vault === vault);
  }

  #open(record: PairRecord, wasClean: boolean): void {
    const { clock, settings, watch, hooks } = this.#parts;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
    const wake = new Signal();
    const crashed = (error: unknown): void => {
      this.#crashed(error);
    };
    const sync = openPair({
      ports: this.#parts,
      record,
      vault: this.#vaults.open(record.config.vault),
      issues: this.#issues,
      quota: this.#quota,
      timeLeft: this.#timeLeft,
      signal,
      wake: () => {
        wake.raise();
      },
      crashed,
    });
    const run = new PairRun({
      record,
      sync,
      watcher: watch(),
      wake,
      stop,
      signal,
      clock,
      boot: this.#parts.boot,
      scanIntervalMs: settings.scanIntervalMs,
      issues: this.#issues,
      quota: this.#quota,
      connection: this.#connection,
      isPaused: () => this.#pause.isPaused,
      rested: () => {
        this.#changed.raise();
        hooks.changed('status');
      },
      crashed,
    });
    this.#pairs.set(record.config.id, run);
    run.start(wasClean);
  }

  #wakeAll(): void {
    for (const run of this.#pairs.values()) run.wake();
  }

  #lookAtAllAnew(): void {
    for (const run of this.#pairs.values()) run.lookAnew();
  }

  // What a person asks.

  raise(pair: PairId | null, node: NodeId | null, code: IssueCode, path: string): void {
    this.#issues.raise(pair, node, code, path);
  }

  issues(): readonly IssueRow[] {
    return this.#issues.all();
  }

  /** @throws PersonError not-found, bad-input (the issue is about no removals) */
  heldRemovals(id: number, limit: number): HeldListing {
    const issue = this.#issues.need(id);
    const run = issue.pair === null ? undefined : this.#pairs.get(issue.pair);
    if (issue.code !== 'mass-deletion' || run === undefined)
      throw new PersonError(
        'bad-input',
        `issue ${id} holds no removals back`,
        'Ask about one whose code is mass-deletion.',
      );
    return run.sync.heldRemovals(limit);
  }

  async resolveIssue(id: number, way: string): Promise<void> {
    await this.#ways.resolve(id, way);
    this.#wakeAll();
    this.#changed.raise();
  }

  /** Kept across restarts. @param untilMs null: until it is resumed */
  pause(untilMs: number | null): void {
    this.#pause.begin(untilMs);
  }

  resume(): void {
    this.#pause.end();
  }

  get pausedUntilMs(): number | null {
    return this.#pause.untilMs;
  }

  /** Wakes everything after a sleep of the machine: sockets anew, folders looked at. */
  nudge(): void {
    this.#pause.look();
    this.#connection.close();
    this.#lookAtAllAnew();
  }

  state(): SyncState {
    return this.#progress.state();
  }

  pending(): { files: number; bytes: number } {
    return this.#progress.pending();
  }

  secondsLeft(): number | null {
    return this.#progress.secondsLeft();
  }

  counters(): Record<string, number> {
    return this.#progress.counters();
  }

  /** A fresh scan and a fresh look at the log, then waits until everything agrees or cannot. */
  wait(timeoutMs: number | null, signal: AbortSignal): Promise<WaitOutcome> {
    return this.#progress.wait(timeoutMs, signal);
  }
}
