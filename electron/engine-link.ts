/** The connection to the engine as the rest of the app sees it: one that is there, soon there, or failed. */
import type { EngineProcess } from '../protocol/app.ts';
import type { BroadcastEvent, ControlMethod, ControlParams, ControlResult } from '../protocol/control.ts';
import type { Status } from '../protocol/control-shapes.ts';
import { PersonError } from '../protocol/errors.ts';
import type { CallOptions, ControlClient } from '../sync-engine/client/client.ts';

/** Calls made while the engine starts wait for it this long. */
const WAITING_MS = 30_000;

export class EngineLink {
  #client: ControlClient | null = null;
  #process: EngineProcess = { state: 'starting', error: null };
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<(event: BroadcastEvent) => void>();
  /** As last heard; null until the first one, and while no engine runs. */
  #status: Status | null = null;

  get status(): Status | null {
    return this.#status;
  }

  onEvent(listener: (event: BroadcastEvent) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Of the supervisor. `open` unlocks the device where it can, before anybody is told how it stands or may call:
   * a lock that opens by itself is nothing to tell.
   */
  async connected(client: ControlClient, open: (client: ControlClient) => Promise<void>): Promise<void> {
    await client.subscribe(['status', 'activity', 'issues'], (event) => {
      if (this.#client === client) this.#tell(event);
    });
    if ((await client.call('status', {})).state === 'locked') await open(client);
    const status = await client.call('status', {});
    this.#client = client;
    this.#tell({ event: 'status', data: status });
    this.#release();
  }

  gone(): void {
    this.#client = null;
    this.#status = null;
  }

  processChanged(process: EngineProcess): void {
    this.#process = process;
    if (process.state === 'failed') this.#release();
  }

  /** @throws PersonError as the method states, and with why the engine failed */
  async call<M extends ControlMethod>(
    method: M,
    params: ControlParams<M>,
    options: CallOptions = {},
  ): Promise<ControlResult<M>> {
    if (this.#client === null && this.#process.state !== 'failed') await this.#soon();
    if (this.#client !== null) return this.#client.call(method, params, options);
    const { error } = this.#process;
    throw error === null
      ? new PersonError('engine-not-running', 'the sync engine is still starting', 'Wait a moment.')
      : new PersonError(error.code, error.message, error.hint);
  }

  #soon(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(late);
        this.#waiting.delete(done);
        resolve();
      };
      const late = setTimeout(done, WAITING_MS);
      this.#waiting.add(done);
    });
  }

  #release(): void {
    for (const done of [...this.#waiting]) done();
  }

  #tell(event: BroadcastEvent): void {
    if (event.event === 'status') this.#status = event.data;
    for (const listener of this.#listeners) listener(event);
  }
}
