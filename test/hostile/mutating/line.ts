/**
 * The server's end of a connection, byte by byte: it hears requests, keeps what was said, and writes whatever it is
 * given, which need be no HTTP.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Wire } from './answer.ts';

export interface Heard {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type Respond = (heard: Heard) => Promise<Wire> | Wire;

const DRIP_MS = 15;

export class Line {
  respond: Respond;
  /** Every byte that was sent to the server, as it came. */
  told: (bytes: Buffer) => void = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(respond: Respond) {
    this.respond = respond;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined); // the client hung up
      void this.#serve(socket);
    });
  }

  static async start(respond: Respond): Promise<Line> {
    const line = new Line(respond);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #serve(socket: Socket): Promise<void> {
    let heard = Buffer.alloc(0);
    try {
      for await (const piece of socket as AsyncIterable<Buffer>) {
        this.told(piece);
        heard = Buffer.concat([heard, piece]);
        for (let request = take(heard); request !== null; request = take(heard)) {
          heard = heard.subarray(request.length);
          await write(socket, await this.respond(request.heard));
        }
      }
    } catch {
      // A reset is an end, too.
    } finally {
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A whole request from the front of the bytes; null until it is there. */
function take(bytes: Buffer): { heard: Heard; length: number } | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const from = end + 4;
  const length = from + Number(headers['content-length'] ?? 0);
  if (bytes.length < length) return null;
  return { heard: { method, path, headers, body: bytes.subarray(from, length) }, length };
}

async function write(socket: Socket, { pieces, gapMs, end }: Wire): Promise<void> {
  for (const [index, piece] of pieces.entries()) {
    if (index > 0 && gapMs > 0) await delay(gapMs);
    if (socket.destroyed) return;
    if (piece.length > 0) socket.write(piece);
  }
  if (end === 'cut') socket.end();
  if (end === 'drip') {
    while (!socket.destroyed) {
      await delay(DRIP_MS);
      socket.write(' ');
    }
  }
}
