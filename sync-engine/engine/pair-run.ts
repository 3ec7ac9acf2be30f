/**
 * The life of one pair: while its folder is there it is scanned when something hints at it and at intervals,
 * planned over and carried out, committed and flushed, until nothing is left; then it rests until it is woken.
 */
import { ROOT_NODE } from '../../protocol/ids.ts';
import { DiskError } from '../local-fs/disk.ts';
import type { Watcher } from '../local-fs/watcher.ts';
import type { Connection } from './connection.ts';
import type { PairRecord } from './engine-parts.ts';
import type { IssueBoard } from './issue-board.ts';
import type { IssueCode } from './issue-codes.ts';
import type { PairSync } from './pair-sync.ts';
import type { Clock } from './ports.ts';
import type { QuotaWait } from './quota-wait.ts';
import type { Signal } from './signal.ts';

/** Half of a change is worth waiting for the other half. */
const DEBOUNCE_MS = 50;
const ROOT_RETRY_MS = 5000;
const FLUSH_MS = 10_000;
/** While content moves, commits become due with time. */
const COMMIT_LOOK_MS = 500;
/** While watches do not cover the folder, it is scanned this often. */
const UNWATCHED_SCAN_MS = 5 * 60_000;
/** All rows are held against each other at a scan that was asked for, and this often: half a second for 100,000. */
const COMPARE_MS = 3_600_000;

/** What may have become of what was not flushed: nothing since it was, or the engine alone ended, or the system did. */
type Trust = 'flushed' | 'killed' | 'power-lost';
/** Of a pair: the running of the system in which all of it was known to be on the disk, or in memory. */
const BOOT = 'boot';

export interface PairRunParts {
  readonly record: PairRecord;
  readonly sync: PairSync;
  readonly watcher: Watcher;
  readonly wake: Signal;
  /** Ends this pair alone. */
  readonly stop: AbortController;
  /** Of this pair's end or the engine's. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Names the running of the operating system. */
  readonly boot: string;
  readonly scanIntervalMs: number;
  readonly issues: IssueBoard;
  readonly quota: QuotaWait;
  readonly connection: Pick<Connection, 'isOnline' | 'hasCaughtUp'>;
  readonly isPaused: () => boolean;
  /** It did what it could for now. */
  readonly rested: () => void;
  readonly crashed: (error: unknown) => void;
}

export class PairRun {
  readonly record: PairRecord;
  readonly sync: PairSync;
  readonly #parts: PairRunParts;
  #nextScanMs = 0;
  #nextCompareMs = 0;
  #scanRequested = true;
  #scansDone = 0;
  #lastFlushMs: number;
  #isWatched = false;
  #wasReady = false;
  #isUnwatched = false;
  /** What an engine before this one had taken from its place may not be back there. */
  #mustRecover = true;
  /** What was applied may not have reached the disk. */
  #trust: Trust = 'flushed';
  /** It is woken when the commit under way is done. */
  #isFlushing = false;
  #done: Promise<void> = Promise.resolve();

  constructor(parts: PairRunParts) {
    this.#parts = parts;
    this.record = parts.record;
    this.sync = parts.sync;
    this.#lastFlushMs = parts.clock.monotonicMs();
  }

  wake(): void {
    this.#parts.wake.raise();
  }

  /** The whole folder is scanned at the next turn. */
  lookAnew(): void {
    this.sync.retryDelayed();
    this.sync.rootWrites.lookAnew();
    this.#scanRequested = true;
    this.wake();
  }

  get scansDone(): number {
    return this.#scansDone;
  }

  /** Whether whatever comes into the vault comes here. */
  get wantsAll(): boolean {
    const { paused, pair } = this.sync;
    return paused === null && pair.config.bound === ROOT_NODE && pair.deselected().size === 0;
  }

  /** Whether it can go on by itself now. */
  get isMoving(): boolean {
    const { sync } = this;
    if (sync.paused !== null || sync.vault.stopped !== null) return false;
    return (
      this.#scansDone === 0 ||
      this.#scanRequested ||
      sync.busy ||
      sync.vault.commits.hasWork ||
      sync.observer.hasHints ||
      // What depends on a held removal is ready and cannot move: a person decides.
      (!sync.isHolding && sync.hasReadyWork())
    );
  }

  /** @param wasClean whether the last engine ended in good order */
  start(wasClean: boolean): void {
    const { signal, crashed } = this.#parts;
    this.#done = this.#run(wasClean).catch((error: unknown) => {
      if (!signal.aborted) crashed(error);
    });
  }

  /** Nothing of it moves any more when this resolves. */
  async end(): Promise<void> {
    const { stop, watcher } = this.#parts;
    stop.abort(new Error('the pair ends'));
    await watcher.close(); // a start that takes long is not waited for
    await this.#done;
    await watcher.close();
  }

  async #run(wasClean: boolean): Promise<void> {
    const { clock, signal, wake, isPaused } = this.#parts;
    this.#trust = wasClean ? 'flushed' : this.#uncleanStop();
    if (wasClean) this.#trusted();
    const isStopped = (): boolean => signal.aborted;
    while (!isStopped()) {
      if (isPaused() || !this.#rootReady()) {
        wake.clear();
        await this.#rest(isPaused() ? null : ROOT_RETRY_MS);
        continue;
      }
      wake.clear();
      const outcome = await this.#tryTurn();
      if (isStopped()) return;
      if (outcome === 'disk-failed') await this.#rest(ROOT_RETRY_MS);
      else if (outcome === 'nothing-to-do') await this.#rest(this.#restMs());
      // A plan that gets nowhere must not keep sockets and timers waiting.
      else await clock.sleep(0, signal);
    }
  }

  async #tryTurn(): Promise<'worked' | 'nothing-to-do' | 'disk-failed'> {
    try {
      return (await this.#turn()) ? 'worked' : 'nothing-to-do';
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#diskFailed();
      return 'disk-failed';
    }
  }

  /** @throws DiskError when the disk itself fails, not just one file */
  async #turn(): Promise<boolean> {
    const { clock, signal, quota } = this.#parts;
    const { sync } = this;
    // Before any scan: what an interrupted replacement took from its place would look deleted.
    if (this.#mustRecover) {
      await sync.putBack();
      this.#mustRecover = false;
    }
    if (this.#trust !== 'flushed') {
      await sync.verifyUnsettled(this.#trust === 'power-lost', signal);
      if (signal.aborted) return false;
      this.#trusted();
    }
    // Before the scan that a person waits for: what is said of the folder is as it is now.
    sync.rootWrites.look();
    if (!this.#isWatched) await this.#watch();
    await this.#scanIfDue();
    if (signal.aborted) return false;
    if (!quota.isFull) sync.retryForRoom();
    const worked = this.#mayPlan() && (await sync.turn());
    await this.#commit();
    if (!worked) this.#tellWhetherItWaits();
    if (clock.monotonicMs() - this.#lastFlushMs > FLUSH_MS) await this.flush();
    return worked;
  }

  /** Since the folder was last trusted, the engine alone ended, or the system too. */
  #uncleanStop(): Trust {
    return this.sync.pair.meta(BOOT) === this.#parts.boot ? 'killed' : 'power-lost';
  }

  /** Only now: an engine that is killed before it has looked leaves as much to look at. */
  #trusted(): void {
    const { boot } = this.#parts;
    const { pair } = this.sync;
    this.#trust = 'flushed';
    if (pair.meta(BOOT) !== boot) pair.setMeta(BOOT, boot);
  }

  /**
   * Nothing is known of what was under way, nor whether the disk kept what it was given: everything is looked at
   * again, and what was not flushed before is verified, as after a loss of power.
   */
  #diskFailed(): void {
    const { record, sync } = this;
    sync.paused = 'root-unreadable';
    this.#parts.issues.raise(record.config.id, null, 'root-unreadable', record.config.folder);
    this.#mustRecover = true;
    this.#trust = 'power-lost';
    sync.pair.setMeta(BOOT, null);
    this.#scanRequested = true;
  }

  /** Before the scan: what changes after it is hinted, and what changed before it is found. */
  async #watch(): Promise<void> {
    const { watcher, record, clock, issues } = this.#parts;
    this.#isWatched = true;
    this.#isUnwatched = false;
    await watcher.close();
    // Said by an engine before this one; it is said again when it is so.
    issues.clear(record.config.id, null, 'watch-limit');
    const { observer } = this.sync;
    await watcher.start(record.config.folder, {
      onHint: (hint) => {
        if (typeof hint === 'string') observer.hint(hint);
        else observer.hintEverything();
        this.wake();
      },
      onTrouble: (trouble) => {
        this.#isUnwatched = true;
        this.#nextScanMs = Math.min(this.#nextScanMs, clock.monotonicMs() + UNWATCHED_SCAN_MS);
        if (trouble === 'watch-limit') issues.raise(record.config.id, null, 'watch-limit', '');
        observer.hintEverything();
        this.wake();
      },
    });
  }

  /** Whether the folder is there and is the pair's own; an issue and no syncing when it is not. */
  #rootReady(): boolean {
    const { sync, record } = this;
    const { issues, connection } = this.#parts;
    const { config } = record;
    const check = sync.disk.check(false);
    const isBoundGone =
      config.bound !== ROOT_NODE && connection.hasCaughtUp && !sync.vault.reaches(config.bound);
    if (check.state === 'ok' && !isBoundGone) {
      if (sync.paused !== null || !this.#wasReady) {
        // The engine before this one may have ended while it was away.
        this.#wasReady = true;
        sync.paused = null;
        // Another disk may have been mounted there: what was watched is not what is there.
        this.#isWatched = false;
        for (const code of ROOT_ISSUES) issues.clear(config.id, null, code);
        sync.observer.hintEverything();
      }
      return true;
    }
    const code: IssueCode = isBoundGone ? 'bound-gone' : rootIssue(check.state);
    if (sync.paused !== code) {
      sync.paused = code;
      issues.raise(config.id, null, code, config.folder);
    }
    return false;
  }

  async #scanIfDue(): Promise<void> {
    const { clock, scanIntervalMs, signal } = this.#parts;
    const isDue = (): boolean => this.#scanRequested || clock.monotonicMs() >= this.#nextScanMs;
    if (!isDue() && !this.sync.observer.hasHints) return;
    if (!this.#scanRequested && this.#scansDone > 0) await clock.sleep(DEBOUNCE_MS, signal);
    // A whole scan may have been asked for meanwhile.
    const everything = isDue();
    const nowMs = clock.monotonicMs();
    const compares = everything && (this.#scanRequested || nowMs >= this.#nextCompareMs);
    if (compares) this.#nextCompareMs = nowMs + COMPARE_MS;
    this.#scanRequested = false;
    const outcome = await this.sync.scan(everything, compares);
    if (outcome.outcome === 'stopped') {
      this.#scanRequested = true;
      return;
    }
    this.#scansDone += 1;
    if (!everything) return;
    const interval = this.#isUnwatched ? Math.min(UNWATCHED_SCAN_MS, scanIntervalMs) : scanIntervalMs;
    this.#nextScanMs = clock.monotonicMs() + interval;
  }

  /** Before the log was read once, planning would upload what is already there. */
  #mayPlan(): boolean {
    const { connection } = this.#parts;
    if (this.#scansDone === 0 || !connection.hasCaughtUp || !connection.isOnline) return false;
    return this.sync.vault.stopped === null;
  }

  /** After a turn that found nothing to do. */
  #tellWhetherItWaits(): void {
    const { quota, record } = this.#parts;
    const { sync } = this;
    if (quota.state === null || sync.busy || sync.vault.commits.hasWork) return;
    if (sync.isSettled || (quota.isTrying && this.#mayPlan())) quota.waitsNoMore(record.config.id);
  }

  async #commit(): Promise<void> {
    const { commits } = this.sync.vault;
    if (!this.#parts.connection.isOnline || !commits.isDue) return;
    const flushed = commits.flush();
    // The lanes go on meanwhile; only a settled pair waits for its commit.
    if (!this.sync.busy) await flushed;
    else if (!this.#isFlushing) {
      this.#isFlushing = true;
      void flushed.then(() => {
        this.#isFlushing = false;
        this.wake();
      });
    }
  }

  /** Puts what was applied on stable storage; only then is it settled. */
  async flush(): Promise<void> {
    this.#lastFlushMs = this.#parts.clock.monotonicMs();
    await this.sync.flush();
  }

  #restMs(): number {
    const { clock, quota } = this.#parts;
    const { sync } = this;
    const waits = [this.#nextScanMs - clock.monotonicMs()];
    const release = sync.pair.nextRelease();
    if (release !== null && release < Number.MAX_SAFE_INTEGER) waits.push(release - clock.nowMs());
    if (sync.busy || sync.vault.commits.hasWork) waits.push(COMMIT_LOOK_MS);
    if (sync.pair.unsettled(1).length > 0) waits.push(FLUSH_MS);
    if (quota.isFull) waits.push(quota.waitMs);
    if (sync.rootWrites.isRefused) waits.push(ROOT_RETRY_MS);
    return Math.max(5, Math.min(...waits));
  }

  /** @param ms null: until it is woken */
  async #rest(ms: number | null): Promise<void> {
    const { clock, signal, wake, rested } = this.#parts;
    rested();
    if (ms === null) {
      await wake.wait(signal);
      return;
    }
    const timer = new AbortController();
    await Promise.race([wake.wait(signal), clock.sleep(ms, AbortSignal.any([timer.signal, signal]))]);
    timer.abort();
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
