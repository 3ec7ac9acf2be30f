import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIB } from '../protocol/limits.ts';
import { IdleMemory } from './idle-memory.ts';

describe('tidying', () => {
  it('gives a large heap of garbage back to the system, once', () => {
    const memory = new IdleMemory(() => undefined);
    const holder = { kept: Array.from({ length: 3_000_000 }, (_, index) => ({ index })) };
    const before = process.memoryUsage.rss();
    expect(holder.kept).toHaveLength(3_000_000);
    holder.kept = [];
    expect(memory.tidy()).toBe(true);
    expect(process.memoryUsage.rss()).toBeLessThan(before - 50 * MIB);
    expect(memory.tidy()).toBe(false);
  });

  it('drops caches first, so that what lies around them can go', () => {
    const held: Buffer[] = Array.from({ length: 8 }, () => Buffer.alloc(16 * MIB, 1));
    const before = process.memoryUsage.rss();
    expect(new IdleMemory(() => held.splice(0)).tidy()).toBe(true);
    expect(process.memoryUsage.rss()).toBeLessThan(before - 100 * MIB);
  });
});

describe('a watched server', () => {
  let server: Server;
  let url: string;
  let answers: ServerResponse[];
  let tidied: number;
  let rest: Promise<void>;
  let ballast: Buffer[];
  let memory: IdleMemory;

  beforeEach(async () => {
    answers = [];
    tidied = 0;
    ballast = [Buffer.alloc(128 * MIB, 1)];
    server = createServer((_request, response) => {
      answers.push(response);
      server.emit('asked');
    });
    rest = new Promise((resolve) => {
      memory = new IdleMemory(() => {
        tidied += 1;
        ballast.length = 0;
        resolve();
      });
      memory.watch(server, 1);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('tidies nothing once it was stopped, though an answer ends after that', async () => {
    const asked = once(server, 'asked');
    const answered = fetch(url);
    await asked;
    memory.stop();
    for (const answer of answers) answer.end();
    await (await answered).text();
    await delay(50);
    expect(tidied).toBe(0);
  });

  /** Resolves when the server has the request, which stays open. */
  const ask = async (): Promise<void> => {
    const asked = once(server, 'asked');
    fetch(url).catch(() => undefined);
    await asked;
  };

  it('is tidied once the last request is answered, not while one is open', async () => {
    await ask();
    await ask();
    const [first, second] = answers;
    const ended = once(first!, 'close');
    first!.end('done');
    await ended;
    // A timer that is set later, for longer, fires after that of a server taken to be at rest.
    await delay(5);
    expect(tidied).toBe(0);
    second!.end('done');
    await rest;
    expect(tidied).toBe(1);
  });
});
