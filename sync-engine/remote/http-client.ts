/**
 * HTTP to one account server: bounded in size and time, no redirects, no cookies, nothing retried. An answer
 * without the protocol header is not from an account server (a captive portal, a broken proxy).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { cloudErrorSchema, type CloudErrorBody } from '../../protocol/cloud.ts';
import { KIB, MIB } from '../../protocol/limits.ts';
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from '../../protocol/version.ts';
import { CloudError } from './cloud.ts';
import { makeConnector, type Connector } from './connector.ts';
import { toCloudError } from './fault.ts';
import type { ServerAddress } from './server-address.ts';

const MAX_JSON_BYTES = 8 * MIB;
const MAX_ERROR_BYTES = MIB;
const PIECE_BYTES = 64 * KIB;
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

export interface CloudRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, from the slash on. */
  readonly path: string;
  /** Bearer token: an access token or a grant. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** The largest good answer that is read. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface RequestBody {
  readonly type: 'application/json' | 'application/octet-stream';
  readonly size: number;
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export type CloudAnswer =
  | { readonly ok: true; readonly status: number; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly error: CloudErrorBody };

export function jsonBody(value: unknown): RequestBody {
  const bytes = Buffer.from(JSON.stringify(value), 'utf8');
  return { type: 'application/json', size: bytes.length, chunks: () => [bytes] };
}

/** In pieces, so that a slow line shows as progress and not as silence. */
export function bytesBody(bytes: Uint8Array): RequestBody {
  return {
    type: 'application/octet-stream',
    size: bytes.length,
    *chunks() {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
    },
  };
}

export class HttpClient {
  readonly address: ServerAddress;
  readonly connector: Connector;
  readonly #pool: Pool;
  readonly #bodyMs: number;

  constructor(address: ServerAddress, timeouts: Timeouts = DEFAULT_TIMEOUTS) {
    this.address = address;
    this.connector = makeConnector(address, timeouts.connectMs);
    this.#bodyMs = timeouts.bodyMs;
    this.#pool = new Pool(address.origin, {
      connect: this.connector,
      connections: 8,
      pipelining: 1,
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.bodyMs,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 16 * KIB,
    });
  }

  /** An answer of the server, good or not. @throws CloudError when there is none that can be used */
  async request(request: CloudRequest): Promise<CloudAnswer> {
    try {
      return judge(await exchange(this.#pool, request, this.#bodyMs));
    } catch (error) {
      request.signal?.throwIfAborted();
      throw toCloudError(error);
    }
  }

  /** The bytes of a good answer. @throws CloudError for every other, with the server's own code */
  async bytes(request: CloudRequest): Promise<Uint8Array> {
    const answer = await this.request(request);
    if (!answer.ok) throw errorOf(answer.error);
    return answer.bytes;
  }

  /** A good answer of that shape. @throws CloudError */
  async json<T extends z.ZodType>(schema: T, request: CloudRequest): Promise<z.infer<T>> {
    return parseJson(schema, await this.bytes(request));
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

function toDispatch(request: CloudRequest): Dispatcher.DispatchOptions {
  const { method, path, token, body } = request;
  const headers: Record<string, string> = {
    [PROTOCOL_HEADER]: String(PROTOCOL_VERSION),
    accept: 'application/json, application/octet-stream',
    ...request.headers,
  };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (body !== undefined) {
    headers['content-type'] = body.type;
    headers['content-length'] = String(body.size);
  }
  return {
    method,
    path,
    headers,
    body: body === undefined ? null : Readable.from(body.chunks(), { objectMode: false }),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Memory of its own: the caller may move it to a worker. */
  readonly bytes: Uint8Array;
}

/**
 * One request and its answer. What arrives goes straight to its place: content comes this way by the gigabyte,
 * and a stream between would cost more than the bytes. Refuses before it allocates: by the length announced, and
 * again by the bytes that arrive.
 */
async function exchange(pool: Pool, request: CloudRequest, bodyMs: number): Promise<Answer> {
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
  const head: Omit<Answer, 'bytes'> = { status: 0, headers: {} };
  let body = new BodyBuffer(0, 0);
  const pace = new Pace(bodyMs);
  pool.dispatch(toDispatch(request), {
    onRequestStart(started) {
      controller = started;
      if (signal?.aborted === true) stop();
    },
    onResponseStart(started, status, headers) {
      if (status < 200) return;
      Object.assign(head, { status, headers });
      // A refusal is never larger than this, and may be larger than what was asked for.
      const most = status >= 400 ? MAX_ERROR_BYTES : (request.maxBytes ?? MAX_JSON_BYTES);
      const announced = Number(headers['content-length'] ?? 0);
      if (announced > most) started.abort(tooLarge(head));
      else body = new BodyBuffer(announced, most);
      pace.begin();
    },
    onResponseData(started, piece) {
      if (!body.add(piece)) started.abort(tooLarge(head));
      else if (!pace.keeps(piece.length)) started.abort(tooSlow());
    },
    onResponseEnd() {
      resolve({ ...head, bytes: body.take() });
    },
    onResponseError(_controller, error) {
      reject(error);
    },
  });
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

function tooLarge({ status, headers }: Omit<Answer, 'bytes'>): CloudError {
  if (headers[PROTOCOL_HEADER] === undefined) return strangerError(status, headers['retry-after']);
  return new CloudError('malformed', "the server's answer is larger than it may be");
}

function judge({ status, headers, bytes }: Answer): CloudAnswer {
  const version = headers[PROTOCOL_HEADER];
  if (version === undefined) throw strangerError(status, headers['retry-after']);
  if (version !== String(PROTOCOL_VERSION)) {
    throw new CloudError('version', 'the server speaks another version of the protocol');
  }
  if (status >= 200 && status < 300) return { ok: true, status, bytes };
  if (status < 400) throw new CloudError('malformed', `an answer with status ${status}`);
  return { ok: false, error: parseJson(cloudErrorSchema, bytes) };
}

/** Something between the server and us answered, or the server is none of ours. */
function strangerError(status: number, retryAfter: string | string[] | undefined): CloudError {
  const seconds = typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
  if (status === 429) return new CloudError('rate-limited', 'too many requests', seconds);
  if (status >= 500) return new CloudError('unavailable', `an answer with status ${status}`, seconds);
  return new CloudError('stranger', 'what answers at this address is no account server');
}

export function parseJson<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    throw new CloudError('malformed', "the server's answer is not JSON");
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CloudError('malformed', "the server's answer has not the agreed shape");
  return parsed.data;
}

export function errorOf(body: CloudErrorBody): CloudError {
  return new CloudError(body.error.code, body.error.message, body.retryAfterS ?? null);
}
