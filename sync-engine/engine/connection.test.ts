import { beforeEach, describe, expect, it } from 'vitest';
import type { Cloud, CloudFault } from '../remote/cloud.ts';
import { Connection } from './connection.ts';
import type { Clock } from './ports.ts';
import { Signal } from './signal.ts';

type Handlers = Parameters<Cloud['events']>[0];

/** What the connection did, in order: asked for a socket, told the engine, waited. */
let story: string[];
let sockets: Handlers[];
let nowMs: number;
let stop: AbortController;
let asked: Signal;
let read: Signal;
let slept: Signal;
let wake: Signal;

beforeEach(() => {
  story = [];
  sockets = [];
  nowMs = 1_000_000;
  stop = new AbortController();
  [asked, read, slept, wake] = [new Signal(), new Signal(), new Signal(), new Signal()];
});

/** Sleeps end when the test says so; the minute of the poll never does. */
const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs,
  sleep(ms, signal) {
    if (ms >= 60_000) return new Signal().wait(signal);
    story.push('waits');
    slept.raise();
    return wake.next(signal);
  },
};

function begin(): void {
  const events: Cloud['events'] = (handlers) => {
    story.push('connects');
    sockets.push(handlers);
    asked.raise();
    return { close: () => undefined };
  };
  const connection = new Connection({
    cloud: { events } as Partial<Cloud> as Cloud,
    clock,
    random: { bytes: (size) => new Uint8Array(size), fraction: () => 0.5 },
    signal: stop.signal,
    isPaused: () => false,
    changed: new Signal(),
    hooks: {
      event: () => undefined,
      catchUp: () => {
        story.push('reads');
        read.raise();
        return Promise.resolve(true);
      },
      lost: (fault) => story.push(`lost: ${fault}`),
      turned: (online) => story.push(online ? 'online' : 'offline'),
      crashed: (error) => {
        throw error;
      },
    },
  });
  void connection.stay();
}

/** The next socket that is asked for, once it is open and everything is being read. */
async function open(): Promise<Handlers> {
  await asked.wait();
  asked.clear();
  const socket = sockets.at(-1)!;
  socket.opened();
  await read.wait();
  read.clear();
  return socket;
}

const end = (socket: Handlers, fault: CloudFault): void => {
  socket.lost(fault);
};

describe('a connection whose server restarts', () => {
  it('is another one at once, and nobody hears of it', async () => {
    begin();
    end(await open(), 'restarting');
    await open();
    expect(story).toEqual(['connects', 'reads', 'online', 'connects', 'reads']);
    stop.abort();
  });

  it('is lost when the next one fails', async () => {
    begin();
    end(await open(), 'restarting');
    await asked.wait();
    end(sockets.at(-1)!, 'offline');
    await slept.wait();
    const [, , , , ...after] = story;
    expect(after).toEqual(['lost: offline', 'offline', 'waits']);
    stop.abort();
  });

  it('is lost when it asks for another one again and again', async () => {
    begin();
    end(await open(), 'restarting');
    nowMs += 100;
    end(await open(), 'restarting');
    await slept.wait();
    expect(story.slice(-3)).toEqual(['lost: restarting', 'offline', 'waits']);
    wake.raise();
    nowMs += 5000;
    end(await open(), 'restarting');
    await open();
    expect(story.slice(-5)).toEqual(['connects', 'reads', 'online', 'connects', 'reads']);
    stop.abort();
  });

  it('is lost when it is cut', async () => {
    begin();
    end(await open(), 'offline');
    await slept.wait();
    expect(story.slice(-3)).toEqual(['lost: offline', 'offline', 'waits']);
    stop.abort();
  });
});
