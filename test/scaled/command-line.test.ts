/** `coffre-cloud` with its packs in a bucket: how it starts, refuses to, and what stands beside `serve`. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listedBlobs, type BlobName } from '../../cloud/store/blob-store.ts';
import { openS3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import { startCloudProcess, type CloudProcess } from '../fakes/cloud-process.ts';
import { packed, Person, type TestDevice } from '../fakes/hand-made-client.ts';
import { freshBucket } from './bucket.ts';
import { flagsOf } from './make-bucket.ts';

const MAIN = join(import.meta.dirname, '../../cloud/main.ts');
const SIZE = 20_000;

let root: string;
let data: string;
let s3: S3Config;
let server: CloudProcess | null;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coffre-s3-cli-'));
  data = join(root, 'data');
  s3 = await freshBucket('coffre/');
  server = null;
});
afterEach(async () => {
  await server?.kill();
  await rm(root, { recursive: true, force: true });
});

async function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const ended = once(child, 'close') as Promise<[number]>;
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

async function fill(address: string): Promise<TestDevice> {
  const device = await new Person(address, 'a@example.org').signup();
  const view = await device.makeVault();
  const bytes = randomBytes(SIZE);
  await device.put(view, bytes);
  await device.commit(view, { added: [packed(bytes)] });
  return device;
}

async function blobs(): Promise<BlobName[]> {
  const store = openS3Blobs(s3);
  const found: BlobName[] = [];
  for await (const { name } of listedBlobs(store)) found.push(name);
  await store.close();
  return found;
}

const serve = (...args: string[]): string[] => ['serve', '--data', data, '--listen', '127.0.0.1:0', ...args];

it('keeps no pack in its data directory, and is checked, backed up and emptied where they are', async () => {
  const flags = flagsOf(s3);
  server = await startCloudProcess(data, { options: flags });
  const device = await fill(server.address);
  const [pack] = await blobs();
  expect(await readdir(data)).not.toContain('blobs');
  expect(pack?.account).toBe(device.person.account);

  const forgotten = await run(['check', '--data', data]);
  expect([forgotten.code, forgotten.err]).toMatchObject([1, expect.stringContaining(`bucket ${s3.bucket}`)]);
  const checked = await run(['check', '--data', data, '--json', ...flags]);
  const sound = { sound: true, packs: 1, blobBytes: SIZE, strayFiles: 0 };
  expect([checked.code, JSON.parse(checked.out)]).toMatchObject([0, sound]);

  const copy = join(root, 'copy');
  const backup = await run(['backup', '--data', data, '--to', copy, '--json', ...flags]);
  expect(JSON.parse(backup.out)).toMatchObject({ packs: 1, copiedBytes: SIZE, damage: [] });
  const again = await run(['backup', '--data', data, '--to', copy, '--json', ...flags]);
  expect(JSON.parse(again.out)).toMatchObject({ copiedBytes: 0, damage: [] });
  // The copy is a whole data directory, with the packs as files.
  expect((await run(['check', '--data', copy])).code).toBe(0);

  const store = openS3Blobs(s3);
  await store.remove(pack!);
  const damaged = await run(['check', '--data', data, ...flags]);
  expect([damaged.code, damaged.out]).toMatchObject([
    7,
    expect.stringContaining(`pack ${pack!.pack}: missing`),
  ]);
  const strange = Buffer.from('other bytes');
  await store.put({ ...pack!, pack: packed(strange).pack.name }, strange.length, pieces(strange));
  await store.close();
  expect((await run(['check', '--data', data, ...flags])).out).toContain('1 files no account needs');

  const deleted = await run(['users', 'delete', 'a@example.org', '--yes', '--data', data, ...flags]);
  expect([deleted.code, await blobs()]).toEqual([0, []]);
});

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from(bytes);
}

it('starts on keys from a file as well, and stops in good order', async () => {
  const { accessKeyId, secretAccessKey } = s3.credentials;
  const file = join(root, 'keys');
  await writeFile(
    file,
    `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  const flags = flagsOf(s3);
  process.env['AWS_ACCESS_KEY_ID'] = '';
  process.env['AWS_SECRET_ACCESS_KEY'] = '';
  server = await startCloudProcess(data, { options: [...flags, '--s3-credentials', file] });
  const answer = await fetch(`${server.address}/v1/server`);
  expect(answer.headers.get('coffre-packs')).toBe('elsewhere');
  await server.stop();
  server = null;
  expect(await blobs()).toEqual([]);
});

it('sends no device to a place that it could not go to', async () => {
  const options = [...flagsOf(s3), '--s3-public-endpoint', 'http://packs.example.org'];
  server = await startCloudProcess(data, { options });
  expect((await fetch(`${server.address}/v1/server`)).headers.get('coffre-packs')).toBeNull();
  await fill(server.address);
  expect(await blobs()).toHaveLength(1);
});

it('does not start on what is no use to it, and says in one line why and what to do', async () => {
  const wrongKeys = { AWS_SECRET_ACCESS_KEY: 'not-the-secret' };
  const failures: [string, string[], Record<string, string>, number, RegExp][] = [
    [
      'no bucket',
      flagsOf({ ...s3, bucket: 'not-there' }),
      {},
      1,
      /cannot write .*NoSuchBucket.*make the bucket/,
    ],
    ['other keys', flagsOf(s3), wrongKeys, 1, /SignatureDoesNotMatch.*check the secret key/],
    [
      'nobody there',
      flagsOf({ ...s3, endpoint: 'http://127.0.0.1:1' }),
      {},
      1,
      /ECONNREFUSED.*--s3-endpoint/,
    ],
    ['no keys', flagsOf(s3), { AWS_ACCESS_KEY_ID: '' }, 2, /AWS_ACCESS_KEY_ID.*--s3-credentials/],
    ['half of it', ['--s3-bucket', 'packs'], {}, 2, /--s3-endpoint and --s3-bucket go together/],
  ];
  for (const [what, flags, environment, code, line] of failures) {
    const failed = await run(serve(...flags), environment);
    expect([what, failed.code, failed.out]).toEqual([what, code, '']);
    expect(failed.err.trimEnd()).toMatch(line);
    expect(failed.err.trimEnd().split('\n')).toHaveLength(1);
    for (const secret of [s3.credentials.secretAccessKey, s3.credentials.accessKeyId, 'not-the-secret'])
      expect(failed.err).not.toContain(secret);
  }
});

it('does not lose sight of packs by flags that were changed', async () => {
  server = await startCloudProcess(data);
  await fill(server.address);
  await server.stop();
  server = null;
  const files = await run(serve(...flagsOf(s3)));
  expect([files.code, files.err]).toMatchObject([1, expect.stringContaining('are files in')]);
  expect(await blobs()).toEqual([]);

  data = join(root, 'other');
  server = await startCloudProcess(data, { options: flagsOf(s3) });
  await server.stop();
  server = null;
  const without = await run(serve());
  expect([without.code, without.err]).toMatchObject([1, expect.stringContaining('give --s3-endpoint')]);
  const elsewhere = await run(serve(...flagsOf(await freshBucket())));
  expect([elsewhere.code, elsewhere.err]).toMatchObject([1, expect.stringContaining('say otherwise')]);
});
