/**
 * Cuts off requests whose body trickles in: a client that sends a byte a minute would otherwise hold a
 * connection, and a reservation, for as long as it likes.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import type { HttpLimits } from '../config.ts';

interface Watched {
  readonly socket: Socket;
  bytesRead: number;
}

export function watchBodies(app: FastifyInstance, limits: HttpLimits, cutOff: () => void): void {
  const receiving = new Map<FastifyRequest, Watched>();
  const least = (limits.minBodyBytesPerSecond * limits.bodyCheckIntervalMs) / 1000;
  const timer = setInterval(() => {
    for (const [request, watched] of receiving) {
      if (request.raw.complete) {
        receiving.delete(request);
      } else if (watched.socket.bytesRead - watched.bytesRead < least) {
        cutOff();
        watched.socket.destroy();
        receiving.delete(request);
      } else {
        watched.bytesRead = watched.socket.bytesRead;
      }
    }
  }, limits.bodyCheckIntervalMs);
  timer.unref();
  app.addHook('onRequest', async (request) => {
    const { method, headers, socket } = request.raw;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    if (method !== 'GET' && method !== 'HEAD' && hasBody) {
      receiving.set(request, { socket, bytesRead: socket.bytesRead });
    }
  });
  app.addHook('onResponse', async (request) => {
    receiving.delete(request);
  });
  app.addHook('onRequestAbort', async (request) => {
    receiving.delete(request);
  });
  app.addHook('onClose', async () => {
    clearInterval(timer);
  });
}
