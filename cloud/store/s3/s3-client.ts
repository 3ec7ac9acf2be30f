/**
 * Signed requests to one bucket, bounded in time and in attempts. What is sent without a body is tried again when the
 * store is busy or out of reach; a body passes once. Neither keys nor what the store says of them reach an error.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { Pool, type Dispatcher } from 'undici';
import { BlobStoreUnavailable } from '../blob-store.ts';
import { errorCodeOf } from './s3-answers.ts';
import type { S3Config } from './s3-config.ts';

/** Of the empty body, which S3 wants signed. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** A list of a thousand keys has half of it. */
const MAX_TEXT_BYTES = 2 * 1024 * 1024;

interface S3Limits {
  readonly connectMs: number;
  /** From the last byte sent to the answer, and between two pieces of an answer. */
  readonly silenceMs: number;
  readonly attempts: number;
  /** Bound of the first wait between two attempts; the next one is four times as long. */
  readonly firstWaitMs: number;
}

const DEFAULT_S3_LIMITS: S3Limits = {
  connectMs: 5000,
  silenceMs: 30_000,
  attempts: 3,
  firstWaitMs: 200,
};

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Without the prefix; null for the bucket itself. */
  readonly key: string | null;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: {
    readonly size: number;
    readonly sha256: string;
    readonly pieces: AsyncIterable<Uint8Array>;
  };
}

export interface S3Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read to its end or destroyed. */
  readonly body: Dispatcher.ResponseData['body'];
}

/** The store did not do what it was asked, and why in one word: its own code, `HTTP` and a status, or a socket's. */
class S3Failure extends Error {
  override readonly name = 'S3Failure';
  readonly code: string;

  constructor(code: string) {
    super('the S3 store did not do what it was asked');
    this.code = code;
  }
}

export class S3Client {
  readonly #config: S3Config;
  readonly #limits: S3Limits;
  readonly #pool: Pool;
  /** Keys derived for a day. */
  readonly #derived = new Map<string, ArrayBuffer>();

  constructor(config: S3Config, limits: S3Limits = DEFAULT_S3_LIMITS) {
    this.#config = config;
    this.#limits = limits;
    this.#pool = new Pool(new URL(config.endpoint).origin, {
      connect: { timeout: limits.connectMs },
      connections: 64,
      pipelining: 1,
      headersTimeout: limits.silenceMs,
      bodyTimeout: limits.silenceMs,
      keepAliveTimeout: 10_000,
    });
  }

  /** An answer that is no error of the store's own. @throws BlobStoreUnavailable, or what the body throws */
  async send(request: S3Request): Promise<S3Answer> {
    const attempts = request.body === undefined ? this.#limits.attempts : 1;
    let waitMs = this.#limits.firstWaitMs;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#try(request);
      if (!(answer instanceof S3Failure)) return answer;
      if (attempt === attempts) throw unavailable(answer);
      await delay(Math.random() * waitMs);
      waitMs *= 4;
    }
  }

  /** What there is to read of an answer, as text. @throws BlobStoreUnavailable */
  async text(answer: S3Answer): Promise<string> {
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of answer.body as AsyncIterable<Buffer>) {
        size += piece.length;
        if (size > MAX_TEXT_BYTES) throw new S3Failure('TooLong');
        pieces.push(piece);
      }
    } catch (error) {
      throw unavailable(failureOf(error));
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  /** For an answer that makes no sense of this request. */
  async refusal(answer: S3Answer): Promise<{ code: string; error: BlobStoreUnavailable }> {
    const said = errorCodeOf(await this.text(answer));
    const code = said === '' ? `HTTP${answer.status}` : said;
    return { code, error: unavailable(new S3Failure(code)) };
  }

  /** An address that anybody may use with that method and exactly these headers. */
  async presign(request: S3Request, seconds: number, from: 'here' | 'devices' = 'devices'): Promise<string> {
    const { endpoint } = this.#config;
    const publicEndpoint = from === 'here' ? null : this.#config.publicEndpoint;
    const query = { ...request.query, 'X-Amz-Expires': String(seconds) };
    const url = this.#url({ ...request, query }, publicEndpoint ?? endpoint);
    const signer = this.#signer(request.method, url, request.headers ?? {}, {
      signQuery: true,
      allHeaders: true,
    });
    return (await signer.sign()).url.href;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #try(request: S3Request): Promise<S3Answer | S3Failure> {
    const { body } = request;
    const { path, headers } = await this.#signed(request);
    const source = body === undefined ? null : Readable.from(body.pieces, { objectMode: false });
    let answer: Dispatcher.ResponseData;
    try {
      answer = await this.#pool.request({ method: request.method, path, headers, body: source });
    } catch (error) {
      return failureOf(error);
    }
    // Whoever reads the body hears of its errors as well; where nobody does, they are no crash.
    answer.body.on('error', () => undefined);
    const { statusCode: status } = answer;
    if (status < 500 && status !== 429) return { status, headers: answer.headers, body: answer.body };
    // Read, so that the connection can go on; what it says adds nothing.
    await answer.body.dump({ limit: 64 * 1024 });
    return new S3Failure(`HTTP${status}`);
  }

  async #signed(request: S3Request): Promise<{ path: string; headers: Record<string, string> }> {
    const { body } = request;
    const { url, headers } = await this.#signer(request.method, this.#url(request), {
      ...request.headers,
      'x-amz-content-sha256': body?.sha256 ?? EMPTY_SHA256,
    }).sign();
    const sent = Object.fromEntries(headers);
    if (body !== undefined) sent['content-length'] = String(body.size);
    return { path: `${url.pathname}${url.search}`, headers: sent };
  }

  #url({ key, query = {} }: S3Request, endpoint = this.#config.endpoint): URL {
    const { bucket, prefix } = this.#config;
    const url = new URL(endpoint);
    const inBucket = url.hostname.startsWith(`${bucket}.`) ? '' : `/${bucket}`;
    url.pathname = key === null ? `${inBucket}/` : `${inBucket}/${prefix}${key}`;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  #signer(
    method: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    how: { readonly signQuery?: boolean; readonly allHeaders?: boolean } = {},
  ): AwsV4Signer {
    const { region, credentials } = this.#config;
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    return new AwsV4Signer({
      method,
      url: url.href,
      headers,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === null ? {} : { sessionToken }),
      service: 's3',
      region,
      cache: this.#derived,
      ...how,
    });
  }
}

/** Why the store was unavailable, in one word. */
export function failureCodeOf({ cause }: BlobStoreUnavailable): string {
  return cause instanceof S3Failure ? cause.code : 'Unknown';
}

function unavailable(cause: S3Failure): BlobStoreUnavailable {
  return new BlobStoreUnavailable('the S3 store is failing or cannot be reached', { cause });
}

function failureOf(error: unknown): S3Failure {
  if (error instanceof S3Failure) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return new S3Failure(code === '' ? 'NoAnswer' : code);
}
