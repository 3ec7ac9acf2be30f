import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { CloudFault } from './cloud.ts';
import { bytesBody, HttpClient, jsonBody, type CloudRequest } from './http-client.ts';
import { parseServerAddress } from './server-address.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Listener = NonNullable<Parameters<typeof createServer>[1]>;

async function listening(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  );
  return (server.address() as AddressInfo).port;
}

const QUICK = { connectMs: 5000, headersMs: 600, bodyMs: 600 };

function clientOf(address: string, caPem: string | null = null): HttpClient {
  const client = new HttpClient(parseServerAddress(address, caPem), QUICK);
  cleanups.push(() => client.close());
  return client;
}

async function clientFor(listener: Listener): Promise<HttpClient> {
  return clientOf(`http://127.0.0.1:${await listening(createServer(listener))}`);
}

const GET: CloudRequest = { method: 'GET', path: '/v1/server' };
const answerSchema = z.object({ hello: z.string() });

async function faultOf(work: Promise<unknown>): Promise<CloudFault | 'none'> {
  return work.then(
    () => 'none' as const,
    (error: unknown) => (error as { fault: CloudFault }).fault,
  );
}

const GOOD = { 'coffre-protocol': '1', 'content-type': 'application/json' };

describe('the HTTP client', () => {
  it('sends version, token and body with its length, and reads JSON of the agreed shape', async () => {
    let seen: unknown;
    const client = await clientFor((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const { authorization, 'content-length': length, 'coffre-protocol': version } = request.headers;
        seen = { authorization, length, version, body: Buffer.concat(pieces).toString() };
        response.writeHead(200, GOOD).end('{"hello":"you"}');
      });
    });
    const request: CloudRequest = { method: 'POST', path: '/v1/x', token: 'T', body: jsonBody({ a: 1 }) };
    await expect(client.json(answerSchema, request)).resolves.toEqual({ hello: 'you' });
    expect(seen).toEqual({ authorization: 'Bearer T', length: '7', version: '1', body: '{"a":1}' });
  });

  it('sends large bytes whole', async () => {
    const bytes = Buffer.alloc(300_001, 7);
    const client = await clientFor((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (piece: Buffer) => hash.update(piece));
      request.on('end', () => {
        response.writeHead(200, GOOD).end(JSON.stringify({ hello: hash.digest('hex') }));
      });
    });
    const answer = await client.json(answerSchema, { method: 'PUT', path: '/', body: bytesBody(bytes) });
    expect(answer.hello).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it("gives the server's refusal its code and its wait", async () => {
    const client = await clientFor((_request, response) => {
      const body = { error: { code: 'rate-limited', message: 'slowly' }, retryAfterS: 7 };
      response.writeHead(429, GOOD).end(JSON.stringify(body));
    });
    await expect(client.bytes(GET)).rejects.toMatchObject({ fault: 'rate-limited', retryAfterS: 7 });
  });

  it('takes no wait of more than an hour from a server', async () => {
    const client = await clientFor((_request, response) => {
      const body = { error: { code: 'unavailable', message: 'never' }, retryAfterS: 1e12 };
      response.writeHead(503, GOOD).end(JSON.stringify(body));
    });
    await expect(client.bytes(GET)).rejects.toMatchObject({ fault: 'unavailable', retryAfterS: 3600 });
  });

  it.each<[string, CloudFault, Listener]>([
    [
      'another protocol version',
      'version',
      (_q, r) => r.writeHead(200, { 'coffre-protocol': '2' }).end('{}'),
    ],
    ['a captive portal', 'stranger', (_q, r) => r.writeHead(200).end('<html>')],
    [
      'a captive portal that says much',
      'stranger',
      (_q, r) => r.writeHead(200, { 'content-length': 2_000_000 }).write('<html>'),
    ],
    ['a redirect', 'malformed', (_q, r) => r.writeHead(302, { ...GOOD, location: '/v1/x' }).end()],
    ['a proxy without its server', 'unavailable', (_q, r) => r.writeHead(502).end('<html>')],
    ['JSON that is cut', 'malformed', (_q, r) => r.writeHead(200, GOOD).end('{"hello":')],
    ['JSON of another shape', 'malformed', (_q, r) => r.writeHead(200, GOOD).end('{"hello":5}')],
    ['an error of another shape', 'malformed', (_q, r) => r.writeHead(400, GOOD).end('{"error":"x"}')],
    [
      'an answer announced too large',
      'malformed',
      (_q, r) => r.writeHead(200, { ...GOOD, 'content-length': 2 ** 40 }).write('{'),
    ],
    [
      'an answer that never ends',
      'malformed',
      (_q, r) => {
        r.writeHead(200, GOOD);
        const more = (): void => {
          if (!r.destroyed) r.write(Buffer.alloc(65_536), more);
        };
        more();
      },
    ],
    [
      'fewer bytes than announced',
      'offline',
      (_q, r) => {
        r.writeHead(200, { ...GOOD, 'content-length': 10 });
        r.write('{"', () => r.destroy());
      },
    ],
    ['a connection that is cut', 'offline', (q) => q.destroy()],
    ['silence', 'offline', () => undefined],
    [
      'a byte now and then',
      'offline',
      (_q, r) => {
        r.writeHead(200, GOOD);
        const drip = setInterval(() => r.write(' '), 50);
        r.on('close', () => {
          clearInterval(drip);
        });
      },
    ],
    ['silence in the middle of an answer', 'offline', (_q, r) => r.writeHead(200, GOOD).write('{')],
  ])('takes %s as %s', async (_what, fault, listener) => {
    const client = await clientFor(listener);
    expect(await faultOf(client.json(answerSchema, { ...GET, maxBytes: 1_000_000 }))).toBe(fault);
  });

  it('takes garbage as a stranger and a closed port as offline', async () => {
    const port = await listening(
      createTcpServer((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n'))),
    );
    expect(await faultOf(clientOf(`http://127.0.0.1:${port}`).bytes(GET))).toBe('stranger');
    const gone = createTcpServer();
    const free = await listening(gone);
    gone.close();
    expect(await faultOf(clientOf(`http://127.0.0.1:${free}`).bytes(GET))).toBe('offline');
  });

  it('stops when it is told to', async () => {
    const client = await clientFor(() => undefined);
    const stop = new AbortController();
    const request = client.bytes({ ...GET, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(request).rejects.toThrow('enough');
  });
});

describe('TLS', () => {
  let ours: { cert: string; key: string; fingerprint: string };
  let other: { cert: string; key: string; fingerprint: string };

  async function makeCertificate(): Promise<typeof ours> {
    const made = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    });
    const der = Buffer.from(made.cert.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    return {
      cert: made.cert,
      key: made.private,
      fingerprint: createHash('sha256').update(der).digest('hex'),
    };
  }

  beforeAll(async () => {
    ours = await makeCertificate();
    other = await makeCertificate();
  });

  async function serve(): Promise<{ origin: string; requests: () => number }> {
    let requests = 0;
    const server = createTlsServer({ cert: ours.cert, key: ours.key }, (_request, response) => {
      requests += 1;
      response.writeHead(200, GOOD).end('{"hello":"tls"}');
    });
    return { origin: `https://127.0.0.1:${await listening(server)}`, requests: () => requests };
  }

  it('accepts the pinned certificate without any authority, and refuses every other before a byte is sent', async () => {
    const server = await serve();
    await expect(clientOf(`${server.origin}/#${ours.fingerprint}`).json(answerSchema, GET)).resolves.toEqual({
      hello: 'tls',
    });
    const before = server.requests();
    const wrong = clientOf(`${server.origin}/#${other.fingerprint}`);
    expect(await faultOf(wrong.bytes({ ...GET, token: 'secret' }))).toBe('certificate');
    expect(server.requests()).toBe(before);
  });

  it('accepts a private authority, and refuses an unknown one', async () => {
    const server = await serve();
    await expect(clientOf(server.origin, ours.cert).json(answerSchema, GET)).resolves.toEqual({
      hello: 'tls',
    });
    expect(await faultOf(clientOf(server.origin).bytes(GET))).toBe('certificate');
    expect(await faultOf(clientOf(server.origin, other.cert).bytes(GET))).toBe('certificate');
  });

  it('takes a server that speaks no TLS for one without the certificate', async () => {
    const port = await listening(createServer((_q, r) => r.end()));
    expect(await faultOf(clientOf(`https://127.0.0.1:${port}/#${ours.fingerprint}`).bytes(GET))).toBe(
      'certificate',
    );
  });
});
