import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { MAX_EVENT_BYTES } from '../../protocol/limits.ts';
import { encodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import type { CloudFault } from './cloud.ts';
import { makeConnector } from './connector.ts';
import { runEventSocket, type Liveness } from './event-socket.ts';
import { parseServerAddress } from './server-address.ts';

let server: Server;
let sockets: WebSocketServer;
let origin: string;

beforeEach(async () => {
  server = createServer((_request, response) => response.end('not here'));
  sockets = new WebSocketServer({ server, autoPong: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  server.close();
  server.closeAllConnections();
});

function listen(liveness?: Liveness) {
  const stop = new AbortController();
  const events: CloudEvent[] = [];
  const heard = Promise.withResolvers<undefined>();
  const opened = Promise.withResolvers<undefined>();
  const ended = runEventSocket({
    connector: makeConnector(parseServerAddress(origin), 5000),
    origin,
    token: 'T',
    signal: stop.signal,
    handlers: {
      opened: () => opened.resolve(undefined),
      event: (event) => {
        events.push(event);
        heard.resolve(undefined);
      },
    },
    ...(liveness === undefined ? {} : { liveness }),
  }).then(
    () => 'closed' as const,
    (error: unknown) => (error as { fault: CloudFault }).fault,
  );
  return { stop, events, heard: heard.promise, opened: opened.promise, ended };
}

async function accepted(): Promise<[WebSocket, IncomingMessage]> {
  return (await once(sockets, 'connection')) as [WebSocket, IncomingMessage];
}

describe('the event socket', () => {
  it('shows its token, decodes events and closes when told', async () => {
    const connection = accepted();
    const client = listen();
    const [socket, request] = await connection;
    expect([request.url, request.headers.authorization]).toEqual(['/v1/events', 'Bearer T']);
    await client.opened;
    socket.send(encodeEvent({ kind: 'chain', length: 4 }));
    await client.heard;
    expect(client.events).toEqual([{ kind: 'chain', length: 4 }]);
    client.stop.abort();
    expect(await client.ended).toBe('closed');
  });

  it.each<[string, string | Uint8Array]>([
    ['text', 'hello'],
    ['bytes that do not decode', Buffer.from([9, 9])],
    ['an event beyond its limit', Buffer.alloc(MAX_EVENT_BYTES + 1000, 1)],
  ])('ends as malformed on %s', async (_what, message) => {
    const connection = accepted();
    const client = listen();
    (await connection)[0].send(message);
    expect(await client.ended).toBe('malformed');
    expect(client.events).toEqual([]);
  });

  it('ends as offline when the server goes', async () => {
    const connection = accepted();
    const client = listen();
    (await connection)[0].terminate();
    expect(await client.ended).toBe('offline');
  });

  it.each<[number, CloudFault]>([
    [1001, 'restarting'],
    [1012, 'restarting'],
    [1008, 'offline'],
    [1013, 'offline'],
  ])('takes close code %i as %s', async (code, fault) => {
    const connection = accepted();
    const client = listen();
    (await connection)[0].close(code);
    expect(await client.ended).toBe(fault);
  });

  it('notices a connection that is only half there', async () => {
    sockets.options.autoPong = false;
    const client = listen({ pingEveryMs: 20, deadAfterMs: 150 });
    await client.opened;
    expect(await client.ended).toBe('offline');
  });

  it('lives on answered pings alone', async () => {
    const connection = accepted();
    const client = listen({ pingEveryMs: 20, deadAfterMs: 300 });
    const [socket] = await connection;
    for (let pings = 0; pings < 30; pings += 1) await once(socket, 'ping');
    client.stop.abort();
    expect(await client.ended).toBe('closed');
  });

  it.each<[number, CloudFault]>([
    [401, 'unauthorized'],
    [403, 'refused'],
    [503, 'unavailable'],
    [200, 'stranger'],
    [302, 'stranger'],
  ])('takes status %i as %s', async (status, fault) => {
    server.removeAllListeners('upgrade');
    server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
      socket.end(`HTTP/1.1 ${status} X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n`);
    });
    expect(await listen().ended).toBe(fault);
  });
});
