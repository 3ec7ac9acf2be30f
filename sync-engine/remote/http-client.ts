/**
 * HTTP to one account server: bounded in size and time, no cookies, nothing retried, and no redirect but that of a
 * pack. An answer without the protocol header is not from an account server (a captive portal, a broken proxy).
 */
import { Pool } from 'undici';
import type { z } from 'zod';
import { cloudErrorSchema, type CloudErrorBody } from '../../protocol/cloud.ts';
import { KIB, MIB } from '../../protocol/limits.ts';
import { PACKS_HEADER, PROTOCOL_HEADER, PROTOCOL_VERSION } from '../../protocol/version.ts';
import { CloudError } from './cloud.ts';
import { spaceOf, type AddressSpace } from './address-space.ts';
import { judged, makeConnector, type Connector } from './connector.ts';
import { DirectTransfers } from './direct-transfers.ts';
import {
  DEFAULT_TIMEOUTS,
  exchange,
  type Answer,
  type AnswerHead,
  type Exchange,
  type Timeouts,
} from './exchange.ts';
import { toCloudError } from './fault.ts';
import type { ServerAddress } from './server-address.ts';

const MAX_JSON_BYTES = 8 * MIB;
const PIECE_BYTES = 64 * KIB;

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
  /** The answer may be the address of what is asked for. */
  readonly mayBeElsewhere?: true;
}

export interface RequestBody {
  readonly type: 'application/json' | 'application/octet-stream';
  readonly size: number;
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export type CloudAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly bytes: Uint8Array;
      /** Where it is instead, which nobody has looked at yet; null where this is it. */
      readonly elsewhere: string | null;
    }
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
  readonly direct: DirectTransfers;
  /** As the server's last answer said. */
  packsGoElsewhere = false;
  readonly #pool: Pool;
  readonly #bodyMs: number;
  #space: AddressSpace = 'public';

  constructor(address: ServerAddress, timeouts: Timeouts = DEFAULT_TIMEOUTS) {
    this.address = address;
    this.connector = judged(makeConnector(address, timeouts.connectMs), ({ remoteAddress }) => {
      if (remoteAddress !== undefined) this.#space = spaceOf(remoteAddress);
      return null;
    });
    this.direct = new DirectTransfers(address, timeouts, () => this.#space);
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
      return this.#judge(await exchange(this.#pool, toExchange(request), this.#bodyMs), request);
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
    await this.direct.close();
  }

  #judge({ status, headers, bytes }: Answer, { mayBeElsewhere }: CloudRequest): CloudAnswer {
    const version = headers[PROTOCOL_HEADER];
    if (version === undefined) throw strangerError(status, headers['retry-after']);
    if (version !== String(PROTOCOL_VERSION)) {
      throw new CloudError('version', 'the server speaks another version of the protocol');
    }
    this.packsGoElsewhere = headers[PACKS_HEADER] === 'elsewhere';
    if (status >= 200 && status < 300) return { ok: true, status, bytes, elsewhere: null };
    if (status === 307 && mayBeElsewhere === true && headers.location !== undefined) {
      return { ok: true, status, bytes, elsewhere: headers.location };
    }
    if (status < 400) throw new CloudError('malformed', `an answer with status ${status}`);
    return { ok: false, error: parseJson(cloudErrorSchema, bytes) };
  }
}

function toExchange(request: CloudRequest): Exchange {
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
    chunks: body?.chunks() ?? null,
    maxBytes: request.maxBytes ?? MAX_JSON_BYTES,
    signal: request.signal,
    tooLarge,
  };
}

function tooLarge({ status, headers }: AnswerHead): CloudError {
  if (headers[PROTOCOL_HEADER] === undefined) return strangerError(status, headers['retry-after']);
  return new CloudError('malformed', "the server's answer is larger than it may be");
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
