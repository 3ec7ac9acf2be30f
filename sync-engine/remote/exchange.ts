/** One request and its answer over a pool of connections: bounded in size and time, no redirects, nothing retried. */
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { MIB } from '../../protocol/limits.ts';
import { CloudError } from './cloud.ts';

const MAX_ERROR_BYTES = MIB;
/** An answer that comes slower than this is given up: eight at a time are still more than the poorest line has. */
const LEAST_BYTES_PER_S = 256;

export interface Timeouts {
  /** To connect and shake hands. */
  readonly connectMs: number;
  /** From the last byte sent to the answer's headers. Covers what the kernel still had to send. */
  readonly headersMs: number;
  /** Between two pieces of an answer. */
  readonly bodyMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 15_000, headersMs: 120_000, bodyMs: 60_000 };

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, from the slash on. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | null;
  /** The largest good answer that is read. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  /** What an answer larger than that is. */
  readonly tooLarge: (head: AnswerHead) => CloudError;
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export interface Answer extends AnswerHead {
  /** Memory of its own: the caller may move it to a worker. */
  readonly bytes: Uint8Array;
}

/**
 * What arrives goes straight to its place: content comes this way by the gigabyte, and a stream between would cost
 * more than the bytes. Refuses before it allocates: by the length announced, and again by the bytes that arrive.
 */
export async function exchange(pool: Pool, request: Exchange, bodyMs: number): Promise<Answer> {
  const { signal } = request;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let controller: Dispatcher.DispatchController | null = null;
  // It may still wait for a connection, which nobody waits for then.
  const stop = (): void => {
    const reason = new Error('no longer wanted');
    controller?.abort(reason);
    reject(reason);
  };
  signal?.addEventListener('abort', stop);
  const head: AnswerHead = { status: 0, headers: {} };
  let body = new BodyBuffer(0, 0);
  const pace = new Pace(bodyMs);
  const { method, path, headers, chunks } = request;
  const sent = chunks === null ? null : Readable.from(chunks, { objectMode: false });
  pool.dispatch(
    { method, path, headers, body: sent },
    {
      onRequestStart(started) {
        controller = started;
        if (signal?.aborted === true) stop();
      },
      onResponseStart(started, status, said) {
        if (status < 200) return;
        Object.assign(head, { status, headers: said });
        // A refusal is never larger than this, and may be larger than what was asked for.
        const most = status >= 400 ? MAX_ERROR_BYTES : request.maxBytes;
        const announced = Number(said['content-length'] ?? 0);
        if (announced > most) started.abort(request.tooLarge(head));
        else body = new BodyBuffer(announced, most);
        pace.begin();
      },
      onResponseData(started, piece) {
        if (!body.add(piece)) started.abort(request.tooLarge(head));
        else if (!pace.keeps(piece.length)) started.abort(tooSlow());
      },
      onResponseEnd() {
        resolve({ ...head, bytes: body.take() });
      },
      onResponseError(_controller, error) {
        reject(error);
      },
    },
  );
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** A byte now and then is no silence, and would hold a request for days: over each span enough has to come. */
class Pace {
  readonly #spanMs: number;
  #sinceMs = 0;
  #bytes = 0;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  begin(): void {
    this.#sinceMs = performance.now();
  }

  /** False when too little came in the span that ends now. */
  keeps(bytes: number): boolean {
    this.#bytes += bytes;
    const passedMs = performance.now() - this.#sinceMs;
    if (passedMs < this.#spanMs) return true;
    const enough = this.#bytes >= (passedMs * LEAST_BYTES_PER_S) / 1000;
    this.#sinceMs += passedMs;
    this.#bytes = 0;
    return enough;
  }
}

/** An answer as it arrives: in one piece of memory, of the length announced where one was. */
class BodyBuffer {
  readonly #most: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #filled = 0;

  constructor(announced: number, most: number) {
    this.#bytes = new Uint8Array(announced);
    this.#most = most;
  }

  /** False when that is more than may come. */
  add(piece: Uint8Array): boolean {
    const filled = this.#filled + piece.length;
    if (filled > this.#most) return false;
    if (filled > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#most, Math.max(filled, 2 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#filled);
    this.#filled = filled;
    return true;
  }

  take(): Uint8Array {
    return this.#filled === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#filled);
  }
}

function tooSlow(): CloudError {
  return new CloudError('offline', 'the answer comes too slowly');
}
