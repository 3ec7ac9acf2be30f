/**
 * A TCP proxy that counts bytes: what really passes between one device and the server. It has a thread, and so a heap,
 * of its own: every byte that passes is garbage afterwards, and to collect it costs as much as the heap is large.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Pace } from './pace.ts';
import type { ProxySetting } from './proxy-thread.ts';

export interface Traffic {
  /** Bytes from the device to the server, HTTP and WebSocket framing included. */
  readonly up: number;
  readonly down: number;
}

export interface CountingProxy {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  traffic(): Traffic;
  close(): Promise<void>;
}

/** @param target `http://HOST:PORT` @param pace of a slow line; null: as fast as loopback */
export async function startCountingProxy(target: string, pace: Pace | null = null): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  const counted = new Float64Array(new SharedArrayBuffer(16));
  const setting: ProxySetting = { host: hostname, port: Number(port), pace, counted };
  const worker = new Worker(new URL('proxy-thread.ts', import.meta.url), { workerData: setting });
  const [listening] = (await once(worker, 'message')) as [number];
  worker.unref();
  return {
    address: `http://127.0.0.1:${listening}`,
    traffic: () => ({ up: counted[0] ?? 0, down: counted[1] ?? 0 }),
    close: async () => {
      await worker.terminate();
    },
  };
}
