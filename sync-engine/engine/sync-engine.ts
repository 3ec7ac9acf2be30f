/**
 * The engine of one unlocked, signed-in device: follows the account's vaults, keeps its pairs the same, says
 * what is going on. Everything it needs comes through ports; `main.ts` gives the real ones, simulation its own.
 */
import { ROOT_NODE, toHex, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { CloudEvent } from '../../protocol/pages.ts';
import { checkRoot, makePairFolders, createMarker, type PairMarker } from '../local-fs/root-marker.ts';
import { POSIX_CAPABILITIES, probe, type Capabilities } from '../local-fs/capabilities.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import type { Watcher } from '../local-fs/watcher.ts';
import type { IssueRow, Manifest, PairConfig, PairId } from '../manifest/manifest.ts';
import { CloudError, type Cloud, type CloudEvents } from '../remote/cloud.ts';
import { BackOff } from '../remote/back-off.ts';
import { Bandwidth } from '../transfer/bandwidth.ts';
import { spooledPackBody } from '../transfer/pack-body.ts';
import { createVaultTransfer } from '../transfer/vault-transfer.ts';
import { sealingWorkers } from '../workers/sealing-workers.ts';
import type { Workers } from '../workers/workers.ts';
import type { QuotaState } from './commit-queue.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { isNotice, issueText, type IssueCode } from './issue-codes.ts';
import { LogFault } from './log-fault.ts';
import { PairDisk } from './pair-disk.ts';
import { PairSync } from './pair-sync.ts';
import type { Clock, RandomSource } from './ports.ts';
import { Rate } from './rate.ts';
import { Signal } from './signal.ts';
import { VaultSync } from './vault-sync.ts';

/** What is kept of a pair outside the manifest, so that a damaged manifest loses no pair. */
export interface PairRecord {
  readonly config: PairConfig;
  readonly marker: PairMarker;
}

interface SyncSettings {
  /** Bytes a second; null for no limit. */
  readonly uploadLimit: number | null;
  readonly downloadLimit: number | null;
  /** Between full scans. */
  readonly scanIntervalMs: number;
}

export interface SyncEngineParts {
  readonly manifest: Manifest;
  readonly cloud: Cloud;
  readonly identity: DeviceIdentity;
  readonly workers: Workers;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Absolute; sealed packs wait here. */
  readonly spoolFolder: string;
  readonly watch: () => Watcher;
  readonly pairs: readonly PairRecord[];
  readonly settings: SyncSettings;
  /** Learns the keys of vaults it has not seen; called when the account has new ones. */
  readonly joinVaults: () => Promise<void>;
  readonly hooks: {
    /** Something a person may see changed: state, issues, activity. */
    changed(what: 'status' | 'issues' | 'activity'): void;
    /** The server no longer knows this device. */
    signedOut(): void;
  };
}

export type SyncState = 'idle' | 'syncing' | 'paused' | 'offline' | 'attention' | 'quota';

export type WaitOutcome = 'in-sync' | 'out-of-sync' | 'quota' | 'timeout';

interface PairRun {
  readonly record: PairRecord;
  readonly sync: PairSync;
  readonly watcher: Watcher;
  readonly wake: Signal;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  nextScanMs: number;
  scanRequested: boolean;
  scansDone: number;
  lastFlushMs: number;
}

const DEBOUNCE_MS = 50;
const POLL_MS = 60_000;
const ROOT_RETRY_MS = 5000;
const FLUSH_MS = 10_000;
const QUOTA_RETRY_MS = 60_000;
/** While watches do not cover the folder, it is scanned this often. */
const UNWATCHED_SCAN_MS = 5 * 60_000;

export class SyncEngine {
  readonly #parts: SyncEngineParts;
  readonly #vaults = new Map<VaultId, VaultSync>();
  readonly #pairs = new Map<PairId, PairRun>();
  readonly #stop = new AbortController();
  readonly #changed = new Signal();
  readonly #up: Bandwidth;
  readonly #down: Bandwidth;
  readonly upRate: Rate;
  readonly downRate: Rate;
  #paused = false;
  #online = false;
  #quota: QuotaState | null = null;
  #quotaUntilMs = 0;
  #events: CloudEvents | null = null;
  /** Ends the wait for the open connection's end: one closed from here tells nobody. */
  #connectionOver: (() => void) | null = null;
  #connection: Promise<void> = Promise.resolve();
  #caughtUp = false;
  #unwatched = false;
  /** Pairs that are woken when the commit under way is done. */
  readonly #flushing = new Set<PairRun>();
  #defect: Error | null = null;

  constructor(parts: SyncEngineParts) {
    this.#parts = parts;
    const { clock, settings } = parts;
    this.#up = new Bandwidth(clock, settings.uploadLimit);
    this.#down = new Bandwidth(clock, settings.downloadLimit);
    this.upRate = new Rate(clock);
    this.downRate = new Rate(clock);
  }

  // Life.

  async start(): Promise<void> {
    const { manifest } = this.#parts;
    const wasClean = manifest.meta('clean-stop') === 'yes';
    manifest.setMeta('clean-stop', null);
    this.#forgetSpooled();
    for (const record of this.#parts.pairs) this.#open(record, wasClean);
    this.#connection = this.#stayConnected();
    await Promise.resolve();
  }

  /** Ends in good order: what was applied is flushed, nothing needs to be verified at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the engine stops'));
    this.#events?.close();
    const runs = [...this.#pairs.values()];
    for (const run of runs) {
      run.stop.abort(this.#stop.signal.reason);
      run.wake.raise();
    }
    this.#changed.raise();
    await Promise.allSettled([this.#connection, ...runs.map((run) => run.done)]);
    for (const run of runs) {
      await run.watcher.close();
      await this.#flush(run).catch(() => undefined);
    }
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
      this.#cloudFailed(error);
      return;
    }
    this.#defect ??=
      error instanceof Error ? error : new Error('a part of the engine stopped', { cause: error });
    this.#changed.raise();
  }

  /** Packs sealed but never acknowledged are sealed again when their files are read again. */
  #forgetSpooled(): void {
    const { manifest, disk, spoolFolder } = this.#parts;
    for (const vault of manifest.vaults()) {
      const store = manifest.vault(vault);
      for (const pack of store.packs('spooled')) store.deletePack(pack.name);
    }
    for (const entry of disk.list(spoolFolder).entries) disk.removeFile(`${spoolFolder}/${entry.name}`);
  }

  #vaultSync(vault: VaultId): VaultSync {
    const existing = this.#vaults.get(vault);
    if (existing !== undefined) return existing;
    const { manifest, cloud, identity, workers, clock, random, disk, spoolFolder } = this.#parts;
    manifest.addVault(vault);
    const store = manifest.vault(vault);
    const sync: VaultSync = new VaultSync({
      vault,
      manifest,
      cloud,
      identity,
      clock,
      random,
      transfer: createVaultTransfer({
        vault,
        keys: () => identity.vaultKeys(vault),
        epoch: () => store.cursor().epoch,
        workers: sealingWorkers(workers),
        cloud,
        spoolFolder,
        locate: (chunk) => store.locate(chunk),
        localPack: (name) => sync.log.inlinePack(name),
        down: this.#down,
        received: (bytes) => {
          this.downRate.add(bytes);
        },
      }),
      spool: {
        body: (pack) => spooledPackBody(disk, pack, this.#up, this.#stop.signal),
        remove: (path) => {
          if (disk.lstat(path) !== null) disk.removeFile(path);
        },
      },
      hooks: {
        changed: (id, nodes) => {
          this.#remoteChanged(id, nodes);
        },
        faults: (id, faults) => {
          for (const { node } of faults) this.raise(this.#pairOf(id), node, 'tree-fault', sync.pathOf(node));
        },
        chainMoved: () => {
          this.#parts.hooks.changed('status');
        },
        quota: (state) => {
          this.#setQuota(state);
        },
        sent: (bytes) => {
          this.upRate.add(bytes);
        },
        failed: (id, error) => {
          this.#vaultFailed(id, error);
        },
        retryUpload: (error, attempt, signal) => this.#retryUpload(error, attempt, signal),
        busy: (id) => this.#runsOf(id).some((run) => run.sync.ingest.busy),
      },
    });
    this.#vaults.set(vault, sync);
    return sync;
  }

  #runsOf(vault: VaultId): PairRun[] {
    return [...this.#pairs.values()].filter((run) => run.record.config.vault === vault);
  }

  #pairOf(vault: VaultId): PairId | null {
    return this.#runsOf(vault)[0]?.record.config.id ?? null;
  }

  #remoteChanged(vault: VaultId, nodes: readonly NodeId[]): void {
    const { manifest } = this.#parts;
    const runs = this.#runsOf(vault);
    manifest.transaction(() => {
      for (const run of runs)
        for (const node of nodes)
          if (node !== run.record.config.bound && node !== ROOT_NODE) run.sync.pair.markDirty(node);
    });
    for (const run of runs) run.wake.raise();
    this.#parts.hooks.changed('status');
  }

  // Issues and activity.

  raise(pair: PairId | null, node: NodeId | null, code: IssueCode, path: string): void {
    const { manifest, clock, hooks } = this.#parts;
    const { reason, ways } = issueText(code);
    manifest.raiseIssue({ pair, node, code, path, reason, ways, sinceMs: clock.nowMs() });
    hooks.changed('issues');
  }

  clear(pair: PairId | null, node: NodeId | null, code?: IssueCode): void {
    this.#parts.manifest.clearIssue(pair, node, code);
    this.#parts.hooks.changed('issues');
  }

  issues(): readonly IssueRow[] {
    return this.#parts.manifest.issues();
  }

  /** Issues that keep something out of sync; notices are none. */
  #obstacles(): readonly IssueRow[] {
    return this.issues().filter((issue) => !isNotice(issue.code));
  }

  async resolveIssue(id: number, way: string): Promise<void> {
    const { manifest } = this.#parts;
    const issue = manifest.issue(id);
    if (issue === undefined)
      throw new PersonError('not-found', `there is no issue ${id}`, 'List them with `coffre issues`.');
    if (way !== 'retry' && way !== 'dismiss' && !issue.ways.includes(way)) {
      throw new PersonError(
        'bad-input',
        `'${way}' is no way out of this issue`,
        `Choose one of: ${issue.ways.join(', ')}.`,
      );
    }
    const run = issue.pair === null ? undefined : this.#pairs.get(issue.pair);
    if (way === 'dismiss') {
      manifest.deleteIssue(id);
    } else if (issue.code === 'mass-deletion' && run !== undefined) {
      if (way === 'delete' || way === 'restore') run.sync.decideRemoval(way);
    } else if (way === 'remove-pair' && issue.pair !== null) {
      await this.removePair(issue.pair);
    } else if (way === 'relink' && run !== undefined) {
      createMarker(this.#parts.disk, run.record.config.folder, run.record.marker);
      manifest.deleteIssue(id);
    } else if (way === 'rejoin') {
      await this.rejoin(issue);
    } else {
      manifest.deleteIssue(id);
      if (issue.node !== null && run !== undefined) {
        run.sync.pair.release(issue.node);
        run.sync.pair.markDirty(issue.node);
      }
      for (const vault of this.#vaults.values()) vault.stopped = null;
      this.#quotaUntilMs = 0;
    }
    for (const each of this.#pairs.values()) each.wake.raise();
    this.#changed.raise();
    this.#parts.hooks.changed('issues');
  }

  /** After a server was restored from a backup: this device's newer state is proposed again on its older head. */
  async rejoin(issue: IssueRow): Promise<void> {
    for (const vault of this.#vaults.values()) {
      if (vault.stopped === null) continue;
      const { manifest } = this.#parts;
      await vault.log.takeRestoredHead();
      manifest.transaction(() => {
        for (const run of this.#runsOf(vault.vault)) run.sync.rebase();
      });
      vault.stopped = null;
    }
    this.#parts.manifest.deleteIssue(issue.id);
  }

  // Connection.

  get isOnline(): boolean {
    return this.#online;
  }

  async #stayConnected(): Promise<void> {
    const { cloud, clock, random } = this.#parts;
    const backOff = new BackOff({ fraction: () => random.fraction(), firstMs: 500, mostMs: 30_000 });
    const { signal } = this.#stop;
    const isResting = (): boolean => signal.aborted || this.#paused;
    while (!signal.aborted) {
      if (this.#paused) {
        await this.#changed.next(signal);
        continue;
      }
      const lost = new Signal();
      const ended: { fault: string | null } = { fault: null };
      const opened = new Signal();
      this.#connectionOver = () => {
        opened.raise();
        lost.raise();
      };
      this.#events = cloud.events({
        event: (event) => {
          this.#onEvent(event);
        },
        opened: () => {
          opened.raise();
        },
        lost: (why) => {
          ended.fault = why;
          opened.raise();
          lost.raise();
        },
      });
      await opened.wait(signal);
      if (!lost.isRaised && !isResting()) {
        const caughtUp = await this.#catchUp();
        if (caughtUp) {
          backOff.succeeded();
          await this.#whileConnected(lost);
        }
      }
      this.#events.close();
      this.#events = null;
      if (ended.fault !== null) this.#connectionLost(ended.fault);
      this.#setOnline(false);
      if (isResting()) continue;
      await clock.sleep(backOff.next(), signal);
    }
  }

  /** Until the connection is lost: a poll now and then repairs what an event that never came left behind. */
  async #whileConnected(lost: Signal): Promise<void> {
    const { clock } = this.#parts;
    const isOver = (): boolean => lost.isRaised || this.#stop.signal.aborted || this.#paused;
    while (!isOver()) {
      const timer = new AbortController();
      await Promise.race([
        lost.wait(this.#stop.signal),
        clock.sleep(POLL_MS, AbortSignal.any([timer.signal, this.#stop.signal])),
      ]);
      timer.abort();
      if (isOver() || !(await this.#catchUp())) return;
    }
  }

  #disconnect(): void {
    this.#events?.close();
    this.#connectionOver?.();
  }

  #connectionLost(fault: string): void {
    if (fault === 'refused' || fault === 'unauthorized') this.#parts.hooks.signedOut();
    if (fault === 'certificate') this.raise(null, null, 'certificate', '');
    if (fault === 'version') this.raise(null, null, 'server-version', '');
  }

  #setOnline(online: boolean): void {
    if (this.#online === online) return;
    this.#online = online;
    this.#parts.hooks.changed('status');
    this.#changed.raise();
    if (online) {
      this.clear(null, null, 'certificate');
      this.clear(null, null, 'server-version');
    }
    for (const run of this.#pairs.values()) run.wake.raise();
  }

  /** Chain, vaults, logs. False when the server cannot be used now. */
  async #catchUp(): Promise<boolean> {
    const { identity, joinVaults } = this.#parts;
    try {
      await identity.followChain();
      await joinVaults();
      for (const vault of this.#vaults.values()) await this.#pull(vault);
      this.#caughtUp = true;
      this.#setOnline(true);
      return true;
    } catch (error) {
      if (error instanceof CloudError) {
        this.#cloudFailed(error);
        return false;
      }
      if (error instanceof PersonError && error.code === 'verification') {
        this.raise(null, null, 'log-fault', '');
        return false;
      }
      this.#crashed(error);
      return false;
    }
  }

  #cloudFailed(error: CloudError): void {
    this.#connectionLost(error.fault);
    this.#setOnline(false);
    // The socket may not have noticed: the connection begins anew.
    this.#disconnect();
  }

  async #pull(vault: VaultSync): Promise<void> {
    if (vault.stopped !== null) return;
    try {
      await vault.log.pull();
      this.clear(this.#pairOf(vault.vault), null, 'log-fault');
      this.clear(this.#pairOf(vault.vault), null, 'rolled-back');
      this.clear(this.#pairOf(vault.vault), null, 'forked');
    } catch (error) {
      if (!(error instanceof LogFault)) throw error;
      this.#vaultFailed(vault.vault, error);
    }
  }

  #onEvent(event: CloudEvent): void {
    const { identity, joinVaults } = this.#parts;
    const failed = (error: unknown): void => {
      this.#vaultOrCrash(event, error);
    };
    switch (event.kind) {
      case 'commit': {
        const vault = this.#vaults.get(event.vault);
        if (vault?.stopped !== null) return;
        vault.log
          .receive(event.commit)
          .then((isNext) => (isNext ? undefined : this.#pull(vault)))
          .catch(failed);
        return;
      }
      case 'head': {
        const vault = this.#vaults.get(event.vault);
        if (vault === undefined || event.seq <= vault.log.cursor().seq) return;
        this.#pull(vault).catch(failed);
        return;
      }
      case 'chain':
        identity
          .followChain()
          .then(() => {
            for (const vault of this.#vaults.values()) vault.log.judgePacks();
          })
          .catch(failed);
        return;
      case 'vaults':
        joinVaults().catch(failed);
        return;
    }
  }

  #vaultOrCrash(event: CloudEvent, error: unknown): void {
    if (error instanceof LogFault && (event.kind === 'commit' || event.kind === 'head')) {
      this.#vaultFailed(event.vault, error);
    } else this.#crashed(error);
  }

  /** A log that fails verification stops its vault until a person decides. */
  #vaultFailed(id: VaultId, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    if (!(error instanceof LogFault)) {
      this.#crashed(error);
      return;
    }
    const vault = this.#vaults.get(id);
    if (vault !== undefined) vault.stopped = error;
    const code: IssueCode =
      error.code === 'rolled-back' || error.code === 'forked' || error.code === 'copied-home'
        ? error.code
        : 'log-fault';
    this.raise(this.#pairOf(id), null, code, error.code);
  }

  async #retryUpload(error: CloudError, attempt: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    if (error.fault !== 'offline' && error.fault !== 'unavailable' && error.fault !== 'rate-limited') {
      if (attempt >= 5) throw error;
    }
    const wait = Math.min(30_000, 250 * 2 ** Math.min(attempt, 10)) * (0.5 + random.fraction());
    await clock.sleep(Math.max(wait, (error.retryAfterS ?? 0) * 1000), signal);
  }

  #setQuota(state: QuotaState | null): void {
    const wasFull = this.#quota !== null;
    this.#quota = state;
    if (state !== null) {
      this.#quotaUntilMs = this.#parts.clock.monotonicMs() + QUOTA_RETRY_MS;
      this.raise(null, null, 'quota', '');
    } else if (wasFull) this.clear(null, null, 'quota');
    if (wasFull !== (state !== null)) this.#parts.hooks.changed('status');
  }

  get quotaState(): QuotaState | null {
    return this.#quota;
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
    run.stop.abort(new Error('the pair is removed'));
    run.wake.raise();
    await run.done;
    await run.watcher.close();
    this.#parts.manifest.removePair(id);
    for (const issue of this.issues()) if (issue.pair === id) this.#parts.manifest.deleteIssue(issue.id);
    this.#parts.hooks.changed('status');
  }

  pair(id: PairId): PairSync | undefined {
    return this.#pairs.get(id)?.sync;
  }

  pairs(): readonly PairSync[] {
    return [...this.#pairs.values()].map((run) => run.sync);
  }

  vaults(): readonly VaultSync[] {
    return [...this.#vaults.values()];
  }

  /** Follows a vault this device holds keys of; the pairs may come later. */
  async followVault(vault: VaultId): Promise<VaultSync> {
    const sync = this.#vaultSync(vault);
    await this.#pull(sync);
    return sync;
  }

  #capabilities(record: PairRecord): Capabilities | null {
    const { disk } = this.#parts;
    try {
      makePairFolders(disk, record.config.folder);
      return probe(disk, record.config.folder, '.coffre');
    } catch (error) {
      if (error instanceof DiskError) return null;
      throw error;
    }
  }

  #open(record: PairRecord, wasClean: boolean): void {
    const { manifest, disk, workers, clock, random, identity, hooks } = this.#parts;
    const { config } = record;
    const vault = this.#vaultSync(config.vault);
    const known = manifest.pairs().some((pair) => pair.id === config.id);
    const pair = known ? manifest.pair(config.id) : manifest.addPair(config);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
    const wake = new Signal();
    const stored = pair.meta('capabilities');
    // A folder that is away is probed when it is back; until then what it could do before holds.
    const capabilities = this.#rootIsOurs(record) ? this.#capabilities(record) : null;
    if (capabilities !== null) pair.setMeta('capabilities', JSON.stringify(capabilities));
    const pairDisk = new PairDisk({
      pair,
      disk,
      workers,
      clock,
      random,
      expected: { marker: record.marker, remembered: null },
      capabilities:
        capabilities ?? (stored === null ? POSIX_CAPABILITIES : (JSON.parse(stored) as Capabilities)),
      signal,
    });
    const sync = new PairSync({
      pair,
      manifest,
      vault,
      disk: pairDisk,
      clock,
      random,
      deviceName: identity.deviceName,
      newId: () => toHex(random.bytes(16)) as NodeId,
      lstat: (path) => disk.lstat(path),
      signal,
      hooks: {
        wake: () => {
          wake.raise();
        },
        raise: (node, code, path) => {
          this.raise(config.id, node, code, path);
        },
        clear: (node, code) => {
          this.clear(config.id, node, code);
        },
        clearAt: (path, code) => {
          manifest.clearIssueAt(config.id, path, code);
        },
        did: (path, action, reason, bytes) => {
          manifest.addActivity({ atMs: clock.nowMs(), pair: config.id, path, action, reason, bytes });
          hooks.changed('activity');
        },
        received: () => undefined,
        crashed: (error) => {
          this.#crashed(error);
        },
      },
    });
    // The log may have been read before the pair was: everything in the bound folder is new to it.
    if (!known) {
      manifest.transaction(() => {
        sync.books.markRemoteSubtree(config.bound);
      });
    }
    const watcher = this.#parts.watch();
    const run: PairRun = {
      record,
      sync,
      watcher,
      wake,
      stop,
      nextScanMs: 0,
      scanRequested: true,
      scansDone: 0,
      lastFlushMs: clock.monotonicMs(),
      done: Promise.resolve(),
    };
    this.#pairs.set(config.id, run);
    Object.assign(run, {
      done: this.#runPair(run, signal, wasClean).catch((error: unknown) => {
        if (!signal.aborted) this.#crashed(error);
      }),
    });
  }

  #rootIsOurs(record: PairRecord): boolean {
    const { disk } = this.#parts;
    return checkRoot(disk, record.config.folder, { marker: record.marker, remembered: null }).state === 'ok';
  }

  #watch(run: PairRun): void {
    const { observer } = run.sync;
    void run.watcher.start(run.record.config.folder, {
      onHint: (hint) => {
        if (typeof hint === 'string') observer.hint(hint);
        else observer.hintEverything();
        run.wake.raise();
      },
      onTrouble: (trouble) => {
        this.#unwatched = true;
        run.nextScanMs = Math.min(run.nextScanMs, this.#parts.clock.monotonicMs() + UNWATCHED_SCAN_MS);
        if (trouble === 'watch-limit') this.raise(run.record.config.id, null, 'watch-limit', '');
        observer.hintEverything();
        run.wake.raise();
      },
    });
  }

  async #runPair(run: PairRun, signal: AbortSignal, wasClean: boolean): Promise<void> {
    const { clock } = this.#parts;
    const { sync } = run;
    if (sync.disk.check(false).state === 'ok') sync.disk.recover();
    if (!wasClean) await sync.verifyUnsettled(signal);
    this.#watch(run);
    const isStopped = (): boolean => signal.aborted;
    while (!isStopped()) {
      if (this.#paused || !this.#rootReady(run)) {
        run.wake.clear();
        await this.#rest(run, signal, this.#paused ? null : ROOT_RETRY_MS);
        continue;
      }
      run.wake.clear();
      await this.#scanIfDue(run, signal);
      if (isStopped()) return;
      let worked = false;
      if (this.#mayPlan(run)) worked = await sync.turn();
      await this.#flushCommits(run);
      if (clock.monotonicMs() - run.lastFlushMs > FLUSH_MS) await this.#flush(run);
      if (!worked) await this.#rest(run, signal, this.#restMs(run));
      // A plan that gets nowhere must not keep sockets and timers waiting.
      else await clock.sleep(0, signal);
    }
  }

  /** Before the log was read once, planning would upload what is already there. */
  #mayPlan(run: PairRun): boolean {
    if (run.scansDone === 0 || !this.#caughtUp || !this.#online) return false;
    if (run.sync.vault.stopped !== null) return false;
    return (
      this.#quota === null || this.#parts.clock.monotonicMs() >= this.#quotaUntilMs || run.sync.fetch.busy
    );
  }

  async #flushCommits(run: PairRun): Promise<void> {
    const { commits } = run.sync.vault;
    if (!commits.hasWork || !this.#online || !commits.isDue) return;
    const flushed = commits.flush();
    // The lanes go on meanwhile; only a settled pair waits for its commit.
    if (!run.sync.busy) await flushed;
    else if (!this.#flushing.has(run)) {
      this.#flushing.add(run);
      void flushed.then(() => {
        this.#flushing.delete(run);
        run.wake.raise();
      });
    }
  }

  #restMs(run: PairRun): number {
    const { clock } = this.#parts;
    const now = clock.monotonicMs();
    const waits = [run.nextScanMs - now];
    const release = run.sync.pair.nextRelease();
    if (release !== null && release < Number.MAX_SAFE_INTEGER) waits.push(release - clock.nowMs());
    if (run.sync.busy || run.sync.vault.commits.hasWork) waits.push(500);
    if (run.sync.pair.unsettled(1).length > 0) waits.push(FLUSH_MS);
    if (this.#quota !== null) waits.push(this.#quotaUntilMs - now);
    return Math.max(5, Math.min(...waits));
  }

  async #rest(run: PairRun, signal: AbortSignal, ms: number | null): Promise<void> {
    this.#changed.raise();
    this.#parts.hooks.changed('status');
    if (ms === null) {
      await run.wake.wait(signal);
      return;
    }
    const timer = new AbortController();
    await Promise.race([
      run.wake.wait(signal),
      this.#parts.clock.sleep(ms, AbortSignal.any([timer.signal, signal])),
    ]);
    timer.abort();
  }

  /** Whether the folder is there and is the pair's own; an issue and no syncing when it is not. */
  #rootReady(run: PairRun): boolean {
    const { sync, record } = run;
    const check = sync.disk.check(false);
    const { vault, config } = { vault: sync.vault, config: record.config };
    const isBoundGone = config.bound !== ROOT_NODE && this.#caughtUp && !vault.reaches(config.bound);
    if (check.state === 'ok' && !isBoundGone) {
      if (sync.paused !== null) {
        sync.paused = null;
        for (const code of ROOT_ISSUES) this.clear(config.id, null, code);
        sync.observer.hintEverything();
      }
      return true;
    }
    const code: IssueCode = isBoundGone ? 'bound-gone' : rootIssue(check.state);
    if (sync.paused !== code) {
      sync.paused = code;
      this.raise(config.id, null, code, config.folder);
    }
    return false;
  }

  async #scanIfDue(run: PairRun, signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#parts;
    const { observer } = run.sync;
    const everything = run.scanRequested || clock.monotonicMs() >= run.nextScanMs;
    if (!everything && !observer.hasHints) return;
    // Half of a change is worth waiting for the other half.
    if (!run.scanRequested && run.scansDone > 0) await clock.sleep(DEBOUNCE_MS, signal);
    run.scanRequested = false;
    const outcome = await run.sync.scan(everything);
    if (outcome.outcome === 'stopped') {
      run.scanRequested = true;
      return;
    }
    run.scansDone += 1;
    if (everything) {
      const interval = this.#unwatched
        ? Math.min(UNWATCHED_SCAN_MS, settings.scanIntervalMs)
        : settings.scanIntervalMs;
      run.nextScanMs = clock.monotonicMs() + interval;
    }
  }

  /** Puts what was applied on stable storage; only then is it settled. */
  async #flush(run: PairRun): Promise<void> {
    run.lastFlushMs = this.#parts.clock.monotonicMs();
    await run.sync.flush();
  }

  // What a person asks.

  pause(): void {
    this.#paused = true;
    this.#disconnect();
    this.#changed.raise();
    this.#parts.hooks.changed('status');
  }

  resume(): void {
    this.#paused = false;
    for (const run of this.#pairs.values()) {
      run.scanRequested = true;
      run.wake.raise();
    }
    this.#changed.raise();
    this.#parts.hooks.changed('status');
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  setLimits(upload: number | null, download: number | null): void {
    this.#up.set(upload);
    this.#down.set(download);
  }

  state(): SyncState {
    if (this.#paused) return 'paused';
    if (this.#quota !== null) return 'quota';
    if (!this.#online) return this.#caughtUp ? 'offline' : this.#events === null ? 'offline' : 'syncing';
    const runs = [...this.#pairs.values()];
    const moving = runs.some(
      (run) => run.sync.paused === null && run.sync.vault.stopped === null && this.#isMoving(run),
    );
    if (moving) return 'syncing';
    if (this.#obstacles().length > 0) return 'attention';
    return runs.every((run) => run.sync.isSettled) ? 'idle' : 'syncing';
  }

  #isMoving(run: PairRun): boolean {
    return (
      run.scansDone === 0 ||
      run.scanRequested ||
      run.sync.busy ||
      run.sync.vault.commits.hasWork ||
      run.sync.observer.hasHints ||
      // What depends on a held removal is ready and cannot move: a person decides.
      (!run.sync.guard.isHolding && run.sync.hasReadyWork())
    );
  }

  pending(): { files: number; bytes: number } {
    let files = 0;
    let bytes = 0;
    for (const run of this.#pairs.values()) {
      const pending = run.sync.pair.pending();
      files += pending.files;
      bytes += pending.bytes;
    }
    return { files, bytes };
  }

  counters(): Record<string, number> {
    const counters: Record<string, number> = { bytesUp: this.upRate.total, bytesDown: this.downRate.total };
    const add = (name: string, value: number): void => {
      counters[name] = (counters[name] ?? 0) + value;
    };
    for (const run of this.#pairs.values())
      for (const [name, value] of Object.entries(run.sync.counters)) add(name, value);
    for (const vault of this.#vaults.values()) {
      for (const [name, value] of Object.entries(vault.log.counters)) add(name, value as number);
    }
    return counters;
  }

  /** A fresh scan and a fresh look at the log, then waits until everything agrees or cannot. */
  async wait(timeoutMs: number | null, signal: AbortSignal): Promise<WaitOutcome> {
    const { clock } = this.#parts;
    const deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + timeoutMs;
    const before = new Map<PairId, number>();
    for (const [id, run] of this.#pairs) {
      run.scanRequested = true;
      before.set(id, run.scansDone);
      run.wake.raise();
    }
    let pulled = false;
    for (;;) {
      signal.throwIfAborted();
      if (clock.monotonicMs() > deadline) return 'timeout';
      if (this.#online && !pulled && !this.#paused) pulled = await this.#catchUp();
      const scanned = [...this.#pairs].every(
        ([id, run]) => run.scansDone > (before.get(id) ?? -1) || run.sync.paused !== null,
      );
      if (pulled && scanned) {
        const state = this.state();
        if (state === 'idle') return 'in-sync';
        if (state === 'quota') return 'quota';
        if (state === 'attention') return 'out-of-sync';
      }
      const timer = new AbortController();
      const ms = Math.min(250, deadline - clock.monotonicMs());
      await Promise.race([
        this.#changed.next(signal),
        clock.sleep(Math.max(1, ms), AbortSignal.any([timer.signal, signal, this.#stop.signal])),
      ]);
      timer.abort();
      if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
    }
  }

  /** Wakes everything after a sleep of the machine: sockets anew, folders looked at. */
  nudge(): void {
    this.#disconnect();
    for (const run of this.#pairs.values()) {
      run.scanRequested = true;
      run.wake.raise();
    }
  }
}

const ROOT_ISSUES: readonly IssueCode[] = [
  'root-missing',
  'root-foreign',
  'root-unreadable',
  'root-read-only',
  'bound-gone',
];

function rootIssue(state: string): IssueCode {
  switch (state) {
    case 'missing':
    case 'foreign':
      return 'root-foreign';
    case 'unreadable':
      return 'root-unreadable';
    case 'read-only':
      return 'root-read-only';
    default:
      return 'root-missing';
  }
}
