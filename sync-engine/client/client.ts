/** A connection to the engine of one home: typed calls and events. The only way in for the command line and the app. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  answerFrameSchema,
  connectionMethods,
  controlEvents,
  controlMethods,
  eventFrameSchema,
  type BroadcastEvent,
  type ControlEventData,
  type ControlMethod,
  type ControlParams,
  type ControlResult,
} from '../../protocol/control.ts';
import { checkPrivateFolder, type ControlEndpoint } from '../../protocol/control-endpoint.ts';
import { encodeFrame, FrameReader } from '../../protocol/control-frames.ts';
import { PersonError } from '../../protocol/errors.ts';
import { CONTROL_VERSION } from '../../protocol/version.ts';

export interface CallOptions {
  /** Aborting cancels the call in the engine; the call then rejects with the engine's error. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ControlEventData<'progress'>) => void) | undefined;
}

interface OpenCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
  readonly onProgress: CallOptions['onProgress'];
}

export class ControlClient {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, OpenCall>();
  readonly #listeners = new Set<(event: BroadcastEvent) => void>();
  #nextId = 1;
  #engine = { version: 0, engineVersion: '', pid: 0 };
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        const gone = new PersonError(
          'engine-not-running',
          'the engine ended the connection',
          'Look at coffre status, then try again.',
        );
        for (const call of this.#calls.values()) call.reject(gone);
        this.#calls.clear();
        resolve();
      });
    });
    socket.on('error', () => socket.destroy()); // `close` follows and ends the calls
    socket.on('data', (bytes) => this.#onData(bytes));
  }

  /** Of the engine, from its greeting. */
  get engine(): { readonly version: number; readonly engineVersion: string; readonly pid: number } {
    return this.#engine;
  }

  /** Before anything else. @throws PersonError('engine-running') when the engine is of another version */
  async hello(token: string | null): Promise<void> {
    const params = { version: CONTROL_VERSION, ...(token === null ? {} : { token }) };
    this.#engine = connectionMethods.hello.result.parse(await this.#send('hello', params, {}));
  }

  /** @throws PersonError as the method states, and 'engine-not-running' when the connection goes */
  async call<M extends ControlMethod>(
    method: M,
    params: ControlParams<M>,
    options: CallOptions = {},
  ): Promise<ControlResult<M>> {
    const result = await this.#send(method, params, options);
    return controlMethods[method].result.parse(result) as ControlResult<M>;
  }

  /** Calls the listener for those events from now on. One subscription a connection. */
  async subscribe(
    events: readonly BroadcastEvent['event'][],
    listener: (event: BroadcastEvent) => void,
  ): Promise<void> {
    this.#listeners.clear();
    this.#listeners.add(listener);
    await this.#send('subscribe', { events }, {});
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  async #send(method: string, params: unknown, options: CallOptions): Promise<unknown> {
    const id = this.#nextId++;
    const frame = encodeFrame({ id, method, params });
    if (frame === null) throw new PersonError('bad-input', 'the request is too large', '');
    if (this.#socket.destroyed) {
      throw new PersonError('engine-not-running', 'the engine has gone', 'Run coffre start.');
    }
    const { signal, onProgress } = options;
    const cancel = () => void this.#send('cancel', { request: id }, {}).catch(() => undefined); // gone: nothing runs
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, onProgress });
    });
    this.#socket.write(frame);
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #onData(bytes: Buffer): void {
    try {
      for (const frame of this.#reader.push(bytes)) this.#onFrame(frame);
    } catch {
      this.#socket.destroy(); // not an engine of ours; the open calls are told
    }
  }

  #onFrame(frame: unknown): void {
    const event = eventFrameSchema.safeParse(frame);
    if (event.success) {
      this.#onEvent(event.data.event, event.data.data);
      return;
    }
    const answer = answerFrameSchema.parse(frame);
    const call = this.#calls.get(answer.id);
    this.#calls.delete(answer.id);
    if ('error' in answer) {
      call?.reject(new PersonError(answer.error.code, answer.error.message, answer.error.hint));
    } else call?.resolve(answer.result);
  }

  #onEvent(name: string, data: unknown): void {
    if (name === 'progress') {
      const progress = controlEvents.progress.parse(data);
      this.#calls.get(progress.request)?.onProgress?.(progress);
      return;
    }
    if (name !== 'status' && name !== 'activity' && name !== 'issues') return; // of a newer engine
    const event = { event: name, data: controlEvents[name].parse(data) } as BroadcastEvent;
    for (const listener of this.#listeners) listener(event);
  }
}

/** Null when nobody listens there. @throws PersonError('engine-running', 'home-damaged', 'refused') */
export async function connectIfRunning(endpoint: ControlEndpoint): Promise<ControlClient | null> {
  const socket = await openSocket(endpoint);
  if (socket === null) return null;
  const client = new ControlClient(socket);
  try {
    await greet(client, endpoint);
    return client;
  } catch (error) {
    await client.close();
    // It was on its way out.
    if (error instanceof PersonError && error.code === 'engine-not-running') return null;
    throw error;
  }
}

async function openSocket(endpoint: ControlEndpoint): Promise<Socket | null> {
  try {
    await checkPrivateFolder(endpoint.folder);
    const socket = connectSocket(endpoint.address);
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The last: it took the connection and ended.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') return null;
    throw error;
  }
}

/**
 * Ends an engine, of whatever version it is, and resolves when its process has gone (of another version: its
 * socket). True when there was one. @throws PersonError('failed') when it does not go
 */
export async function stopEngine(endpoint: ControlEndpoint, patienceMs = 60_000): Promise<boolean> {
  const socket = await openSocket(endpoint);
  if (socket === null) return false;
  const client = new ControlClient(socket);
  try {
    await greet(client, endpoint, patienceMs).catch((error: unknown) => {
      if (!(error instanceof PersonError && error.code === 'engine-running')) throw error;
    });
    await withinPatience(client.call('stop', {}), patienceMs);
    await withinPatience(client.closed, patienceMs);
  } catch (error) {
    if (!(error instanceof PersonError && error.code === 'engine-not-running')) throw error;
  } finally {
    await client.close();
  }
  const deadline = performance.now() + patienceMs;
  while (client.engine.pid !== 0 && isRunning(client.engine.pid)) {
    if (performance.now() > deadline) {
      throw new PersonError('failed', 'the engine does not end', `End process ${client.engine.pid}.`);
    }
    await delay(20); // not a child of this process: its end is no event here
  }
  return true;
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false; // the engine of a test
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** An engine that is stuck accepts connections and answers nothing. */
const GREETING_MS = 60_000;

async function greet(
  client: ControlClient,
  endpoint: ControlEndpoint,
  patienceMs = GREETING_MS,
): Promise<void> {
  const token = endpoint.tokenFile === null ? null : await readFile(endpoint.tokenFile, 'utf8');
  await withinPatience(client.hello(token), patienceMs);
}

async function withinPatience<T>(work: Promise<T>, patienceMs: number): Promise<T> {
  work.catch(() => undefined); // it may fail after nobody waits any more
  const late = new AbortController();
  const timeout = delay(patienceMs, undefined, { signal: late.signal }).then(() => {
    throw new PersonError(
      'failed',
      'the engine runs but does not answer',
      'Wait a moment; if it stays so, end its process and run coffre start.',
    );
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    late.abort();
    timeout.catch(() => undefined);
  }
}
