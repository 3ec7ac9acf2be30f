import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { hashOf } from '../../../protocol/signing.ts';
import { S3Client } from './s3-client.ts';
import { probeBucket } from './s3-probe.ts';

const KEYS = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: null };
const LIST = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Habit = (request: IncomingMessage, body: Buffer) => number | null;

/** A store of one bucket that looks at no signature, and at content only if its habit does. */
async function probe(habit: Habit, publicEndpoint: string | null = null): Promise<[boolean, string[]]> {
  const objects = new Map<string, Buffer>();
  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const key = request.url?.split('?')[0] ?? '';
    const status = habit(request, body);
    if (status !== null) response.writeHead(status).end(`<Error><Code>AccessDenied</Code></Error>`);
    else if (request.method === 'PUT') {
      objects.set(key, body);
      response.writeHead(200).end();
    } else if (request.method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
    } else if (request.url?.includes('list-type') === true) response.writeHead(200).end(LIST);
    else response.writeHead(206).end(objects.get(key)?.subarray(1, 10));
  };
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      answer(request, response, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => once(server.close(), 'close'));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = { endpoint, publicEndpoint, bucket: 'packs', region: 'r', prefix: 'p/', credentials: KEYS };
  const client = new S3Client(config);
  cleanups.push(() => client.close());
  return [await probeBucket(config, client), [...objects.keys()]];
}

const checksContent: Habit = ({ method, headers }, body) =>
  method === 'PUT' && headers['x-amz-content-sha256'] !== hashOf(body) ? 400 : null;

it('lets devices go to a store that checks what is sent, and leaves nothing there', async () => {
  expect(await probe(checksContent)).toEqual([true, []]);
  expect(await probe(checksContent, 'https://packs.example.org')).toEqual([true, []]);
});

it('keeps devices from a store that takes anything, from one that takes no address, and off plain http', async () => {
  expect(await probe(() => null)).toEqual([false, []]);
  const takesNone: Habit = (request, body) =>
    request.url?.includes('X-Amz-Signature') === true ? 403 : checksContent(request, body);
  expect(await probe(takesNone)).toEqual([false, []]);
  expect(await probe(checksContent, 'http://packs.example.org')).toEqual([false, []]);
});

it.each([
  ['write', 'PUT', /cannot write in the bucket packs/],
  ['read', 'GET', /cannot read .*AccessDenied.*allow these keys/],
  ['delete', 'DELETE', /cannot delete/],
])('does not start where it may not %s', async (_what, method, message) => {
  await expect(probe((request) => (request.method === method ? 403 : null))).rejects.toThrow(message);
});
