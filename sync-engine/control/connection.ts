/** One client of the control socket. Everything it can make grow has a bound; beyond it the client is dropped. */
import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  connectionMethods,
  controlEvents,
  requestFrameSchema,
  type BroadcastEvent,
  type ConnectionMethods,
  type RequestFrame,
} from '../../protocol/control.ts';
import type { Progress } from '../../protocol/control-shapes.ts';
import { encodeFrame, FrameError, FrameReader } from '../../protocol/control-frames.ts';
import { PersonError } from '../../protocol/errors.ts';
import { CONTROL_VERSION } from '../../protocol/version.ts';
import { answerCall, describeIssue, errorFrame, frameWithFewerIssues, type OnDefect } from './answer.ts';
import type { EngineFacade } from './facade.ts';

const MAX_CALLS = 64;
/** Answers and events that the client has not read. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** Activity rows waiting for a client that reads slowly. */
const MAX_WAITING_ROWS = 1000;

export interface ConnectionOptions {
  readonly facade: EngineFacade;
  readonly engineVersion: string;
  /** What `hello` must carry, null where the file system guards the socket. */
  readonly token: string | null;
  readonly onDefect: OnDefect;
}

type Greeted = 'no' | 'other-version' | 'yes';

export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, { abort: AbortController; done: Promise<void> }>();
  #greeted: Greeted = 'no';
  #subscribed: ReadonlySet<string> = new Set();
  /** Snapshots that wait for the client to read, the latest of each kind. */
  readonly #waiting = new Map<string, string>();
  #waitingRows: unknown[] = [];
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const call of this.#calls.values()) call.abort.abort();
        resolve();
      });
    });
    socket.on('error', () => socket.destroy()); // a client that vanished; `close` follows
    socket.on('drain', () => this.#flushWaiting());
    socket.on('data', (bytes) => this.#onData(bytes));
  }

  /** Aborts what runs, sends its answers, ends. */
  async close(): Promise<void> {
    for (const call of this.#calls.values()) call.abort.abort();
    // A handler that ignores the abort holds nothing up once the socket is gone.
    await Promise.race([Promise.all([...this.#calls.values()].map((call) => call.done)), this.closed]);
    this.#socket.end();
    await this.closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  push(event: BroadcastEvent): void {
    if (!this.#subscribed.has(event.event)) return;
    if (event.event === 'activity') {
      this.#waitingRows.push(...event.data.rows);
      if (this.#waitingRows.length > MAX_WAITING_ROWS) {
        this.destroy();
        return;
      }
      if (!this.#socket.writableNeedDrain) this.#flushWaiting();
      return;
    }
    const data = controlEvents[event.event].parse(event.data);
    const frame =
      encodeFrame({ event: event.event, data }) ??
      frameWithFewerIssues(data, (less) => ({ event: event.event, data: less }));
    if (frame !== null) this.#sendSnapshot(event.event, frame);
  }

  #onData(bytes: Buffer): void {
    try {
      for (const frame of this.#reader.push(bytes)) {
        const request = requestFrameSchema.safeParse(frame);
        if (!request.success) throw new FrameError('not a request');
        this.#onRequest(request.data);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) this.#options.onDefect(error, 'connection');
      this.destroy();
    }
  }

  #onRequest(request: RequestFrame): void {
    const { id, method } = request;
    try {
      if (method === 'hello') {
        this.#answer(id, this.#hello(this.#params('hello', request)));
        return;
      }
      if (this.#greeted === 'no') {
        this.destroy();
        return;
      }
      if (this.#greeted === 'other-version' && method !== 'stop') throw otherVersion();
      if (method === 'subscribe') {
        this.#subscribed = new Set(this.#params('subscribe', request).events);
        this.#answer(id, {});
        return;
      }
      if (method === 'cancel') {
        this.#calls.get(this.#params('cancel', request).request)?.abort.abort();
        this.#answer(id, {});
        return;
      }
      if (this.#calls.has(id) || this.#calls.size >= MAX_CALLS) {
        throw new PersonError('failed', 'too many calls at once on one connection', 'Wait for an answer.');
      }
      this.#start(request);
    } catch (error) {
      if (!(error instanceof PersonError)) throw error;
      this.#write(errorFrame(id, error));
    }
  }

  #params<M extends keyof ConnectionMethods>(method: M, request: RequestFrame) {
    const parsed = connectionMethods[method].params.safeParse(request.params ?? {});
    if (!parsed.success) throw new PersonError('bad-input', describeIssue(parsed.error), '');
    return parsed.data as ReturnType<ConnectionMethods[M]['params']['parse']>;
  }

  #hello(params: { version: number; token?: string | undefined }): object {
    if (!this.#tokenIsRight(params.token ?? '')) {
      throw new PersonError(
        'refused',
        'the control token is wrong',
        'Only the owner of this home may connect.',
      );
    }
    this.#greeted = params.version === CONTROL_VERSION ? 'yes' : 'other-version';
    if (this.#greeted === 'other-version') throw otherVersion();
    return { version: CONTROL_VERSION, engineVersion: this.#options.engineVersion, pid: process.pid };
  }

  #tokenIsRight(given: string): boolean {
    if (this.#options.token === null) return true;
    const [ours, theirs] = [Buffer.from(this.#options.token), Buffer.from(given)];
    return ours.length === theirs.length && timingSafeEqual(ours, theirs);
  }

  #start(request: RequestFrame): void {
    const { id, method } = request;
    const { facade, onDefect } = this.#options;
    const abort = new AbortController();
    const progress = (data: Progress) => {
      if (!this.#calls.has(id)) return;
      const frame = encodeFrame({ event: 'progress', data: { ...data, request: id } });
      if (frame !== null) this.#sendSnapshot(`progress ${id}`, frame);
    };
    const context = { signal: abort.signal, progress };
    const answered = async () => {
      const frame = await answerCall(facade.handlers, id, method, request.params, context, onDefect);
      this.#calls.delete(id);
      this.#waiting.delete(`progress ${id}`);
      this.#write(frame);
    };
    // Known before it starts: the handler may report progress, or be cancelled, at once.
    const call = { abort, done: Promise.resolve() };
    this.#calls.set(id, call);
    call.done = answered();
  }

  #answer(id: number, result: object): void {
    this.#write(`${JSON.stringify({ id, result })}\n`);
  }

  #write(frame: string): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.destroy();
  }

  /** At once to a client that keeps up; else the latest, when it has read what it got. */
  #sendSnapshot(kind: string, frame: string): void {
    if (this.#socket.writableNeedDrain) this.#waiting.set(kind, frame);
    else this.#write(frame);
  }

  #flushWaiting(): void {
    for (const [kind, frame] of this.#waiting) {
      this.#waiting.delete(kind);
      this.#write(frame);
    }
    while (this.#waitingRows.length > 0 && !this.#socket.writableNeedDrain) {
      const rows = this.#waitingRows.splice(0, 20);
      const whole = encodeFrame({ event: 'activity', data: { rows } });
      // Long paths: a row alone always fits.
      const frames =
        whole === null
          ? rows.map((row) => encodeFrame({ event: 'activity', data: { rows: [row] } }))
          : [whole];
      for (const frame of frames) if (frame !== null) this.#write(frame);
    }
  }
}

function otherVersion(): PersonError {
  return new PersonError(
    'engine-running',
    `an engine of another version runs on this home (it speaks version ${CONTROL_VERSION} of the control API)`,
    'Run coffre stop, then coffre start.',
  );
}
