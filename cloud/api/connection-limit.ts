/**
 * One network does not take all the connections there are: slow requests cost who sends them nothing. Beyond its
 * share it waits for its own to end.
 */
import type { Server } from 'node:net';
import { networkOf } from './rate-limit.ts';

interface ConnectionLimit {
  /** Of one network, at a time. */
  readonly most: number;
  /** Addresses that are not counted. */
  readonly isFree: (ip: string) => boolean;
  /** A connection was closed at once. */
  readonly refused: () => void;
}

export function limitConnections(server: Server, { most, isFree, refused }: ConnectionLimit): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const ip = socket.remoteAddress;
    // Without an address it has ended already.
    if (ip === undefined || isFree(ip)) return;
    const network = networkOf(ip);
    const count = open.get(network) ?? 0;
    if (count >= most) {
      refused();
      socket.destroy();
      return;
    }
    open.set(network, count + 1);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}
