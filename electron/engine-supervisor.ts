/**
 * Keeps the engine of this home running: finds it or starts it, starts it again after a crash with growing
 * pauses, and says `failed` only when that does not help. An engine that somebody else started (the command
 * line) is used, and left running at the end.
 */
import { controlErrorSchema, type ControlError } from '../protocol/control.ts';
import { PersonError } from '../protocol/errors.ts';
import type { EngineProcess } from '../protocol/app.ts';
import type { ProgramEnd, ProgramProcess } from '../programs/program.ts';
import type { ControlClient } from '../sync-engine/client/client.ts';

export interface SupervisorPorts {
  /** Null when no engine listens. @throws PersonError */
  connect(): Promise<ControlClient | null>;
  start(): ProgramProcess;
  /** Ends when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  nowMs(): number;
}

export interface SupervisorHooks {
  /** Never for a crash that is over before anybody could look. */
  readonly changed: (state: EngineProcess) => void;
  /** An engine answers. Resolves when it may be used. */
  readonly connected: (client: ControlClient) => Promise<void>;
  readonly gone: () => void;
}

const POLL_MS = 25;
const STARTING_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** So many crashes within so long are told to the person. */
const CRASHES = 3;
const CRASH_WINDOW_MS = 60_000;
/** While it is told, it is still tried now and then. */
const FAILED_PAUSE_MS = 60_000;
/** Its journal is flushed within this, or it hangs. */
const STOPPING_MS = 15_000;

const REPEATED: ControlError = {
  code: 'engine-not-running',
  message: 'the engine ended several times within a minute',
  hint: 'Start it again; if it stays so, restart the computer and report it.',
};

export class EngineSupervisor {
  readonly #ports: SupervisorPorts;
  readonly #hooks: SupervisorHooks;
  readonly #stopping = new AbortController();
  #wake = new AbortController();
  #state: EngineProcess = { state: 'starting', error: null };
  #crashesMs: number[] = [];
  /** The process this one started; null for an engine that was found. */
  #own: ProgramProcess | null = null;
  #client: ControlClient | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: SupervisorPorts, hooks: SupervisorHooks) {
    this.#ports = ports;
    this.#hooks = hooks;
  }

  get state(): EngineProcess {
    return this.#state;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** After `failed`: tries at once, with a clean slate. */
  restart(): EngineProcess {
    if (this.#state.state !== 'failed') return this.#state;
    this.#crashesMs = [];
    this.#set({ state: 'starting', error: null });
    this.#wake.abort();
    return this.#state;
  }

  /** Ends the engine in good order when it is this one's, and resolves when it has gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    const [own, client] = [this.#own, this.#client];
    if (own !== null) {
      if (client === null) own.stop();
      // An engine that hangs or is gone does not answer.
      else
        await this.#atMost(
          STOPPING_MS,
          client.call('stop', {}).catch(() => own.stop()),
        );
      if (!(await this.#atMost(STOPPING_MS, own.ended))) own.kill();
      await own.ended;
    }
    await client?.close();
    await this.#running;
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping()) {
      const error = await this.#once();
      if (this.#isStopping()) return;
      await this.#pause(error);
    }
  }

  /** One life of an engine. Null when it ended in good order, or was of somebody else. */
  async #once(): Promise<ControlError | null> {
    let client: ControlClient | null;
    try {
      client = await this.#reach();
    } catch (error) {
      if (!(error instanceof PersonError)) throw error;
      return { code: error.code, message: error.message, hint: error.hint };
    }
    if (client === null) return null;
    this.#client = client;
    try {
      await this.#hooks.connected(client);
      if (!this.#isStopping()) this.#set({ state: 'running', error: null });
      await client.closed;
    } catch (error) {
      // Gone while it was being greeted.
      if (!(error instanceof PersonError)) throw error;
      await client.close();
    }
    this.#client = null;
    this.#hooks.gone();
    const own = this.#own;
    if (own === null) return null;
    // Its socket closes before its process ends.
    if (!(await this.#atMost(STOPPING_MS, own.ended))) own.kill();
    const end = await own.ended;
    this.#own = null;
    return end.code === 0 ? null : errorOfEnd(end);
  }

  /** @throws PersonError with what a starting engine said last */
  async #reach(): Promise<ControlClient | null> {
    const found = await this.#ports.connect();
    if (found !== null) return found;
    const own = this.#ports.start();
    this.#own = own;
    let end: ProgramEnd | null = null;
    void own.ended.then((ended) => (end = ended));
    const deadlineMs = this.#ports.nowMs() + STARTING_MS;
    const ended = (): ProgramEnd | null => end; // it changes while this one waits
    while (!this.#isStopping()) {
      const client = await this.#ports.connect();
      if (client !== null) {
        // Another program may have been faster: then this one's engine is on its way out.
        if (client.engine.pid !== own.pid) this.#own = null;
        return client;
      }
      const last = ended();
      if (last !== null) {
        this.#own = null;
        const error = errorOfEnd(last);
        throw new PersonError(error.code, error.message, error.hint);
      }
      if (this.#ports.nowMs() > deadlineMs) {
        own.kill();
        await own.ended;
        this.#own = null;
        throw new PersonError(
          'engine-not-running',
          'the engine was started but does not answer',
          REPEATED.hint,
        );
      }
      await this.#ports.sleep(POLL_MS, this.#stopping.signal);
    }
    return null;
  }

  async #pause(error: ControlError | null): Promise<void> {
    const nowMs = this.#ports.nowMs();
    if (error !== null && error.code !== 'engine-running') {
      this.#crashesMs = [...this.#crashesMs.filter((atMs) => nowMs - atMs < CRASH_WINDOW_MS), nowMs];
    }
    const crashes = this.#crashesMs.length;
    // What the engine itself says (a damaged home) does not get better by trying; a bare crash may.
    const isFinal = error !== null && error.code !== 'engine-not-running' && error.code !== 'engine-running';
    this.#wake = new AbortController();
    if (error !== null && (isFinal || crashes >= CRASHES)) {
      this.#set({ state: 'failed', error: isFinal ? error : REPEATED });
      await this.#ports.sleep(FAILED_PAUSE_MS, this.#wake.signal);
      return;
    }
    if (this.#state.state === 'running') this.#set({ state: 'starting', error: null });
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, crashes - 1));
    await this.#ports.sleep(pauseMs, this.#wake.signal);
  }

  #set(state: EngineProcess): void {
    this.#state = state;
    this.#hooks.changed(state);
  }

  /** False when it took longer. */
  async #atMost(ms: number, work: Promise<unknown>): Promise<boolean> {
    const late = new AbortController();
    const timeout = this.#ports.sleep(ms, late.signal).then(() => false);
    const inTime = await Promise.race([work.then(() => true), timeout]);
    late.abort();
    return inTime;
  }
}

/** The engine's last words: `{"error":{code,message,hint}}`, or whatever a crash left. */
function errorOfEnd({ lastWords }: ProgramEnd): ControlError {
  try {
    const { error } = JSON.parse(lastWords.split('\n').at(-1) ?? '') as { error: unknown };
    return controlErrorSchema.parse(error);
  } catch {
    return REPEATED;
  }
}
