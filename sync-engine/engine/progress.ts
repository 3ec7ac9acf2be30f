/** What the engine says of itself: its state, what is pending, and when everything agrees. */
import type { PairId } from '../manifest/manifest.ts';
import type { BadAnswers } from './bad-answers.ts';
import type { Connection } from './connection.ts';
import type { IssueBoard } from './issue-board.ts';
import type { PairRun } from './pair-run.ts';
import type { Clock } from './ports.ts';
import type { QuotaWait } from './quota-wait.ts';
import { Signal } from './signal.ts';
import type { TimeLeft } from './time-left.ts';
import type { Traffic } from './traffic.ts';
import type { Vaults } from './vaults.ts';

export type SyncState = 'idle' | 'syncing' | 'paused' | 'offline' | 'attention' | 'quota';

export type WaitOutcome = 'in-sync' | 'out-of-sync' | 'quota' | 'timeout';

/** Not everything that ends a wait raises the signal. */
const LOOK_MS = 250;

export interface ProgressParts {
  readonly pairs: ReadonlyMap<PairId, PairRun>;
  readonly vaults: Vaults;
  readonly connection: Connection;
  readonly quota: QuotaWait;
  readonly issues: IssueBoard;
  readonly badAnswers: BadAnswers;
  readonly traffic: Traffic;
  readonly timeLeft: TimeLeft;
  readonly clock: Clock;
  readonly changed: Signal;
  readonly signal: AbortSignal;
  readonly isPaused: () => boolean;
}

export class Progress {
  readonly #parts: ProgressParts;

  constructor(parts: ProgressParts) {
    this.#parts = parts;
  }

  state(): SyncState {
    const { pairs, vaults, connection, quota, issues, badAnswers, isPaused } = this.#parts;
    if (isPaused()) return 'paused';
    if (quota.state !== null) return 'quota';
    if (!connection.isOnline && (badAnswers.isRaised || vaults.refusesChain)) return 'attention';
    if (!connection.isOnline) return !connection.hasCaughtUp && connection.isOpening ? 'syncing' : 'offline';
    const runs = [...pairs.values()];
    if (this.#isMoving) return 'syncing';
    if (issues.hasObstacles) return 'attention';
    return runs.every((run) => run.sync.isSettled) ? 'idle' : 'syncing';
  }

  get #isMoving(): boolean {
    return [...this.#parts.pairs.values()].some((run) => run.isMoving);
  }

  pending(): { files: number; bytes: number } {
    let files = 0;
    let bytes = 0;
    for (const run of this.#parts.pairs.values()) {
      const pending = run.sync.pair.pending();
      files += pending.files;
      bytes += pending.bytes;
    }
    return { files, bytes };
  }

  /** Null while it is not known: when nothing moves, and during a first scan, which finds ever more. */
  secondsLeft(): number | null {
    const { pairs, timeLeft } = this.#parts;
    if (this.state() !== 'syncing') return null;
    if ([...pairs.values()].some((run) => run.scansDone === 0)) return null;
    return timeLeft.seconds(this.pending());
  }

  counters(): Record<string, number> {
    const { pairs, vaults, traffic } = this.#parts;
    const counters: Record<string, number> = {
      bytesUp: traffic.upRate.total,
      bytesDown: traffic.downRate.total,
    };
    const add = (each: object): void => {
      for (const [name, value] of Object.entries(each) as [string, number][])
        counters[name] = (counters[name] ?? 0) + value;
    };
    for (const run of pairs.values()) add(run.sync.counters);
    for (const vault of vaults.all()) add(vault.log.counters);
    return counters;
  }

  /** A fresh scan and a fresh look at the log, then waits until everything agrees or cannot. */
  async wait(timeoutMs: number | null, signal: AbortSignal): Promise<WaitOutcome> {
    const { pairs, vaults, connection, badAnswers, clock, changed, isPaused, signal: stop } = this.#parts;
    const deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + timeoutMs;
    const before = new Map<PairId, number>();
    for (const [id, run] of pairs) {
      before.set(id, run.scansDone);
      run.lookAnew();
    }
    // Not awaited: a server that does not answer must not outlast the time that is given.
    const pull = { isDone: false, hasFailed: false, isUnderWay: false, ended: new Signal() };
    const catchUp = async (): Promise<void> => {
      pull.isUnderWay = true;
      pull.isDone = await connection.catchUp();
      pull.hasFailed ||= !pull.isDone;
      pull.isUnderWay = false;
      pull.ended.raise();
    };
    for (;;) {
      signal.throwIfAborted();
      if (clock.monotonicMs() > deadline) return 'timeout';
      if (connection.isOnline && !pull.isDone && !pull.isUnderWay && !isPaused()) void catchUp();
      // A look of its own may find that all is well again.
      const hasLooked = pull.hasFailed || pull.isDone || !connection.isOnline;
      if (hasLooked && (badAnswers.isRaised || vaults.refusesChain)) return 'out-of-sync';
      const scanned = [...pairs].every(
        ([id, run]) => run.scansDone > (before.get(id) ?? -1) || run.sync.paused !== null,
      );
      if (pull.isDone && scanned) {
        const state = this.state();
        if (state === 'idle') return 'in-sync';
        // What needs no room goes on meanwhile.
        if (state === 'quota' && !this.#isMoving) return 'quota';
        if (state === 'attention') return 'out-of-sync';
      }
      const timer = new AbortController();
      const ms = Math.max(1, Math.min(LOOK_MS, deadline - clock.monotonicMs()));
      await Promise.race([
        changed.next(signal),
        clock.sleep(ms, AbortSignal.any([timer.signal, signal, stop])),
        ...(pull.isUnderWay ? [pull.ended.next(signal)] : []),
      ]);
      timer.abort();
      if (stop.aborted) throw stop.reason;
    }
  }
}
