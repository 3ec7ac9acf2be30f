import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { AccountId, PackName, VaultId } from '../../../protocol/ids.ts';
import { BlobStoreUnavailable, type BlobName } from '../blob-store.ts';
import { openS3Blobs, type S3Blobs } from './s3-blobs.ts';
import { S3Client } from './s3-client.ts';

const LIMITS = { connectMs: 500, silenceMs: 300, attempts: 3, firstWaitMs: 5 };
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-key', sessionToken: 'a-session-token' };
const SOME = Buffer.from('the bytes of a pack');
const NAME: BlobName = {
  account: 'aa'.repeat(16) as AccountId,
  vault: 'bb'.repeat(16) as VaultId,
  pack: createHash('sha256').update(SOME).digest('hex') as PackName,
};

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function storeAt(port: number): S3Blobs {
  const endpoint = `http://127.0.0.1:${port}`;
  const config = {
    endpoint,
    publicEndpoint: null,
    bucket: 'packs',
    region: 'us-east-1',
    prefix: '',
    credentials: KEYS,
  };
  const blobs = openS3Blobs(config, { client: new S3Client(config, LIMITS) });
  cleanups.push(() => blobs.close());
  return blobs;
}

/** A store that answers as it is told. */
async function storeWhich(listener: RequestListener): Promise<{ blobs: S3Blobs; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request);
    request.on('error', () => undefined);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  return { blobs: storeAt((server.address() as AddressInfo).port), asked };
}

async function* body(...pieces: Buffer[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

const refusal = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`;

describe('an S3 store that does not do as it should', () => {
  it('is asked three times, then it is unavailable; a body is sent once', async () => {
    const busy = await storeWhich((request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(503).end(refusal('SlowDown')));
    });
    await expect(busy.blobs.get(NAME, 0, 5)).rejects.toThrow(BlobStoreUnavailable);
    expect(busy.asked).toHaveLength(3);
    await expect(busy.blobs.put(NAME, SOME.length, body(SOME))).rejects.toThrow(BlobStoreUnavailable);
    expect(busy.asked).toHaveLength(4);
  });

  it('is asked again where it was busy for a moment, or hung up', async () => {
    const { blobs, asked } = await storeWhich((request, response) => {
      if (asked.length === 1) request.socket.destroy();
      else if (asked.length === 2) response.writeHead(500).end();
      else response.writeHead(206).end(SOME.subarray(0, 5));
    });
    expect(await buffer((await blobs.get(NAME, 0, 5))!)).toEqual(SOME.subarray(0, 5));
  });

  it('is not waited for', async () => {
    const silent = await storeWhich(() => undefined);
    await expect(silent.blobs.verify(NAME, 5)).rejects.toThrow(BlobStoreUnavailable);
    const stalling = await storeWhich((_request, response) => {
      response.writeHead(200, { 'content-length': SOME.length }).write(SOME.subarray(0, 3));
    });
    await expect(stalling.blobs.verify(NAME, SOME.length)).rejects.toThrow(BlobStoreUnavailable);
    await expect(storeAt(1).remove(NAME)).rejects.toThrow(BlobStoreUnavailable);
  });

  it('tells a missing blob from a missing bucket and from keys it does not take', async () => {
    let code = 'NoSuchKey';
    const { blobs } = await storeWhich((_request, response) => response.writeHead(404).end(refusal(code)));
    expect(await blobs.get(NAME, 0, 5)).toBeNull();
    expect(await blobs.verify(NAME, 5)).toBe('missing');
    for (code of ['NoSuchBucket', 'AccessDenied', '<broken']) {
      await expect(blobs.get(NAME, 0, 5)).rejects.toThrow(BlobStoreUnavailable);
      await expect(blobs.removeAccount(NAME.account)).rejects.toThrow(BlobStoreUnavailable);
    }
  });

  it('gives no part where it answers with the whole, and no list where it says anything else', async () => {
    const { blobs } = await storeWhich((_request, response) => response.writeHead(200).end('<html>'));
    await expect(blobs.get(NAME, 2, 5)).rejects.toThrow(BlobStoreUnavailable);
    await expect(blobs.list(null)).rejects.toThrow(BlobStoreUnavailable);
  });

  it('never gets a whole body that is another, so that it need not look itself', async () => {
    let whole = 0;
    const { blobs } = await storeWhich((request, response) => {
      request.resume();
      request.on('end', () => {
        whole += 1;
        response.writeHead(200).end();
      });
    });
    const other = Buffer.from('other bytes, as many');
    expect(await blobs.put(NAME, SOME.length, body(SOME.subarray(0, 4), other.subarray(5)))).toBe('mismatch');
    expect(await blobs.put(NAME, SOME.length, body(SOME.subarray(0, 4)))).toBe('mismatch');
    expect(await blobs.put(NAME, SOME.length, body(SOME, SOME))).toBe('mismatch');
    expect(whole).toBe(0);
    expect(await blobs.put(NAME, SOME.length, body(SOME.subarray(0, 4), SOME.subarray(4)))).toBe('stored');
    expect(whole).toBe(1);
  });

  it('is reached where it is, and devices reach it where they can', async () => {
    const at = async (endpoint: string, publicEndpoint: string | null = null): Promise<string[]> => {
      const place = { endpoint, publicEndpoint, bucket: 'packs', region: 'eu-1', prefix: 'a b/' };
      const client = new S3Client({ ...place, credentials: KEYS });
      cleanups.push(() => client.close());
      const asked = { method: 'GET', key: 'name' } as const;
      const urls = [await client.presign(asked, 60), await client.presign(asked, 60, 'here')];
      expect(
        urls.every((url) => url.includes('X-Amz-Expires=60') && !url.includes(KEYS.secretAccessKey)),
      ).toBe(true);
      return urls.map((url) => url.split('?')[0] ?? '');
    };
    const byPath = 'https://s3.example.org/packs/a%20b/name';
    expect(await at('https://s3.example.org')).toEqual([byPath, byPath]);
    const byHost = 'https://packs.s3.example.org/a%20b/name';
    expect(await at('https://packs.s3.example.org')).toEqual([byHost, byHost]);
    expect(await at('http://10.0.0.5:7480', 'https://s3.example.org')).toEqual([
      byPath,
      'http://10.0.0.5:7480/packs/a%20b/name',
    ]);
  });

  it('hears what it has to check, and no secret; neither does an error', async () => {
    const { blobs, asked } = await storeWhich((_request, response) => {
      response.writeHead(403).end(refusal('SignatureDoesNotMatch'));
    });
    const error = await blobs.put(NAME, SOME.length, body(SOME)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BlobStoreUnavailable);
    expect(inspect(error, { depth: 9 })).toContain('SignatureDoesNotMatch');
    for (const secret of Object.values(KEYS)) expect(inspect(error, { depth: 9 })).not.toContain(secret);
    const { headers } = asked[0]!;
    expect(headers).toMatchObject({
      'content-length': String(SOME.length),
      'if-none-match': '*',
      'x-amz-content-sha256': NAME.pack,
      'x-amz-security-token': KEYS.sessionToken,
    });
    expect(headers.authorization).toMatch(/SignedHeaders=host;if-none-match;x-amz-content-sha256/);
    expect(JSON.stringify(headers)).not.toContain(KEYS.secretAccessKey);
  });
});
