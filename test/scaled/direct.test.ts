/** Packs that go straight between a device and the store: what the server promises, charges, checks and cleans up. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { directUploadHeaders } from '../../protocol/cloud.ts';
import { DAY_MS } from '../../protocol/limits.ts';
import { UPLOAD_MS } from '../../cloud/packs/pack-state.ts';
import { startServer, type RunningServer } from '../../cloud/server.ts';
import { listedBlobs } from '../../cloud/store/blob-store.ts';
import { openS3Blobs, type S3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import { packed, packName, Person, type TestDevice, type VaultView } from '../fakes/hand-made-client.ts';
import { freshBucket, removeBucket } from './bucket.ts';

const QUOTA_BYTES = 10_000_000;

let dataDir: string;
let s3: S3Config;
let bucket: S3Blobs;
let server: RunningServer;
let device: TestDevice;
let view: VaultView;
let aheadMs: number;

beforeEach(async () => {
  aheadMs = 0;
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-direct-'));
  s3 = await freshBucket();
  bucket = openS3Blobs(s3);
  server = await startServer({
    dataDir,
    s3,
    logLevel: 'silent',
    quotaBytes: QUOTA_BYTES,
    now: () => Date.now() + aheadMs,
  });
  device = await new Person(server.address).signup();
  view = await device.makeVault();
});
afterEach(async () => {
  await server.close();
  await bucket.close();
  await rm(dataDir, { recursive: true, force: true });
});

const path = (bytes: Uint8Array, rest = ''): string =>
  `/v1/vaults/${view.vault}/packs/${packName(bytes)}${rest}`;

interface Begun {
  readonly upload: number;
  readonly url: string;
}

async function begin(bytes: Uint8Array, by = device): Promise<Begun> {
  const answer = await by.ask('POST', path(bytes, '/upload'), { size: bytes.length });
  expect([answer.status, answer.json.to]).toEqual([200, 'elsewhere']);
  return answer.json as Begun;
}

function complete(bytes: Uint8Array, { upload }: Begun, by = device): ReturnType<TestDevice['ask']> {
  return by.ask('POST', path(bytes, '/complete'), { upload });
}

/** To the store, as anybody who has the address could. */
async function send(url: string, name: Uint8Array, body: Uint8Array, headers = {}): Promise<number> {
  const sent = { ...directUploadHeaders(packName(name)), ...headers };
  const answer = await fetch(url, { method: 'PUT', body: Buffer.from(body), headers: sent });
  await answer.arrayBuffer();
  return answer.status;
}

async function upload(bytes: Uint8Array): Promise<void> {
  const begun = await begin(bytes);
  expect(await send(begun.url, bytes, bytes)).toBe(200);
  expect((await complete(bytes, begun)).status).toBe(204);
}

const uncommitted = async (): Promise<number> =>
  ((await device.ask('GET', '/v1/account')).json.quota as { uncommittedBytes: number }).uncommittedBytes;

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of listedBlobs(bucket)) found.push(name.pack);
  return found.sort();
}

async function later(ms: number): Promise<void> {
  aheadMs += ms;
  await server.upkeep.run();
  device.session = (await device.refresh()).json as TestDevice['session'];
}

it('says on every answer that packs go elsewhere', async () => {
  for (const route of ['/v1/account', '/v1/vaults', '/healthz', '/v1/nowhere'])
    expect((await device.ask('GET', route)).headers.get('coffre-packs')).toBe('elsewhere');
});

it('takes a pack without seeing it, and sends readers to it', async () => {
  const bytes = randomBytes(100_000);
  await upload(bytes);
  expect((await device.ask('POST', path(bytes, '/upload'), { size: bytes.length })).json).toEqual({
    to: 'none',
  });
  expect((await device.commit(view, { added: [packed(bytes)] })).status).toBe(200);

  const headers = { authorization: `Bearer ${device.session.accessToken}`, range: 'bytes=10-19' };
  const asked = await fetch(`${server.address}${path(bytes)}`, { headers, redirect: 'manual' });
  expect([asked.status, (await asked.arrayBuffer()).byteLength]).toEqual([307, 0]);
  const url = asked.headers.get('location')!;
  expect(new URL(url).origin).toBe(s3.endpoint);
  const part = await fetch(url, { headers: { range: 'bytes=10-19' } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 20));
  const whole = await device.ask('GET', path(bytes));
  expect(createHash('sha256').update(whole.bytes).digest('hex')).toBe(packName(bytes));
  // What travelled in its commit is in no bucket.
  const small = randomBytes(500);
  expect((await device.commit(view, { added: [packed(small)], inline: [small] })).status).toBe(200);
  expect((await device.ask('GET', path(small))).headers.get('location')).toBeNull();
  const metrics = Buffer.from((await device.ask('GET', '/metrics')).bytes).toString();
  expect(metrics).toContain('coffre_pack_bytes_total{direction="in"} 100000');
  expect(metrics).toContain('coffre_pack_bytes_total{direction="out"} 100510');
});

it('names an address for these bytes alone: no other, no longer, no other key, not again', async () => {
  const bytes = randomBytes(5000);
  const begun = await begin(bytes);
  const { url } = begun;
  const other = randomBytes(5000);
  expect(await send(url, bytes, other)).toBe(400);
  expect(await send(url, other, other)).toBe(403);
  expect(await send(url, bytes, bytes.subarray(1))).toBe(403);
  expect(await send(url, bytes, Buffer.concat([bytes, bytes]))).toBe(403);
  expect(await send(url, bytes, bytes, { 'if-none-match': '"x"' })).toBe(403);
  const elsewhere = url.replace(packName(bytes), packName(other));
  expect(await send(elsewhere, bytes, bytes)).toBe(403);
  expect(await keys()).toEqual([]);
  const early = await complete(bytes, begun);
  expect([early.status, early.json.error.code]).toEqual([400, 'bad-request']);
  expect((await device.commit(view, { added: [packed(bytes)] })).json.error.code).toBe('pack-missing');
  expect(await send(url, bytes, bytes)).toBe(200);
  expect(await send(url, bytes, bytes)).toBe(412);
  expect((await fetch(url, { headers: directUploadHeaders(packName(bytes)) })).status).toBe(403);
  expect((await complete(bytes, begun)).status).toBe(204);
  // The answer was lost: it is as good the second time.
  expect((await complete(bytes, begun)).status).toBe(204);
});

it('charges an upload once, however often it is begun, and gives back what never came', async () => {
  const [bytes, other] = [randomBytes(4_000_000), randomBytes(6_000_001)];
  const first = await begin(bytes);
  for (let time = 0; time < 3; time += 1) expect((await begin(bytes)).upload).toBe(first.upload);
  expect(await uncommitted()).toBe(4_000_000);
  const full = await device.ask('POST', path(other, '/upload'), { size: other.length });
  expect([full.status, full.json.error.code]).toEqual([507, 'quota']);
  await later(UPLOAD_MS + 1000);
  expect(await uncommitted()).toBe(0);
  expect((await complete(bytes, first)).status).toBe(404);
  await begin(other);
});

it('never promises more than the quota to uploads that race for it', async () => {
  const all = Array.from({ length: 50 }, () => randomBytes(16));
  const answers = await Promise.all(
    all.map((bytes) => device.ask('POST', path(bytes, '/upload'), { size: 999_000 })),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 507)).toHaveLength(40);
  expect(await uncommitted()).toBe(9_990_000);
});

it('lets nobody else begin, complete or read', async () => {
  const bytes = randomBytes(3000);
  const begun = await begin(bytes);
  const stranger = await new Person(server.address).signup();
  expect((await stranger.ask('POST', path(bytes, '/upload'), { size: 3000 })).status).toBe(404);
  await send(begun.url, bytes, bytes);
  expect((await complete(bytes, begun, stranger)).status).toBe(404);
  const foreign = await stranger.makeVault();
  const there = `/v1/vaults/${foreign.vault}/packs/${packName(bytes)}/complete`;
  expect((await stranger.ask('POST', there, { upload: begun.upload })).status).toBe(404);
  const another = randomBytes(10);
  expect((await complete(another, begun)).status).toBe(404);
  expect((await complete(bytes, begun)).status).toBe(204);
  expect((await stranger.ask('GET', path(bytes))).status).toBe(404);
  for (const size of [0, -1, 16 * 1024 * 1024 + 1, 1.5, '1'])
    expect((await device.ask('POST', path(another, '/upload'), { size })).status).toBe(400);
});

it('takes a pack through itself as well, from a device that does not know better', async () => {
  const bytes = randomBytes(200_000);
  expect((await device.put(view, bytes)).status).toBe(201);
  expect((await device.put(view, bytes)).status).toBe(200);
  expect((await device.put(view, randomBytes(100), packName(randomBytes(9)))).status).toBe(400);
  expect(await keys()).toEqual([packName(bytes)]);
});

it('says that it cannot now, to whoever sends, reads or completes, when the bucket goes away', async () => {
  const [bytes, large] = [randomBytes(3000), randomBytes(5_000_000)];
  const begun = await begin(bytes);
  await removeBucket(s3);
  const answers = [await device.put(view, large), await device.put(view, randomBytes(10))];
  const refused = { status: 503, json: { error: { code: 'unavailable' }, retryAfterS: 30 } };
  expect(answers).toMatchObject([refused, refused]);
  expect(await send(begun.url, bytes, bytes)).toBe(404);
  expect((await complete(bytes, begun)).json.error.code).toBe('bad-request');
  expect(await uncommitted()).toBe(3000);
});

it('removes what came and was never completed, and all of an account that goes', async () => {
  const [kept, stray] = [randomBytes(3000), randomBytes(4000)];
  await upload(kept);
  await device.commit(view, { added: [packed(kept)] });
  await send((await begin(stray)).url, stray, stray);
  await later(6 * DAY_MS);
  expect(await keys()).toHaveLength(2);
  await later(2 * DAY_MS);
  expect(await keys()).toEqual([packName(kept)]);
  const { grant } = await device.person.grant();
  const gone = await fetch(`${server.address}/v1/account`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${grant}` },
  });
  expect(gone.status).toBe(204);
  await server.upkeep.run();
  expect(await keys()).toEqual([]);
});
