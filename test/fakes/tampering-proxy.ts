/**
 * Stands between a device and the account server, sees every request and may change what comes back, lose the
 * answer after the server has applied the request, or answer by itself: the dishonest server and the bad line.
 */
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Null lets the server's own answer through; `lost` cuts the connection in its place. */
export type Tamper = (request: SeenRequest, answer: Answer) => Answer | 'lost' | null;

export class TamperingProxy {
  readonly seen: SeenRequest[] = [];
  tamper: Tamper = () => null;
  readonly #server: Server;
  #target: URL;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => {
      void this.#relay(request).then((answer) => {
        if (answer === 'lost') {
          response.destroy();
          return;
        }
        response.writeHead(answer.status, { 'coffre-protocol': '1', 'content-type': answer.type });
        response.end(answer.bytes);
      });
    });
  }

  static async start(target: string): Promise<TamperingProxy> {
    const proxy = new TamperingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Paths asked for since the start, without queries. */
  get paths(): string[] {
    return this.seen.map(({ path }) => path.split('?')[0] ?? path);
  }

  async #relay(request: IncomingMessage): Promise<{ status: number; type: string; bytes: Buffer } | 'lost'> {
    const body = await read(request);
    const seen = { method: request.method ?? 'GET', path: request.url ?? '/', body: body.toString('utf8') };
    this.seen.push(seen);
    const upstream = forward({
      host: this.#target.hostname,
      port: this.#target.port,
      method: seen.method,
      path: seen.path,
      headers: { ...request.headers, host: this.#target.host },
    });
    upstream.end(body);
    const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
    const bytes = await read(answer);
    const status = answer.statusCode ?? 500;
    const changed = this.tamper(seen, { status, body: bytes.toString('utf8') });
    if (changed === 'lost') return 'lost';
    const type = answer.headers['content-type'] ?? 'application/json';
    if (changed === null) return { status, type, bytes };
    return { status: changed.status, type, bytes: Buffer.from(changed.body) };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
