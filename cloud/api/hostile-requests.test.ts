/** Requests that are too slow, too large or no requests: refused, counted, and no harm to anybody else. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_PACK_BYTES } from '../../protocol/limits.ts';
import { ask, Person, randomId, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';
import { DEFAULT_HTTP_LIMITS } from '../config.ts';
import { startServer, type RunningServer } from '../server.ts';
import { limitConnections } from './connection-limit.ts';

let dataDir: string;
let server: RunningServer;
let device: TestDevice;
let grant: string;
let view: VaultView;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-hostile-'));
  const http = {
    ...DEFAULT_HTTP_LIMITS,
    headersTimeoutMs: 1000,
    bodyCheckIntervalMs: 500,
    minBodyBytesPerSecond: 1000,
  };
  server = await startServer({ dataDir, logLevel: 'silent', http });
  device = await new Person(server.address).signup();
  view = await device.makeVault();
  grant = (await device.person.grant()).grant;
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function open(first: string): Promise<Socket> {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(first);
  return socket;
}

/** Whether in good order or not. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else
      socket.resume().once('close', () => {
        resolve();
      });
  });
}

async function cutOff(why: string): Promise<number> {
  const metrics = Buffer.from((await ask(server.address, 'GET', '/metrics')).bytes).toString();
  return Number(new RegExp(`^coffre_cut_off_total\\{why="${why}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0);
}

describe('slow clients', () => {
  const EACH = 100;

  it('are cut off and counted, while others are served', { timeout: 120_000 }, async () => {
    const headers = await Promise.all(
      Array.from({ length: EACH }, () => open('GET /v1/server HTTP/1.1\r\nhost: x\r\n')),
    );
    const bodies = await Promise.all(
      Array.from({ length: EACH }, () =>
        open(
          `POST /v1/vaults/${view.vault}/commits HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n` +
            `content-type: application/octet-stream\r\nauthorization: Bearer ${device.session.accessToken}\r\n\r\n`,
        ),
      ),
    );
    const slow = [...headers, ...bodies];
    // A byte now and then, for as long as anybody listens.
    const drip = setInterval(() => {
      for (const socket of headers) if (socket.writable) socket.write('x');
      for (const socket of bodies) if (socket.writable) socket.write('x');
    }, 100);
    const ended = Promise.all(slow.map(closed));
    const over = { isSo: false };
    const watched = ended.then(() => {
      over.isSo = true;
    });
    const tookMs: number[] = [];
    while (!over.isSo || tookMs.length < 50) {
      const beganMs = performance.now();
      expect((await device.commit(view, { nodes: [[randomId(16), Buffer.from('a record')]] })).status).toBe(
        200,
      );
      expect((await device.ask('GET', '/v1/account')).status).toBe(200);
      tookMs.push(performance.now() - beganMs);
    }
    clearInterval(drip);
    await watched;
    tookMs.sort((a, b) => a - b);
    const at = (share: number): string => (tookMs[Math.floor(tookMs.length * share)] ?? 0).toFixed(0);
    console.log(
      `beside ${slow.length} slow clients: ${tookMs.length} commits, each with a look at the account, ${at(0.5)} ms, 99 % within ${at(0.99)} ms`,
    );
    expect(await cutOff('slow-headers')).toBe(EACH);
    expect(await cutOff('slow-body')).toBe(EACH);
    expect((await ask(server.address, 'GET', '/readyz')).status).toBe(200);
  });
});

describe('one network', () => {
  it('has its share of the connections, and no more', async () => {
    let refused = 0;
    const served = createServer();
    limitConnections(served, {
      most: 3,
      isFree: () => false,
      refused: () => {
        refused += 1;
      },
    });
    served.listen(0, '127.0.0.1');
    await once(served, 'listening');
    const { port } = served.address() as AddressInfo;
    const knock = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    };
    const kept = [await knock(), await knock(), await knock()];
    const fourth = await knock();
    await closed(fourth);
    expect(refused).toBe(1);
    // Once the server has heard of the end of one, the next is taken: it is told something then.
    served.on('connection', (socket) => socket.end('welcome'));
    kept[0]!.destroy();
    await expect.poll(async () => text(await knock()).catch(() => '')).toBe('welcome');
    for (const socket of kept) socket.destroy();
    served.close();
  });
});

/** The routes that take a body, with the token that opens them. */
async function withBodies(): Promise<{ route: string; method: string; path: string; token: string }[]> {
  const taking = server.routes.filter(({ method }) => method === 'POST' || method === 'PUT');
  const found = [];
  for (const { method, path: pattern } of taking) {
    const path = pattern.replace(':vault', view.vault).replace(':pack', randomId(32));
    // A grant opens nothing of a device's: who is refused as unknown has the wrong one.
    const { status } = await ask(server.address, method, path, grant, { not: 'this' });
    const token = status === 401 ? device.session.accessToken : grant;
    found.push({ route: `${method} ${pattern}`, method, path, token });
  }
  return found;
}

describe('bodies that are too large', () => {
  it('are refused on every route that takes one, before they are sent', async () => {
    const routes = await withBodies();
    expect(routes.length).toBeGreaterThan(15);
    for (const { route, method, path, token } of routes) {
      const type = /commits$|:pack$/.test(route) ? 'application/octet-stream' : 'application/json';
      const socket = await open(
        `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\n` +
          `content-length: ${MAX_PACK_BYTES + 1}\r\n\r\nabc`,
      );
      const answer = await text(socket);
      expect([route, answer.split('\r\n')[0]]).toEqual([route, 'HTTP/1.1 413 Payload Too Large']);
      expect([
        route,
        answer.endsWith('"message":"the body is too large"}}') || answer.includes('16 MiB'),
      ]).toEqual([route, true]);
    }
  });

  it('are refused when they grow as they come', async () => {
    const socket = await open(
      `POST /v1/login/start HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const answer = text(socket);
    const mib = Buffer.concat([
      Buffer.from('100000\r\n'),
      Buffer.alloc(1_048_576, 0x20),
      Buffer.from('\r\n'),
    ]);
    for (let sent = 0; sent < 8 && socket.writable; sent += 1) socket.write(mib);
    expect(await answer).toMatch(/^HTTP\/1\.1 413/);
  });

  it('and headers that are, and what is no HTTP, are answered in one shape, and counted', async () => {
    const before = [await cutOff('large-headers'), await cutOff('malformed')];
    const large = await text(await open(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`));
    expect(large).toMatch(/^HTTP\/1\.1 431[^]*\{"error":\{"code":"bad-request"/);
    const garbage = await text(await open('\u0016\u0003\u0001 this is no HTTP\r\n\r\n'));
    expect(garbage).toMatch(/^HTTP\/1\.1 400[^]*\{"error":\{"code":"bad-request"/);
    expect([await cutOff('large-headers'), await cutOff('malformed')]).toEqual(
      before.map((count) => count + 1),
    );
  });
});

describe('requests that are none', () => {
  const BODIES: readonly (readonly [type: string, body: string])[] = [
    ...[
      '',
      'no json',
      '[]',
      'null',
      '1',
      '"text"',
      '{}',
      '{"email":{"$ne":""}}',
      '{"__proto__":{"a":1}}',
    ].map((body) => ['application/json', body] as const),
    ['application/json', '['.repeat(100_000)],
    [
      'application/json',
      `{"entry":"${'A'.repeat(2_000_000)}","entries":[],"size":-1,"upload":-1,"packs":[7]}`,
    ],
    ['application/octet-stream', '\u0000\u0001'],
    ['application/octet-stream', 'x'.repeat(70_000)],
    ['text/plain', 'text'],
    ['multipart/form-data; boundary=x', '--x--'],
  ];
  let before: number;

  beforeEach(async () => {
    before = (await device.ask('GET', '/v1/account')).json.quota.usedBytes as number;
  });
  afterEach(async () => {
    expect((await device.ask('GET', '/v1/account')).json.quota.usedBytes).toBe(before);
  });

  it('get a refusal in one shape from every route with a body, whatever the body', async () => {
    // A lease wants nothing of its body.
    const routes = (await withBodies()).filter(({ route }) => !route.endsWith('/lease'));
    for (const { route, method, path, token } of routes) {
      for (const [type, body] of BODIES) {
        const answer = await fetch(`${server.address}${path}`, {
          method,
          body,
          headers: { authorization: `Bearer ${token}`, 'content-type': type },
        });
        const said = await answer.text();
        const what = [route, type, body.slice(0, 30), answer.status] as const;
        expect([...what, answer.status >= 400 && answer.status < 500]).toEqual([...what, true]);
        expect(Object.keys(JSON.parse(said) as object)[0]).toBe('error');
        expect(said).not.toMatch(/node_modules|\.ts|FST_|sqlite|Unexpected token/i);
      }
    }
  });

  it('get a refusal from every route whose path or query is odd', async () => {
    const odd = [
      '..%2f..%2fetc',
      '%00',
      'x'.repeat(300),
      '0'.repeat(31),
      '0'.repeat(32).replace('0', 'G'),
      '%F0%9F',
    ];
    for (const { method, path: pattern } of server.routes.filter(({ path }) => path.includes(':'))) {
      for (const one of odd) {
        const path = pattern.replaceAll(/:[a-z]+/g, one);
        const answer = await fetch(`${server.address}${path}?at=1&from=1&to=1&after=1`, {
          method,
          headers: {
            authorization: `Bearer ${pattern.endsWith('purge') ? grant : device.session.accessToken}`,
            ...(method === 'POST' || method === 'PUT' ? { 'content-type': 'application/json' } : {}),
          },
          ...(method === 'POST' || method === 'PUT' ? { body: '{}' } : {}),
        });
        const what = [method, path.slice(0, 80), answer.status] as const;
        expect([...what, answer.status >= 400 && answer.status < 500]).toEqual([...what, true]);
        await answer.arrayBuffer();
      }
    }
    const queries = ['', '?at=-1', '?at=1e9', '?at=0x10', '?at=1&at=2', '?at=99999999999999999', '?at[]=1'];
    for (const query of queries) {
      const answer = await device.ask('GET', `/v1/vaults/${view.vault}/time${query}`);
      expect([query, answer.status]).toEqual([query, 400]);
    }
  });
});
