/** The thread of a counting proxy. It tells its port once it listens, and its counts in memory that is shared. */
import { connect, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { PacedLine, type Pace } from './pace.ts';

export interface ProxySetting {
  /** Of what is connected to. */
  readonly host: string;
  readonly port: number;
  /** Of a slow line; null: as fast as loopback. */
  readonly pace: Pace | null;
  /** Bytes to it, and bytes from it. */
  readonly counted: Float64Array;
}

const { host, port, pace, counted } = workerData as ProxySetting;
const lines = pace === null ? null : { up: new PacedLine(pace), down: new PacedLine(pace) };

const server = createServer((device) => {
  const upstream = connect({ host, port, noDelay: true });
  device.setNoDelay(true);
  for (const [socket, other, at] of [
    [device, upstream, 0],
    [upstream, device, 1],
  ] as const) {
    socket.on('data', (bytes) => {
      counted[at] = (counted[at] ?? 0) + bytes.length;
    });
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      if (lines === null) other.end();
    });
    if (lines === null) socket.pipe(other);
    else (socket === device ? lines.up : lines.down).join(socket, other);
  }
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  parentPort?.postMessage(address.port);
});
