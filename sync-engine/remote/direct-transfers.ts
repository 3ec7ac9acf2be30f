/**
 * Packs that lie elsewhere: the server names an address for one of them, and the bytes go straight there and come
 * straight from there. What an address may be is narrow, since a server that means harm names it: https, or http on
 * this machine by a server on this machine; never nearer to the device than the server is. Nothing that tells who asks
 * goes along, no answer sends further on, nothing lasts for ever. Whether the bytes are right is seen where it always
 * is: nobody trusts where they come from.
 */
import { Pool } from 'undici';
import { directUploadHeaders } from '../../protocol/cloud.ts';
import type { PackName } from '../../protocol/ids.ts';
import { KIB, MAX_DIRECT_URL_CHARS } from '../../protocol/limits.ts';
import { maySendTo, spaceOf, type AddressSpace } from './address-space.ts';
import { CloudError, type PackBody } from './cloud.ts';
import { makeStoreConnector } from './connector.ts';
import { exchange, type Answer, type Exchange, type Timeouts } from './exchange.ts';
import { toCloudError } from './fault.ts';
import { isLoopbackHost, type ServerAddress } from './server-address.ts';

/** An address is good for as long. Whoever takes the bytes more slowly than that holds us up. */
const LONGEST_PUT_MS = 15 * 60_000;

export class DirectTransfers {
  readonly #server: ServerAddress;
  readonly #timeouts: Timeouts;
  readonly #serverSpace: () => AddressSpace;
  /** To the place named last: there is one in an honest account. */
  #pool: { readonly origin: string; readonly pool: Pool } | null = null;

  /** @param serverSpace where the server answers from */
  constructor(server: ServerAddress, timeouts: Timeouts, serverSpace: () => AddressSpace) {
    this.#server = server;
    this.#timeouts = timeouts;
    this.#serverSpace = serverSpace;
  }

  /** Bytes [start, end) of a pack; where `end` lies beyond the pack, fewer. @throws CloudError */
  async get(address: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#exchange(address, signal, {
      method: 'GET',
      headers: { range: `bytes=${start}-${end - 1}` },
      chunks: null,
      maxBytes: end - start,
      signal,
    });
    if (answer.status === 206 && answer.bytes.length > 0) return answer.bytes;
    if (answer.status < 400)
      throw new CloudError('malformed', 'the store did not answer with a part of a pack');
    throw refusal(answer);
  }

  /** Sends a pack; what is there already is as good. @throws CloudError; bad-request where the bytes arrived as others */
  async put(address: string, pack: PackName, body: PackBody, signal?: AbortSignal): Promise<void> {
    const longest = AbortSignal.timeout(LONGEST_PUT_MS);
    const { status, ...answer } = await this.#exchange(address, signal, {
      method: 'PUT',
      headers: { ...directUploadHeaders(pack), 'content-length': String(body.size) },
      chunks: body.chunks(),
      maxBytes: 64 * KIB,
      signal: signal === undefined ? longest : AbortSignal.any([signal, longest]),
    });
    if ((status >= 200 && status < 300) || status === 412) return;
    if (status === 400) throw new CloudError('bad-request', 'the bytes reached the store as others');
    if (status < 400) throw new CloudError('malformed', 'the store did not take a pack');
    throw refusal({ status, ...answer });
  }

  async close(): Promise<void> {
    await this.#pool?.pool.destroy();
  }

  async #exchange(
    address: string,
    signal: AbortSignal | undefined,
    request: Omit<Exchange, 'path' | 'tooLarge'>,
  ): Promise<Answer> {
    const url = this.#read(address);
    const path = `${url.pathname}${url.search}`;
    const tooLarge = (): CloudError =>
      new CloudError('malformed', 'the store answers with more than it was asked for');
    try {
      return await exchange(this.#poolFor(url.origin), { ...request, path, tooLarge }, this.#timeouts.bodyMs);
    } catch (error) {
      signal?.throwIfAborted();
      throw asStoreFault(toCloudError(error));
    }
  }

  #read(address: string): URL {
    const url = address.length <= MAX_DIRECT_URL_CHARS ? URL.parse(address) : null;
    if (url?.username !== '' || url.password !== '' || url.hash !== '') {
      throw new CloudError('malformed', 'the server names a place for a pack that is none');
    }
    const isNear = isLoopbackHost(url.hostname) && isLoopbackHost(new URL(this.#server.origin).hostname);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isNear)) {
      throw new CloudError('malformed', 'the server names a place for a pack that is not reached over https');
    }
    return url;
  }

  #poolFor(origin: string): Pool {
    if (this.#pool?.origin === origin) return this.#pool.pool;
    // What is under way there goes on; nothing new does.
    void this.#pool?.pool.close();
    const { connectMs, headersMs, bodyMs } = this.#timeouts;
    const pool = new Pool(origin, {
      connect: makeStoreConnector(this.#server.caPem, connectMs, (ip) => this.#refusalOf(ip)),
      connections: 8,
      pipelining: 1,
      headersTimeout: headersMs,
      bodyTimeout: bodyMs,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 16 * KIB,
    });
    this.#pool = { origin, pool };
    return pool;
  }

  #refusalOf(ip: string): CloudError | null {
    if (maySendTo(this.#serverSpace(), spaceOf(ip))) return null;
    const message =
      'the server names a place for a pack that is nearer to this device than the server itself';
    return new CloudError('malformed', message);
  }
}

/** Of no account server: its certificate is no alarm, and its silence says nothing of the server. */
function asStoreFault(error: CloudError): CloudError {
  if (error.fault !== 'certificate' && error.fault !== 'stranger') return error;
  const message =
    'the place where the server keeps its packs does not answer as a store with a valid certificate';
  return new CloudError('unavailable', message, null, { cause: error });
}

/** Busy, or it does not take the address: asked again some times, then somebody is told. Why is for the server's log. */
function refusal({ status, headers }: Omit<Answer, 'bytes'>): CloudError {
  const after = headers['retry-after'];
  const seconds = typeof after === 'string' && /^\d{1,6}$/.test(after) ? Number(after) : null;
  const fault = status >= 500 || status === 429 ? 'unavailable' : 'internal';
  return new CloudError(fault, `the store of the packs answers with status ${status}`, seconds);
}
