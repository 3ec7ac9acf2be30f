/**
 * HTTP to one account server: bounded in size and time, no redirects, no cookies, nothing retried. An answer
 * without the protocol header is not from an account server (a captive portal, a broken proxy).
 */
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

  constructor(address: ServerAddress, timeouts: Timeouts = DEFAULT_TIMEOUTS) {
    this.address = address;
    this.connector = makeConnector(address, timeouts.connectMs);
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
      const response = await this.#pool.request(toDispatch(request));
      // A refusal is never larger than this, and may be larger than what was asked for.
      const most = response.statusCode >= 400 ? MAX_ERROR_BYTES : (request.maxBytes ?? MAX_JSON_BYTES);
      const bytes = await readBody(response, most);
      return judge(response, bytes);
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

function toDispatch(request: CloudRequest): Dispatcher.RequestOptions {
  const { method, path, token, body, signal } = request;
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
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Refuses before it allocates: by the length announced, and again by the bytes that arrive. */
async function readBody(response: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(response.headers['content-length'] ?? 0);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    if (announced > maxBytes) throw tooLarge();
    for await (const piece of response.body as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > maxBytes) throw tooLarge();
      pieces.push(piece);
    }
  } catch (error) {
    response.body.on('error', () => undefined).destroy();
    throw error;
  }
  // Memory of its own: the caller may move it to a worker.
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function tooLarge(): CloudError {
  return new CloudError('malformed', "the server's answer is larger than it may be");
}

function judge(response: Dispatcher.ResponseData, bytes: Uint8Array): CloudAnswer {
  const { statusCode: status, headers } = response;
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
  return new CloudError('malformed', 'what answers at this address is no account server');
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
