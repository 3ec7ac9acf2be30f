/** Stands between a device and a real server and alters what comes back while it is told to: answers and events. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Transform, type Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Wire } from './answer.ts';
import { Dice } from './dice.ts';
import { forward } from './genuine.ts';
import type { Heard } from './line.ts';
import { mutate } from './mutate.ts';
import { flipped } from './mutate-bytes.ts';

/** One in so many is altered while it lies. */
const ALTERED = 2;

export class MutatingProxy {
  /** Null: honest. */
  seed: string | null = null;
  /** Altered since the start. */
  altered = 0;
  /** Everything that was sent to the server. */
  told: (bytes: Buffer) => void = () => undefined;
  readonly #target: string;
  readonly #server: Server;
  readonly #said = new Map<string, Answer[]>();
  #asked = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => {
      this.#relay(request)
        .then(async (wire) => {
          if ('status' in wire) {
            response.writeHead(wire.status, Object.fromEntries(wire.headers));
            response.end(wire.body);
          } else await this.#write(request.socket, wire);
        })
        .catch(() => {
          request.socket.destroy(); // one end is gone
        });
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#tunnel(request, socket, head);
    });
  }

  static async start(target: string): Promise<MutatingProxy> {
    const proxy = new MutatingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The dice of the next answer; null where it is left as it is. */
  #dice(): Dice | null {
    if (this.seed === null) return null;
    this.#asked += 1;
    const dice = new Dice(`${this.seed}/${this.#asked}`);
    return dice.below(ALTERED) === 0 ? dice : null;
  }

  async #relay(request: IncomingMessage): Promise<Answer | Wire> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    this.told(body);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
    const heard: Heard = { method: request.method ?? 'GET', path: request.url ?? '/', headers, body };
    const answer = await forward(this.#target, heard);
    const key = `${heard.method} ${heard.path}`;
    const older = this.#said.get(key) ?? [];
    const others = [...this.#said.values()].flat();
    this.#said.set(key, [...older.slice(-3), answer]);
    // A session may be ended by the server at any time; what this is about goes on.
    const dice = heard.path === '/v1/token' ? null : this.#dice();
    if (dice === null || others.length === 0) return answer;
    this.altered += 1;
    return mutate({ dice, answer, others, older }).wire;
  }

  async #write(socket: Duplex, { pieces, gapMs, end }: Wire): Promise<void> {
    for (const piece of pieces) {
      if (!socket.destroyed && piece.length > 0) socket.write(piece);
      if (gapMs > 0) await delay(gapMs);
    }
    if (end === 'cut') socket.end();
    while (end === 'drip' && !socket.destroyed) {
      await delay(15);
      socket.write(' ');
    }
  }

  #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { hostname, port } = new URL(this.#target);
    const upstream = connect(Number(port), hostname);
    const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      lines.push(`${request.rawHeaders[at] ?? ''}: ${request.rawHeaders[at + 1] ?? ''}`);
    }
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    const altering = new Transform({
      transform: (piece: Buffer, _encoding, done) => {
        const dice = this.#dice();
        if (dice !== null) this.altered += 1;
        done(null, dice === null ? piece : flipped(dice, piece));
      },
    });
    upstream.pipe(altering).pipe(socket);
    socket.pipe(upstream);
    for (const stream of [upstream, altering, socket]) {
      stream.on('error', () => undefined);
      stream.on('close', () => {
        upstream.destroy();
        socket.destroy();
      });
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
