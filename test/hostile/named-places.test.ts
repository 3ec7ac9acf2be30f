/**
 * A server names the place of a pack, and may name any: what only the device can reach, a place that never answers,
 * one that sends on and on. The device tells nobody there who it is, follows nothing further, and is not held up.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackName, VaultId } from '../../protocol/ids.ts';
import type { PackBody } from '../../sync-engine/remote/cloud.ts';
import { DirectTransfers } from '../../sync-engine/remote/direct-transfers.ts';
import { HttpClient } from '../../sync-engine/remote/http-client.ts';
import { HttpCloud } from '../../sync-engine/remote/http-cloud.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';

const QUICK = { connectMs: 1000, headersMs: 300, bodyMs: 300 };
const TOKEN = 'the-access-token-of-a-device';
const VAULT = 'ab'.repeat(16) as VaultId;
const BYTES = randomBytes(1000);
const PACK = createHash('sha256').update(BYTES).digest('hex') as PackName;
const BODY: PackBody = { size: BYTES.length, chunks: () => [BYTES] };
const SAYS = { 'coffre-protocol': '1', 'coffre-packs': 'elsewhere', 'content-type': 'application/json' };

interface Place {
  readonly origin: string;
  readonly heard: IncomingMessage[];
  connections: number;
}

const cleanups: (() => Promise<unknown>)[] = [];
/** What the server names next. */
let named: string;
let server: Place;
let client: HttpClient;
let cloud: HttpCloud;

async function listening(place: Server, scheme: string, heard: IncomingMessage[]): Promise<Place> {
  place.listen(0, '127.0.0.1');
  await once(place, 'listening');
  const made = {
    origin: `${scheme}://127.0.0.1:${(place.address() as AddressInfo).port}`,
    heard,
    connections: 0,
  };
  place.on('connection', (socket) => {
    made.connections += 1;
    socket.on('close', () => (made.connections -= 1));
  });
  cleanups.push(async () => {
    place.closeAllConnections();
    await once(place.close(), 'close');
  });
  return made;
}

async function place(listener: RequestListener): Promise<Place> {
  const heard: IncomingMessage[] = [];
  const made = createServer((request, response) => {
    heard.push(request);
    request.resume();
    listener(request, response);
  });
  return listening(made, 'http', heard);
}

function clientOf(address: string, caPem: string | null = null): void {
  client = new HttpClient(parseServerAddress(address, caPem), QUICK);
  cleanups.push(() => client.close());
  cloud = new HttpCloud(client, { authorized: (work) => work(TOKEN) });
}

beforeEach(async () => {
  server = await place((request, response) => {
    request.on('end', () => {
      const inside = request.url === '/v1/vaults' ? JSON.stringify({ vaults: [] }) : '';
      if (request.method === 'GET') response.writeHead(307, { ...SAYS, location: named }).end(inside);
      else if (request.url?.endsWith('/upload') === true)
        response.writeHead(200, SAYS).end(JSON.stringify({ to: 'elsewhere', upload: 7, url: named }));
      else response.writeHead(204, SAYS).end();
    });
  });
  clientOf(server.origin);
  // It has heard from the server, as any device has that sends a pack.
  await client.request({ method: 'POST', path: '/anything' });
  server.heard.length = 0;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const part = (): Promise<Uint8Array> => cloud.getPack(VAULT, PACK, 10, 20);
const put = (): Promise<unknown> => cloud.putPack(VAULT, PACK, BODY);
const faultOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error as { fault?: string }).fault ?? String(error),
  );

const honest: RequestListener = (request, response) => {
  request.on('end', () => {
    const headers = { 'set-cookie': 'who=you', 'access-control-allow-credentials': 'true' };
    if (request.method === 'GET') response.writeHead(206, headers).end(BYTES.subarray(10, 20));
    else response.writeHead(200, headers).end();
  });
};

describe('a place that the server names', () => {
  it('hears the range or the pack and nothing of who asks; the server hears the rest', async () => {
    const store = await place(honest);
    named = `${store.origin}/packs/${PACK}?signature=abc`;
    for (let time = 0; time < 2; time += 1) {
      expect(Buffer.from(await part())).toEqual(BYTES.subarray(10, 20));
      expect(await put()).toEqual({ kind: 'stored' });
    }
    const told = store.heard.map(({ method, url, headers }) => [method, url, headers] as const);
    const common = { host: new URL(store.origin).host, connection: 'keep-alive' };
    const target = `/packs/${PACK}?signature=abc`;
    const get = ['GET', target, { ...common, range: 'bytes=10-19' }];
    const sent = {
      ...common,
      'content-length': '1000',
      'if-none-match': '*',
      'x-amz-content-sha256': PACK,
    };
    expect(told).toEqual([get, ['PUT', target, sent], get, ['PUT', target, sent]]);
    const asked = server.heard.map(({ method, url }) => `${method} ${url?.slice(url.lastIndexOf('/'))}`);
    const once = [`GET /${PACK}`, 'POST /upload', 'POST /complete'];
    expect(asked).toEqual([...once, ...once]);
    expect(server.heard.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
  });

  it('may not send on, neither elsewhere nor to itself nor back', async () => {
    const third = await place(honest);
    for (const status of [301, 302, 303, 307, 308]) {
      let target = third.origin;
      const store = await place((_request, response) =>
        response.writeHead(status, { location: target }).end(),
      );
      named = `${store.origin}/x`;
      for (target of [third.origin, `${store.origin}/x`, `${server.origin}/v1/account`, '/x']) {
        expect(await faultOf(part())).toBe('malformed');
        expect(await faultOf(put())).toBe('malformed');
      }
      expect(store.heard).toHaveLength(8);
    }
    expect(third.heard).toEqual([]);
    expect(server.heard.some(({ url }) => url === '/v1/account')).toBe(false);
  });

  it.each([
    'http://192.0.2.1/x',
    'http://example.org/x',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/x',
    'http://2130706433.example/x',
    'https://user:password@example.org/x',
    'https://example.org/x#part',
    'ftp://127.0.0.1/x',
    'file:///etc/passwd',
    'data:text/plain,hello',
    'unix:/run/docker.sock',
    '//127.0.0.1/x',
    '/v1/account',
    'https://',
    '',
    'some place or other',
  ])('is not asked at all where it is "%s"', async (address) => {
    named = address;
    expect(await faultOf(part())).toBe('malformed');
    expect(await faultOf(put())).toBe('malformed');
    expect(server.heard.filter(({ url }) => url?.endsWith('/complete'))).toEqual([]);
  });

  it('is not asked where its address is longer than any has to be', async () => {
    named = `https://example.org/${'x'.repeat(5000)}`;
    expect(await faultOf(part())).toBe('malformed');
    expect(await faultOf(put())).toBe('malformed');
  });

  it('is nothing where nobody asked for a pack', async () => {
    const store = await place(honest);
    named = `${store.origin}/x`;
    expect(await faultOf(cloud.account())).toBe('malformed');
    expect(await faultOf(cloud.vaults())).toBe('malformed');
    expect(store.heard).toEqual([]);
  });

  it('does not hold us up, whatever it does', async () => {
    const lies: Record<string, RequestListener> = {
      'never answers': () => undefined,
      'never ends': (_request, response) => {
        response.writeHead(206);
        const drip = setInterval(() => response.write('x'), 50);
        response.on('close', () => {
          clearInterval(drip);
        });
      },
      'says too much': (_request, response) => {
        response.writeHead(206);
        const more = (): void => {
          if (!response.destroyed) response.write(Buffer.alloc(65_536), more);
        };
        more();
      },
      'announces too much': (_request, response) => {
        response.writeHead(206, { 'content-length': 2 ** 40 }).flushHeaders();
      },
      'hangs up': (request) => request.socket.destroy(),
      'says nothing': (_request, response) => response.writeHead(206).end(),
      'gives the whole': (_request, response) => response.writeHead(200).end(BYTES),
      'speaks garbage': (request) => request.socket.end('SSH-2.0-x\r\n'),
      refuses: (_request, response) => response.writeHead(403).end(),
      'is busy': (_request, response) => response.writeHead(503, { 'retry-after': '9' }).end(),
    };
    const faults: Record<string, string> = {};
    for (const [what, listener] of Object.entries(lies)) {
      named = `${(await place(listener)).origin}/x`;
      faults[what] = await faultOf(part());
    }
    expect(faults).toEqual({
      'never answers': 'offline',
      'never ends': 'offline',
      'says too much': 'malformed',
      'announces too much': 'malformed',
      'hangs up': 'offline',
      'says nothing': 'malformed',
      'gives the whole': 'malformed',
      'speaks garbage': 'unavailable',
      refuses: 'internal',
      'is busy': 'unavailable',
    });
  });

  it('says of a pack that it is taken, there, another one or refused, and no more', async () => {
    const faults: Record<number, string> = {};
    for (const status of [200, 201, 204, 400, 403, 404, 411, 412, 500, 503]) {
      const store = await place((request, response) => {
        request.on('end', () => response.writeHead(status).end('x'));
      });
      named = `${store.origin}/x`;
      faults[status] = await faultOf(put());
    }
    expect(faults).toEqual({
      200: 'none',
      201: 'none',
      204: 'none',
      400: 'bad-request',
      403: 'internal',
      404: 'internal',
      411: 'internal',
      412: 'none',
      500: 'unavailable',
      503: 'unavailable',
    });
  });

  it('is left when another is named: a thousand places keep no thousand connections', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => place(honest)));
    for (const { origin } of stores) {
      named = `${origin}/x`;
      await part();
    }
    const last = stores.at(-1)!;
    await expect.poll(() => stores.map(({ connections }) => connections)).toEqual([0, 0, 0, 0, 1]);
    expect(last.heard).toHaveLength(1);
  });

  it('stops when it is told to', async () => {
    named = `${(await place(() => undefined)).origin}/x`;
    const stop = new AbortController();
    const asked = cloud.getPack(VAULT, PACK, 0, 5, stop.signal);
    const sent = cloud.putPack(VAULT, PACK, BODY, stop.signal);
    setImmediate(() => {
      stop.abort(new Error('enough'));
    });
    await expect(asked).rejects.toThrow('enough');
    await expect(sent).rejects.toThrow('enough');
  });

  it('is not nearer than the server: nothing is said there', async () => {
    const store = await place(honest);
    for (const [space, fault] of [
      ['public', 'malformed'],
      ['private', 'malformed'],
      ['machine', 'none'],
    ] as const) {
      const direct = new DirectTransfers(parseServerAddress('http://127.0.0.1:9'), QUICK, () => space);
      cleanups.push(() => direct.close());
      expect(await faultOf(direct.get(`${store.origin}/x`, 10, 20))).toBe(fault);
    }
    expect(store.heard).toHaveLength(1);
    // A server elsewhere may not name this machine at all without TLS.
    const far = new DirectTransfers(parseServerAddress('https://example.org'), QUICK, () => 'machine');
    cleanups.push(() => far.close());
    expect(await faultOf(far.get(`${store.origin}/x`, 10, 20))).toBe('malformed');
    expect(store.heard).toHaveLength(1);
  });

  it('has a certificate of an authority that somebody trusts, or hears nothing', async () => {
    const made = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    });
    const heard: IncomingMessage[] = [];
    const tls = createTlsServer({ cert: made.cert, key: made.private }, (request, response) => {
      heard.push(request);
      request.resume();
      honest(request, response);
    });
    const store = await listening(tls, 'https', heard);
    named = `${store.origin}/x`;
    expect(await faultOf(part())).toBe('unavailable');
    expect(await faultOf(put())).toBe('unavailable');
    expect(heard).toEqual([]);
    const trusting = new DirectTransfers(
      { ...parseServerAddress(server.origin), caPem: made.cert },
      QUICK,
      () => 'machine',
    );
    cleanups.push(() => trusting.close());
    expect(Buffer.from(await trusting.get(named, 10, 20))).toEqual(BYTES.subarray(10, 20));
  });
});
