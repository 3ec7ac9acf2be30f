/** A TCP proxy that counts bytes: what really passes between one device and the server. */
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { PacedLine, type Pace } from './pace.ts';

export interface Traffic {
  /** Bytes from the device to the server, HTTP and WebSocket framing included. */
  readonly up: number;
  readonly down: number;
}

export interface CountingProxy {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  traffic(): Traffic;
  close(): void;
}

/** @param target `http://HOST:PORT` @param pace of a slow line; null: as fast as loopback */
export async function startCountingProxy(target: string, pace: Pace | null = null): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let up = 0;
  let down = 0;
  const lines = pace === null ? null : { up: new PacedLine(pace), down: new PacedLine(pace) };
  const server = createServer((device) => {
    const upstream = connect({ host: hostname, port: Number(port), noDelay: true });
    device.setNoDelay(true);
    device.on('data', (bytes) => (up += bytes.length));
    upstream.on('data', (bytes) => (down += bytes.length));
    for (const [socket, other] of [
      [device, upstream],
      [upstream, device],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        if (lines === null) other.end();
      });
      if (lines === null) socket.pipe(other);
      else (socket === device ? lines.up : lines.down).join(socket, other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    address: `http://127.0.0.1:${address.port}`,
    traffic: () => ({ up, down }),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
