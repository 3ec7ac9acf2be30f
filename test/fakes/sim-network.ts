/**
 * The line between a simulated device and the simulated server: delays, requests that never arrive, answers
 * lost after the server applied the request, requests that arrive twice, pushes that come late or not at all.
 * All of it from one seeded source and one clock, so that a run can be repeated.
 */
import type { Clock } from '../../sync-engine/engine/ports.ts';
import { CloudError } from '../../sync-engine/remote/cloud.ts';

/** Each a probability in [0, 1]. */
export interface NetworkFaults {
  readonly requestLost: number;
  /** The server applied it; the device hears nothing. */
  readonly answerLost: number;
  readonly duplicated: number;
  readonly pushLost: number;
  /** A push ends the event connection in its place. */
  readonly pushCuts: number;
}

export interface NetworkDelays {
  readonly leastMs: number;
  readonly mostMs: number;
  /** Until a lost request or answer is given up. */
  readonly timeoutMs: number;
}

export const NO_FAULTS: NetworkFaults = {
  requestLost: 0,
  answerLost: 0,
  duplicated: 0,
  pushLost: 0,
  pushCuts: 0,
};

export interface SimNetworkOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** In [0, 1), seeded. */
  readonly fraction: () => number;
  readonly faults?: NetworkFaults;
  readonly delays?: NetworkDelays;
}

export type PushFate = 'arrives' | 'lost' | 'cuts';

export class SimNetwork {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #fraction: () => number;
  /** May be changed while the simulation runs. */
  faults: NetworkFaults;
  delays: NetworkDelays;
  #online = true;
  readonly #wentOffline = new Set<() => void>();
  /** Requests that reached the server, for benches of round trips. */
  requests = 0;

  constructor({ clock, fraction, faults = NO_FAULTS, delays }: SimNetworkOptions) {
    this.#clock = clock;
    this.#fraction = fraction;
    this.faults = faults;
    this.delays = delays ?? { leastMs: 0, mostMs: 0, timeoutMs: 1000 };
  }

  get online(): boolean {
    return this.#online;
  }

  /** Going offline ends event connections at once and fails what is under way. */
  set online(online: boolean) {
    this.#online = online;
    if (online) return;
    for (const told of [...this.#wentOffline]) told();
  }

  /** Calls back each time the line goes down, until the returned function is called. */
  onOffline(told: () => void): () => void {
    this.#wentOffline.add(told);
    return () => this.#wentOffline.delete(told);
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#fraction() < probability;
  }

  #fails(probability: number): boolean {
    return !this.#online || this.#chance(probability);
  }

  /** One way. */
  async delay(): Promise<void> {
    const { leastMs, mostMs } = this.delays;
    const ms = mostMs > 0 ? leastMs + this.#fraction() * (mostMs - leastMs) : 0;
    if (ms > 0) await this.#clock.sleep(ms);
  }

  /** A request and its answer. @throws CloudError offline, or what the server throws */
  async exchange<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#fails(0)) throw offline();
    await this.delay();
    if (this.#fails(this.faults.requestLost)) await this.#giveUp();
    signal?.throwIfAborted();
    this.requests += 1;
    const answer = await settled(work());
    if (this.#chance(this.faults.duplicated)) await settled(work());
    await this.delay();
    if (this.#fails(this.faults.answerLost)) await this.#giveUp();
    signal?.throwIfAborted();
    if (!answer.ok) throw answer.error;
    return answer.value;
  }

  async #giveUp(): Promise<never> {
    await this.#clock.sleep(this.delays.timeoutMs);
    throw offline();
  }

  pushFate(): PushFate {
    if (this.#chance(this.faults.pushLost)) return 'lost';
    return this.#chance(this.faults.pushCuts) ? 'cuts' : 'arrives';
  }
}

type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

async function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error };
  }
}

function offline(): CloudError {
  return new CloudError('offline', 'the simulated line is down');
}
