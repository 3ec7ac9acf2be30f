/**
 * A load balancer as HAProxy or nginx would be one: each request goes to the next node in turn, on connections that
 * are kept. A node that is not ready gets none; where a node does not take the connection the next one is tried; what
 * was sent once is not sent again, and a node that breaks off is told as `502`, which is none of the protocol.
 */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';

const LOOK_MS = 100;
/** Of one connection, not of what it carries. */
const OF_A_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

export interface Balancer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** Answers of nodes passed on, by the port of the node. */
  readonly passed: ReadonlyMap<number, number>;
  /** Requests that got no answer of a node. */
  readonly failed: number;
  /** Resolves once as many nodes are ready. */
  ready(count: number): Promise<void>;
  close(): Promise<void>;
}

/** @param nodes their ports on this machine now */
export async function startBalancer(nodes: () => readonly number[]): Promise<Balancer> {
  const balancer = new RoundRobin(nodes);
  await balancer.listen();
  return balancer;
}

class RoundRobin implements Balancer {
  readonly passed = new Map<number, number>();
  failed = 0;
  readonly #nodes: () => readonly number[];
  readonly #server = createServer({ requestTimeout: 0 }, (request, response) => {
    this.#forward(request, response, this.#inTurn());
  });
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Duplex>();
  readonly #isReady = new Map<number, boolean>();
  #turn = 0;
  #looking: NodeJS.Timeout | null = null;
  #looked: (() => void)[] = [];

  constructor(nodes: () => readonly number[]) {
    this.#nodes = nodes;
    this.#server.on('connection', (socket: Socket) => {
      this.#keep(socket);
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#tunnel(request, socket, head, this.#inTurn());
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    await this.#look();
    this.#looking = setInterval(() => void this.#look(), LOOK_MS);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async ready(count: number): Promise<void> {
    const howMany = (): number => this.#nodes().filter((node) => this.#isReady.get(node) === true).length;
    while (howMany() < count) await new Promise<void>((resolve) => this.#looked.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#looking !== null) clearInterval(this.#looking);
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
    await closed;
  }

  async #look(): Promise<void> {
    await Promise.all(
      this.#nodes().map(async (node) => {
        const signal = AbortSignal.timeout(2000);
        const answer = fetch(`http://127.0.0.1:${node}/readyz`, { signal, headers: { connection: 'close' } });
        const isReady = await answer.then(
          ({ ok }) => ok,
          () => false,
        );
        this.#isReady.set(node, isReady);
      }),
    );
    for (const tell of this.#looked.splice(0)) tell();
  }

  /** The ready ones, from the next on; all of them where none is: better a refusal of theirs than none. */
  #inTurn(): number[] {
    const all = this.#nodes();
    const ready = all.filter((node) => this.#isReady.get(node) === true);
    const nodes = ready.length > 0 ? ready : all;
    this.#turn += 1;
    return nodes.map((_, index) => nodes[(this.#turn + index) % nodes.length] ?? 0);
  }

  #forward(request: IncomingMessage, response: ServerResponse, [node, ...others]: readonly number[]): void {
    if (node === undefined) {
      this.#refuse(response);
      return;
    }
    const { method, url, headers } = request;
    const to = { host: '127.0.0.1', port: node, agent: this.#agent, method, path: url };
    const onward = httpRequest({ ...to, headers: passedOn(headers, false) });
    let isConnected = false;
    const connected = (): void => {
      isConnected = true;
      request.pipe(onward);
    };
    onward.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    onward.once('response', (answer) => {
      this.passed.set(node, (this.passed.get(node) ?? 0) + 1);
      response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers, false));
      // Ends both where one breaks.
      pipeline(answer, response, () => undefined);
    });
    onward.once('error', () => {
      if (!isConnected) this.#forward(request, response, others);
      else this.#refuse(response);
      onward.on('error', () => undefined);
    });
    response.once('close', () => {
      if (!response.writableFinished) onward.destroy();
    });
  }

  #refuse(response: ServerResponse): void {
    if (response.destroyed || response.writableFinished) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.failed += 1;
    response.writeHead(502, { connection: 'close' }).end();
  }

  #tunnel(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    [node, ...others]: readonly number[],
  ): void {
    if (node === undefined) {
      this.failed += 1;
      socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const onward = connect(node, '127.0.0.1');
    let isConnected = false;
    onward.once('connect', () => {
      isConnected = true;
      this.#keep(onward);
      const lines = Object.entries(passedOn(request.headers, true)).map(
        ([name, value]) => `${name}: ${String(value)}`,
      );
      onward.write(`GET ${request.url ?? '/'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      pipeline(socket, onward, socket, () => undefined);
    });
    onward.on('error', () => {
      if (!isConnected) this.#tunnel(request, socket, head, others);
    });
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy()); // a killed process resets its connections
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function passedOn(headers: IncomingHttpHeaders, isUpgrade: boolean): IncomingHttpHeaders {
  const passed = Object.entries(headers).filter(([name]) => isUpgrade || !OF_A_CONNECTION.has(name));
  return Object.fromEntries(passed);
}
