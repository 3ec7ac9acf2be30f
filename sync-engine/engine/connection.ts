/**
 * The device's connection: a socket for events, everything read anew whenever it opens and now and then while
 * it is open, and another try with back-off when it ends.
 */
import type { CloudEvent } from '../../protocol/pages.ts';
import { BackOff } from '../remote/back-off.ts';
import { CloudError, type Cloud, type CloudEvents } from '../remote/cloud.ts';
import type { Clock, RandomSource } from './ports.ts';
import { Signal } from './signal.ts';

/** A poll now and then repairs what an event that never came left behind. */
const POLL_MS = 60_000;
const FIRST_RETRY_MS = 500;
const MOST_RETRY_MS = 30_000;
/** A server may send a device on at once that often; one that does it more often is one that cannot be used. */
const PROMPT_EVERY_MS = 5000;

export interface ConnectionParts {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
  readonly isPaused: () => boolean;
  /** Raised when the pause ends, among other things. */
  readonly changed: Signal;
  readonly hooks: {
    event(event: CloudEvent): void;
    /** Reads everything anew; false when what came cannot be relied on. @throws CloudError */
    catchUp(): Promise<boolean>;
    lost(fault: string): void;
    turned(online: boolean): void;
    crashed(error: unknown): void;
  };
}

export class Connection {
  readonly #parts: ConnectionParts;
  #events: CloudEvents | null = null;
  /** Ends the wait for the open connection's end: one closed from here tells nobody. */
  #over: (() => void) | null = null;
  #isOnline = false;
  #hasCaughtUp = false;
  #promptAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Whether the account was read to its end since the engine started. */
  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  get isOpening(): boolean {
    return !this.#isOnline && this.#events !== null;
  }

  /** Until the signal aborts. */
  async stay(): Promise<void> {
    const { cloud, clock, random, changed, signal, isPaused, hooks } = this.#parts;
    const backOff = new BackOff({
      fraction: () => random.fraction(),
      firstMs: FIRST_RETRY_MS,
      mostMs: MOST_RETRY_MS,
    });
    const isResting = (): boolean => signal.aborted || isPaused();
    while (!signal.aborted) {
      if (isPaused()) {
        await changed.next(signal);
        continue;
      }
      const lost = new Signal();
      const ended: { fault: string | null } = { fault: null };
      const opened = new Signal();
      this.#over = () => {
        opened.raise();
        lost.raise();
      };
      this.#events = cloud.events({
        event: (event) => {
          hooks.event(event);
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
      if (!lost.isRaised && !isResting() && (await this.catchUp())) {
        backOff.succeeded();
        await this.#whileOpen(lost);
      }
      this.#events.close();
      this.#events = null;
      if (ended.fault === 'restarting' && !isResting() && this.#isPrompt()) continue;
      if (ended.fault !== null) hooks.lost(ended.fault);
      this.#turn(false);
      if (isResting()) continue;
      await clock.sleep(backOff.next(), signal);
    }
  }

  /** Another node takes over at once: nobody is told of it unless that fails. */
  #isPrompt(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#promptAtMs < PROMPT_EVERY_MS) return false;
    this.#promptAtMs = nowMs;
    return true;
  }

  async #whileOpen(lost: Signal): Promise<void> {
    const { clock, signal, isPaused } = this.#parts;
    const isOver = (): boolean => lost.isRaised || signal.aborted || isPaused();
    while (!isOver()) {
      const timer = new AbortController();
      await Promise.race([lost.wait(signal), clock.sleep(POLL_MS, AbortSignal.any([timer.signal, signal]))]);
      timer.abort();
      if (isOver() || !(await this.catchUp())) return;
    }
  }

  /** Reads everything anew. False when the server cannot be used now. */
  async catchUp(): Promise<boolean> {
    const { hooks } = this.#parts;
    try {
      if (!(await hooks.catchUp())) return false;
      this.#hasCaughtUp = true;
      this.#turn(true);
      return true;
    } catch (error) {
      if (error instanceof CloudError) this.failed(error);
      else hooks.crashed(error);
      return false;
    }
  }

  /** A request found the server unusable. The socket may not have noticed: the connection begins anew. */
  failed(error: CloudError): void {
    this.#parts.hooks.lost(error.fault);
    this.#turn(false);
    this.close();
  }

  /** The open connection ends; a new one is opened unless the engine rests. */
  close(): void {
    this.#events?.close();
    this.#over?.();
  }

  #turn(online: boolean): void {
    if (this.#isOnline === online) return;
    this.#isOnline = online;
    this.#parts.hooks.turned(online);
  }
}
