import { createCipheriv, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PackWorld, VAULT } from '../../test/fakes/pack-world.ts';
import { EMPTY_CONTENT, type NodeId } from '../../protocol/ids.ts';
import { KIB, MAX_PACK_BYTES, MIB, RANGE_ALIGNMENT } from '../../protocol/limits.ts';
import { hashOf } from '../../protocol/signing.ts';
import { openPackIndex } from '../crypto/pack-index.ts';
import { padme } from '../crypto/padding.ts';
import { NodeDisk } from '../local-fs/node-disk.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import { InlineWorkers } from '../workers/inline-workers.ts';
import { sealingWorkers } from '../workers/sealing-workers.ts';
import type { Content, FetchResult, FileToFetch, FileToIngest, IngestResult } from './sealing-jobs.ts';
import type { VaultTransferOptions } from './vault-transfer.ts';

const never = new AbortController().signal;
let world: PackWorld;
let lastNode = 0;

beforeEach(() => {
  world = new PackWorld();
  mkdirSync(world.at('staging'));
});
afterEach(() => {
  world.remove();
});

function noise(size: number, seed: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

function transfer(disk: Disk = new NodeDisk(), more: Partial<VaultTransferOptions> = {}) {
  return world.transfer(sealingWorkers(new InlineWorkers(disk)), more);
}

function node(): NodeId {
  lastNode += 1;
  return lastNode.toString(16).padStart(32, '0') as NodeId;
}

function put(name: string, bytes: Uint8Array): FileToIngest {
  writeFileSync(world.at(name), bytes);
  return { id: node(), path: world.at(name), type: 'file' };
}

function ok(result: IngestResult | undefined) {
  if (result?.ok !== true) throw new Error(`not ingested: ${JSON.stringify(result)}`);
  return result;
}

async function ingestOne(file: FileToIngest): Promise<Content> {
  const [result] = await transfer().ingest([file], world.hooks, never);
  return ok(result).content;
}

function wanted(name: string, content: Content, basis?: FileToFetch['basis']): FileToFetch {
  const file = { id: node(), content, stagingPath: world.at(`staging/${name}`) };
  return basis === undefined ? file : { ...file, basis };
}

async function fetchAll(files: readonly FileToFetch[], by = transfer()): Promise<FetchResult[]> {
  const results: FetchResult[] = [];
  await by.fetch(files, (result) => results.push(result), never);
  expect(results.map(({ id }) => id).sort()).toEqual(files.map(({ id }) => id).sort());
  return files.map(({ id }) => results.find((result) => result.id === id)!);
}

const staged = (name: string) => readFileSync(world.at(`staging/${name}`));
const sentBytes = () => world.sent.reduce((sum, pack) => sum + pack.size, 0);

/** Calls `before` with each call's name and path or handle. */
function watchedDisk(before: (call: string, first: unknown) => void): Disk {
  return new Proxy<Disk>(new NodeDisk(), {
    get(disk, name) {
      const call = Reflect.get(disk, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        before(String(name), args[0]);
        return call.apply(disk, args);
      };
    },
  });
}

describe('ingest and fetch', { timeout: 60_000 }, () => {
  it('bring files of every shape back', async () => {
    const contents: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      byte: Buffer.from('x'),
      small: noise(3000, 1),
      'at-minimum': noise(64 * KIB, 2),
      'over-minimum': noise(64 * KIB + 1, 3),
      text: Buffer.from('a line of text that repeats\n'.repeat(40_000)),
      large: noise(9 * MIB + 12345, 4),
      zeros: Buffer.alloc(5 * MIB),
      listed: noise(24 * MIB, 5),
    };
    const files = Object.entries(contents).map(([name, bytes]) => put(name, bytes));
    symlinkSync('../elsewhere/é', world.at('link'));
    files.push({ id: node(), path: world.at('link'), type: 'symlink' });

    const results = (await transfer().ingest(files, world.hooks, never)).map(ok);
    expect(results.map(({ id }) => id)).toEqual(files.map(({ id }) => id));
    expect(results[0]!.content.id).toBe(EMPTY_CONTENT);
    expect(results[8]!.content.depth).toBe(1);
    for (const [index, bytes] of Object.values(contents).entries()) {
      expect(results[index]!.content.size).toBe(bytes.length);
      expect(results[index]!.stat.size).toBe(bytes.length);
    }

    const names = [...Object.keys(contents), 'link'];
    const fetched = await fetchAll(names.map((name, index) => wanted(name, results[index]!.content)));
    expect(fetched.filter(({ ok }) => !ok)).toEqual([]);
    for (const [name, bytes] of Object.entries(contents)) {
      expect(Buffer.compare(staged(name), bytes), name).toBe(0);
      expect(lstatSync(world.at(`staging/${name}`)).mode & 0o777).toBe(0o600);
    }
    expect(staged('link').toString()).toBe('../elsewhere/é');
  });

  it('seals packs that are padded, named by their hash and indexed', async () => {
    const file = put('file', noise(40 * MIB, 6));
    const small = put('small', noise(1000, 7));
    const content = ok((await transfer().ingest([file, small], world.hooks, never))[0]).content;
    expect(world.sent.length).toBeGreaterThan(2);
    for (const pack of world.sent) {
      const body = world.packs.get(pack.name)!;
      expect(pack.size).toBe(body.length);
      expect(pack.size).toBe(padme(pack.size));
      expect(pack.size).toBeLessThanOrEqual(MAX_PACK_BYTES);
      expect(pack.name).toBe(hashOf(body));
      expect(pack.indexHash).toBe(hashOf(pack.index));
      // Read after all are sealed: no later one was built in the same memory.
      expect(Buffer.compare(pack.bytes, body)).toBe(0);
      const opened = openPackIndex(world.keys, pack.name, pack.index);
      if (!opened.ok) throw new Error(opened.fault);
      expect(opened.index.chunks.map(({ id }) => id)).toEqual(pack.chunks.map(({ id }) => id));
      // A large chunk is a segment of its own; small ones share one of up to 256 KiB.
      for (const chunk of pack.chunks) {
        const shared = pack.chunks.filter(({ segmentOffset }) => segmentOffset === chunk.segmentOffset);
        const stored = shared.reduce((sum, { storedLength }) => sum + storedLength, 0);
        expect(shared.length === 1 || stored <= 256 * KIB).toBe(true);
      }
    }
    expect(content.size).toBe(40 * MIB);
  });

  it('lets many small files share one pack that travels in the commit', async () => {
    const files = Array.from({ length: 60 }, (_, index) => put(`f${index}`, noise(1500, 100 + index)));
    const results = (await transfer().ingest(files, world.hooks, never)).map(ok);
    expect(world.sent.length).toBe(1);
    expect(hashOf(world.sent[0]!.bytes)).toBe(world.sent[0]!.name);
    expect(new Set(world.sent[0]!.chunks.map(({ segmentOffset }) => segmentOffset)).size).toBe(1);
    const fetched = await fetchAll(results.map(({ content }, index) => wanted(`f${index}`, content)));
    expect(fetched.every(({ ok }) => ok)).toBe(true);
    expect(world.reads.length).toBe(1);
  });

  it('neither seals nor sends what is known or repeated', async () => {
    const bytes = noise(3 * MIB, 8);
    await ingestOne(put('first', bytes));
    const sent = world.sent.length;
    const again = [put('again', bytes), put('twin', bytes), put('zeros', Buffer.alloc(30 * MIB))];
    const results = (await transfer().ingest(again, world.hooks, never)).map(ok);
    expect(results[0]!.content).toEqual(results[1]!.content);
    expect(world.sent.length).toBe(sent + 1); // the zeros
    expect(world.sent.at(-1)!.chunks.length).toBe(1);
    expect(world.asked.length).toBe(new Set(world.asked).size + results[0]!.content.list.length);
  });

  it('sends and fetches little when a file changes in the middle', async () => {
    const before = noise(40 * MIB, 9);
    const after = Buffer.concat([before.subarray(0, 17 * MIB), noise(MIB, 10), before.subarray(17 * MIB)]);
    const old = await ingestOne(put('old', before));
    const sent = sentBytes();
    const content = await ingestOne(put('new', after));
    expect(sentBytes() - sent).toBeLessThan(3 * MIB);
    world.readBytes = 0;
    const basis = { path: world.at('old'), content: old };
    expect(await fetchAll([wanted('new', content, basis)])).toMatchObject([{ ok: true }]);
    expect(Buffer.compare(staged('new'), after)).toBe(0);
    expect(world.readBytes).toBeLessThan(4 * MIB);
  });

  it('fetches what the basis no longer holds, and ignores one that is gone', async () => {
    const bytes = noise(6 * MIB, 11);
    const content = await ingestOne(put('file', bytes));
    const damaged = Buffer.from(bytes);
    damaged.fill(1, 2 * MIB, 2 * MIB + 10);
    writeFileSync(world.at('file'), damaged);
    const results = await fetchAll([
      wanted('a', content, { path: world.at('file'), content }),
      wanted('b', content, { path: world.at('nowhere'), content }),
    ]);
    expect(results).toMatchObject([{ ok: true }, { ok: true }]);
    expect(Buffer.compare(staged('a'), bytes)).toBe(0);
    expect(Buffer.compare(staged('b'), bytes)).toBe(0);
  });

  it('reads aligned ranges that show no boundary', async () => {
    const contents = [];
    for (let index = 0; index < 5; index += 1)
      contents.push(await ingestOne(put('f', noise(MIB, 20 + index))));
    const results = await fetchAll(contents.map((content, index) => wanted(`f${index}`, content)));
    expect(results.every(({ ok }) => ok)).toBe(true);
    for (const { start, end } of world.reads) {
      expect(start % RANGE_ALIGNMENT).toBe(0);
      expect(end % RANGE_ALIGNMENT).toBe(0);
    }
  });

  it('reads a pack that is at hand instead of fetching it', async () => {
    const bytes = noise(5000, 30);
    const content = await ingestOne(put('file', bytes));
    const pack = world.sent[0]!;
    const local = transfer(new NodeDisk(), { localPack: (name) => (name === pack.name ? pack.bytes : null) });
    expect(await fetchAll([wanted('file', content)], local)).toMatchObject([{ ok: true }]);
    expect(staged('file')).toEqual(bytes);
    expect(world.reads).toEqual([]);
    expect(pack.bytes.length).toBe(pack.size);
  });
});

describe('ingest of files in trouble', { timeout: 60_000 }, () => {
  it('answers what is gone, is of another type, or cannot be read, and goes on', async () => {
    mkdirSync(world.at('folder'));
    symlinkSync('a', world.at('link'));
    expect(spawnSync('mkfifo', [world.at('pipe')]).status).toBe(0);
    const good = put('good', noise(2000, 40));
    const as = (name: string, type: 'file' | 'symlink'): FileToIngest => ({
      id: node(),
      path: world.at(name),
      type,
    });
    const secret = put('secret', noise(10, 41));
    const denied = watchedDisk((call, path) => {
      if (call === 'open' && path === secret.path) throw new DiskError('permission', 'open');
    });
    const files = [
      as('missing', 'file'),
      as('folder', 'file'),
      as('link', 'file'),
      as('pipe', 'file'),
      as('good', 'symlink'),
      secret,
      good,
    ];
    const results = await transfer(denied).ingest(files, world.hooks, never);
    expect(results.map((result) => (result.ok ? 'ok' : result.why))).toEqual([
      'gone',
      'not-a-file',
      'not-a-file',
      'not-a-file',
      'not-a-file',
      'permission',
      'ok',
    ]);
    expect(world.sent.map(({ chunks }) => chunks.length)).toEqual([1]);
  });

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'x')],
    ['shrinks', (path: string) => truncateSync(path, 100)],
    ['is rewritten', (path: string) => writeFileSync(path, noise(200_000, 51))],
  ])('answers `changed` for a file that %s while it is read', async (_name, change) => {
    const file = put('file', noise(200_000, 50));
    const other = put('other', noise(70_000, 52));
    let reads = 0;
    const disk = watchedDisk((call) => {
      if (call !== 'read') return;
      reads += 1;
      if (reads === 1) change(file.path);
    });
    const results = await transfer(disk).ingest([file, other], world.hooks, never);
    expect(results[0]).toEqual({ id: file.id, ok: false, why: 'changed' });
    const { content } = ok(results[1]);
    expect(world.sent.flatMap(({ chunks }) => chunks.map(({ id }) => id)).sort()).toEqual(
      content.list.map(({ chunk }) => chunk).sort(),
    );
    expect(await fetchAll([wanted('other', content)])).toMatchObject([{ ok: true }]);
    expect(Buffer.compare(staged('other'), noise(70_000, 52))).toBe(0);
  });

  it('gives up early on a large file that changes', async () => {
    const file = put('file', noise(40 * MIB, 53));
    let reads = 0;
    const disk = watchedDisk((call) => {
      if (call !== 'read') return;
      reads += 1;
      if (reads === 2) appendFileSync(file.path, 'x');
    });
    const [result] = await transfer(disk).ingest([file], world.hooks, never);
    expect(result).toMatchObject({ ok: false, why: 'changed' });
    expect(sentBytes()).toBeLessThan(18 * MIB);
  });

  it('throws what a hook throws', async () => {
    const error = new Error('the account is full');
    const hooks = { ...world.hooks, pack: () => Promise.reject(error) };
    await expect(transfer().ingest([put('f', noise(10, 55))], hooks, never)).rejects.toBe(error);
  });

  it('stops when it is aborted', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const hooks = {
      ...world.hooks,
      progress: () => {
        abort.abort(reason);
      },
    };
    const ingesting = transfer().ingest([put('f', noise(40 * MIB, 56))], hooks, abort.signal);
    await expect(ingesting).rejects.toBe(reason);
    expect(sentBytes()).toBeLessThan(18 * MIB);
  });
});

describe('fetch of files in trouble', { timeout: 60_000 }, () => {
  /** Three files in packs of their own. */
  async function threeFiles() {
    const contents: Content[] = [];
    for (let index = 0; index < 3; index += 1) {
      contents.push(await ingestOne(put(`f${index}`, noise(2 * MIB, 60 + index))));
    }
    return contents;
  }
  const wantedAll = (contents: readonly Content[]) =>
    contents.map((content, index) => wanted(`f${index}`, content));

  it('fails the files of a damaged pack alone', async () => {
    const contents = await threeFiles();
    const pack = world.packs.get(world.sent[1]!.name)!;
    pack.writeUInt8(pack.readUInt8(1000) ^ 1, 1000);
    const results = await fetchAll(wantedAll(contents));
    expect(results).toMatchObject([
      { ok: true },
      { ok: false, why: 'corrupt', pack: world.sent[1]!.name },
      { ok: true },
    ]);
    expect(existsSync(world.at('staging/f1'))).toBe(false);
  });

  it('refuses a chunk that is well sealed but not the one its id names', async () => {
    const contents = await threeFiles();
    // The index of a device that lies: f1's first chunk is said to lie where f2's does.
    const [poisoned, other] = [contents[1]!.list[0]!, contents[2]!.list[0]!];
    world.chunks.set(poisoned.chunk, { ...world.chunks.get(other.chunk)!, id: poisoned.chunk });
    const results = await fetchAll(wantedAll(contents));
    expect(results).toMatchObject([{ ok: true }, { ok: false, why: 'corrupt' }, { ok: true }]);
  });

  it('answers `missing` for a chunk no pack holds and for a pack that is gone', async () => {
    const contents = await threeFiles();
    world.chunks.delete(contents[0]!.list[1]!.chunk);
    world.packs.delete(world.sent[2]!.name);
    expect(await fetchAll(wantedAll(contents))).toMatchObject([
      { ok: false, why: 'missing', pack: null },
      { ok: true },
      { ok: false, why: 'missing', pack: world.sent[2]!.name },
    ]);
    expect(readdirSync(world.at('staging'))).toEqual(['f1']);
  });

  it('answers `corrupt` for a pack that ends too early', async () => {
    const [content] = await threeFiles();
    const { name } = world.sent[0]!;
    world.packs.set(name, world.packs.get(name)!.subarray(0, 100_000));
    expect(await fetchAll([wanted('f', content!)])).toMatchObject([
      { ok: false, why: 'corrupt', pack: name },
    ]);
  });

  it('answers `corrupt` for a list of the wrong sizes', async () => {
    const content = await ingestOne(put('f', noise(3 * MIB, 63)));
    const [first, second, ...rest] = content.list;
    const lied = {
      ...content,
      list: [{ ...first!, length: first!.length + 1 }, { ...second!, length: second!.length - 1 }, ...rest],
    };
    expect(await fetchAll([wanted('f', lied)])).toMatchObject([{ ok: false, why: 'corrupt' }]);
    expect(await fetchAll([wanted('g', { ...content, size: content.size + 1 })])).toMatchObject([
      { ok: false, why: 'corrupt' },
    ]);
    expect(readdirSync(world.at('staging'))).toEqual([]);
  });

  it('asks no more once the account is out of reach, and takes up later what it has', async () => {
    const bytes = noise(24 * MIB, 64);
    const content = await ingestOne(put('big', bytes));
    const cut = transfer(new NodeDisk(), {
      received: () => {
        if (world.readBytes > 12 * MIB) world.fault = 'offline';
      },
    });
    expect(await fetchAll([wanted('big', content)], cut)).toMatchObject([{ ok: false, why: 'offline' }]);
    expect(lstatSync(world.at('staging/big')).size).toBeGreaterThan(0);
    const before = world.readBytes;
    world.fault = null;
    expect(await fetchAll([wanted('big', content)])).toMatchObject([{ ok: true }]);
    expect(Buffer.compare(staged('big'), bytes)).toBe(0);
    expect(world.readBytes - before).toBeLessThan(16 * MIB);

    world.fault = 'offline';
    const reads = world.reads.length;
    const many = Array.from({ length: 20 }, (_, index) => wanted(`x${index}`, content));
    const results = await fetchAll(many);
    expect(results.every((result) => !result.ok && result.why === 'offline')).toBe(true);
    expect(world.reads.length - reads).toBeLessThanOrEqual(4);
  });

  it('leaves holes where whole chunks are zeros, also at the end', async () => {
    const bytes = Buffer.concat([
      noise(MIB, 90),
      Buffer.alloc(16 * MIB),
      noise(MIB, 91),
      Buffer.alloc(8 * MIB),
    ]);
    const content = await ingestOne(put('sparse', bytes));
    expect(await fetchAll([wanted('sparse', content)])).toMatchObject([{ ok: true }]);
    expect(Buffer.compare(staged('sparse'), bytes)).toBe(0);
    const { size, blocks } = lstatSync(world.at('staging/sparse'));
    expect(size).toBe(bytes.length);
    expect(blocks * 512).toBeLessThan(6 * MIB);
  });

  it('believes no size beyond the room there is', async () => {
    const content = await ingestOne(put('f', noise(2 * MIB, 65)));
    const disk = new Proxy<Disk>(new NodeDisk(), {
      get: (real, name) =>
        name === 'freeBytes' ? () => MIB : (Reflect.get(real, name) as () => unknown).bind(real),
    });
    expect(await fetchAll([wanted('f', content)], transfer(disk))).toMatchObject([
      { ok: false, why: 'full' },
    ]);
    expect(world.reads).toEqual([]);
  });

  it('answers what the disk answers, for the file it concerns', async () => {
    const contents = await threeFiles();
    const disk = watchedDisk((call, path) => {
      if (call === 'open' && path === world.at('staging/f1')) throw new DiskError('name-too-long', 'open');
    });
    expect(await fetchAll(wantedAll(contents), transfer(disk))).toMatchObject([
      { ok: true },
      { ok: false, why: 'name-too-long' },
      { ok: true },
    ]);
  });

  it('opens segments of every epoch', async () => {
    const old = await ingestOne(put('old', noise(MIB, 66)));
    world.keys.add(1, randomBytes(32));
    const next = transfer(new NodeDisk(), { epoch: () => 1 });
    const [result] = await next.ingest([put('new', noise(MIB, 67))], world.hooks, never);
    expect(world.sent.map(({ chunks }) => chunks[0]!.epoch)).toEqual([0, 1]);
    const results = await fetchAll([wanted('old', old), wanted('new', ok(result).content)], next);
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(next.vault).toBe(VAULT);
  });

  it('stops when it is aborted, leaving no handle open', async () => {
    const content = await ingestOne(put('f', noise(24 * MIB, 68)));
    const abort = new AbortController();
    const reason = new Error('enough');
    const open = new Set<number>();
    const disk = new Proxy<Disk>(new NodeDisk(), {
      get: (real, name) => {
        if (name === 'open')
          return (...args: Parameters<Disk['open']>) => {
            const handle = real.open(...args);
            open.add(handle);
            return handle;
          };
        if (name === 'close')
          return (handle: number) => {
            open.delete(handle);
            real.close(handle);
          };
        return (Reflect.get(real, name) as () => unknown).bind(real);
      },
    });
    const stopping = transfer(disk, { received: () => abort.abort(reason) });
    const results: FetchResult[] = [];
    const fetching = stopping.fetch([wanted('f', content)], (result) => results.push(result), abort.signal);
    await expect(fetching).rejects.toBe(reason);
    expect(results).toEqual([]);
    expect(open.size).toBe(0);
  });
});
