/** Whole devices on a server whose packs are in a bucket: what they write comes across, and not through the server. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedBlobs } from '../../cloud/store/blob-store.ts';
import { openS3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import { agree } from '../integration/agree.ts';
import { World, type Device } from '../integration/harness.ts';
import { freshBucket } from './bucket.ts';
import { flagsOf } from './make-bucket.ts';

const MB = 1_000_000;
const CLI = join(import.meta.dirname, '../../cli/main.ts');

describe('two devices, a server and a bucket', { timeout: 180_000 }, () => {
  let s3: S3Config;
  let world: World;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    s3 = await freshBucket();
    world = await World.begin(flagsOf(s3));
    one = await world.device('one');
    two = await world.device('two');
  }, 120_000);
  afterAll(async () => {
    await world.end();
  });

  async function inBucket(): Promise<number> {
    const store = openS3Blobs(s3);
    let bytes = 0;
    for await (const { size } of listedBlobs(store)) bytes += size;
    await store.close();
    return bytes;
  }

  it('brings 30 MB across, of which the server sees next to nothing', async () => {
    mkdirSync(one.path('folder'));
    for (let count = 0; count < 3; count += 1)
      writeFileSync(one.path('folder', `large-${count}`), randomBytes(10 * MB));
    for (let count = 0; count < 200; count += 1)
      writeFileSync(one.path(`small-${count}`), `${count}, `.repeat(500));
    await agree(one, two);
    expect(await inBucket()).toBeGreaterThan(30 * MB);
    expect(world.wire.recorded().length).toBeLessThan(3 * MB);
  });

  it('goes on where the server was killed in the middle', async () => {
    writeFileSync(two.path('later'), randomBytes(20 * MB));
    const waited = two.wait();
    await world.server.kill9();
    await world.server.start();
    await waited;
    await agree(two, one);
  });

  it('gives everything back for the 24 words alone', async () => {
    const checked = await one.ok('check', '--read-data', '100');
    expect(checked.json).toMatchObject({ keys: 'device' });
    const folder = one.path('..', 'exported');
    const args = ['export', folder, '--server', world.wire.url, '--email', world.email, '--phrase-stdin'];
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(`${world.phrase}\n`);
    expect((await once(child, 'exit'))[0]).toBe(0);
    const exported = new Map(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => [entry.name, join(entry.parentPath, entry.name)]),
    );
    const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
    for (const [name, path] of [
      ['later', one.path('later')],
      ['large-1', one.path('folder/large-1')],
      ['small-7', one.path('small-7')],
    ] as const)
      expect(hash(exported.get(name) ?? '')).toBe(hash(path));
    rmSync(folder, { recursive: true });
  });
});
