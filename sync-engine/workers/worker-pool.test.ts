import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createCipheriv } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PackWorld, VAULT } from '../../test/fakes/pack-world.ts';
import type { NodeId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import { secureRandom } from '../crypto/random.ts';
import { makeEpochKey } from '../crypto/vault-keys.ts';
import { DiskError } from '../local-fs/disk.ts';
import { NodeDisk } from '../local-fs/node-disk.ts';
import { createMarker } from '../local-fs/root-marker.ts';
import type { IngestJobHooks } from '../transfer/ingest.ts';
import { openSealedSegment } from '../transfer/open.ts';
import type { Content, FetchResult, FileToIngest } from '../transfer/sealing-jobs.ts';
import { sealingWorkers } from './sealing-workers.ts';
import { WorkerPool } from './worker-pool.ts';
import { JobBroken, WorkerDied } from './workers.ts';

const never = new AbortController().signal;
let world: PackWorld;
let pool: WorkerPool;

beforeEach(() => {
  world = new PackWorld();
  mkdirSync(world.at('staging'));
  pool = new WorkerPool({ size: 2 });
});
afterEach(async () => {
  await pool.close();
  world.remove();
});

function noise(size: number, seed: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

const node = (index: number) => index.toString(16).padStart(32, '0') as NodeId;

function put(name: string, bytes: Uint8Array): FileToIngest {
  writeFileSync(world.at(name), bytes);
  return { id: node(1), path: world.at(name), type: 'file', size: bytes.length };
}

/** Hooks of an ingest job as the control thread gives them, for files handed out once. */
function hooks(files: readonly FileToIngest[], more: Partial<IngestJobHooks> = {}): IngestJobHooks {
  let given = false;
  return {
    next: async () => {
      if (given) return [];
      given = true;
      return files;
    },
    known: async (chunks) => world.hooks.known(chunks),
    pack: async (pack) => world.hooks.pack(pack),
    progress: async () => {},
    ...more,
  };
}

const request = () => ({ vault: VAULT, epoch: 0 });
const run = (files: readonly FileToIngest[], more: Partial<IngestJobHooks> = {}, signal = never) =>
  pool.run('ingest', request(), hooks(files, more), { keys: world.keys, signal });

describe('worker pool', { timeout: 60_000 }, () => {
  it('ingests and fetches over several threads, each chunk sealed once', async () => {
    const bytes = Array.from({ length: 12 }, (_, index) => noise(8 * MIB, index % 6));
    const files = bytes.map((content, index) => ({ ...put(`f${index}`, content), id: node(index) }));
    const transfer = world.transfer(sealingWorkers(pool));
    const results = await transfer.ingest(files, world.hooks, never);
    expect(pool.running).toBe(2);
    const contents = new Map<NodeId, Content>();
    for (const result of results) {
      if (!result.ok) throw new Error(result.why);
      contents.set(result.id, result.content);
    }
    expect(contents.size).toBe(12);
    const sealed = world.sent.flatMap(({ chunks }) => chunks.map(({ id }) => id));
    expect(new Set(sealed).size).toBe(sealed.length);
    expect(sealed.length).toBe(world.chunks.size);

    const done: FetchResult[] = [];
    await transfer.fetch(
      files.map(({ id }) => ({ id, content: contents.get(id)!, stagingPath: world.at(`staging/${id}`) })),
      (result) => done.push(result),
      never,
    );
    expect(done.map(({ ok }) => ok)).toEqual(files.map(() => true));
    for (const [index, content] of bytes.entries()) {
      expect(Buffer.compare(readFileSync(world.at(`staging/${node(index)}`)), content)).toBe(0);
    }
  });

  it('takes a file of 300 MB up and down without holding it', async () => {
    const path = world.at('sparse');
    writeFileSync(path, noise(3 * MIB, 1));
    truncateSync(path, 300 * MIB);
    const files: FileToIngest[] = [{ id: node(1), path, type: 'file' }];
    const transfer = world.transfer(sealingWorkers(pool));
    let most = 0;
    const watch = {
      ...world.hooks,
      progress: () => {
        most = Math.max(most, process.memoryUsage().rss);
      },
    };
    await transfer.ingest([put('warm', noise(1000, 2))], world.hooks, never);
    const before = process.memoryUsage().rss;
    const [result] = await transfer.ingest(files, watch, never);
    if (result?.ok !== true) throw new Error('not ingested');
    expect(most - before).toBeLessThan(80 * MIB);
    most = 0;
    const watched = world.transfer(sealingWorkers(pool), {
      received: () => {
        most = Math.max(most, process.memoryUsage().rss);
      },
    });
    const done: FetchResult[] = [];
    const stagingPath = world.at('staging/f');
    const wanted = { id: node(1), content: result.content, stagingPath };
    await watched.fetch([wanted], (answer) => done.push(answer), never);
    expect(done).toMatchObject([{ id: node(1), ok: true }]);
    expect(most - before).toBeLessThan(120 * MIB);
    // Its id is that of the chunks, each verified as it was written; so the same bytes have the same content.
    const [again] = await transfer.ingest(
      [{ id: node(1), path: stagingPath, type: 'file' }],
      world.hooks,
      never,
    );
    expect(again).toMatchObject({ ok: true, content: { id: result.content.id, size: 300 * MIB } });
  });

  describe('with a walk, which never waits for events', () => {
    const marker = { version: 1, pair: 'p', account: 'a', device: 'd', random: 'r'.repeat(16) } as const;
    const walkRequest = () => ({
      root: world.at('root'),
      expected: { marker, remembered: null },
      folders: [{ path: '', recursive: true }],
    });
    beforeEach(() => {
      mkdirSync(world.at('root'));
      createMarker(new NodeDisk(), world.at('root'), marker);
      for (let index = 0; index < 1600; index += 1) mkdirSync(world.at(`root/folder ${index}`));
    });

    it('hears every batch', async () => {
      const seen = new Set<string>();
      let batches = 0;
      const outcome = await pool.run('walk', walkRequest(), {
        batch: (folders) => {
          batches += 1;
          for (const { path } of folders) seen.add(path);
        },
      });
      expect(outcome.outcome).toBe('done');
      expect(batches).toBeGreaterThan(2);
      expect(seen.size).toBe(1601);
    });

    it('stops it when it is aborted', async () => {
      const abort = new AbortController();
      let batches = 0;
      const outcome = await pool.run(
        'walk',
        walkRequest(),
        {
          batch: () => {
            batches += 1;
            abort.abort();
          },
        },
        { signal: abort.signal },
      );
      expect(outcome).toEqual({ outcome: 'stopped', code: 'aborted' });
      expect(batches).toBe(1);
    });

    it('throws what hearing a batch threw', async () => {
      const error = new Error('the manifest is gone');
      const walking = pool.run('walk', walkRequest(), {
        batch: () => {
          throw error;
        },
      });
      await expect(walking).rejects.toBe(error);
    });
  });

  it('throws the very error a hook threw', async () => {
    const error = new Error('the manifest is gone');
    const failing = run([put('f', noise(1000, 1))], { known: () => Promise.reject(error) });
    await expect(failing).rejects.toBe(error);
    expect(await run([put('f', noise(1000, 1))])).toMatchObject([{ ok: true }]);
  });

  it('throws the DiskError of a job', async () => {
    const error = await pool
      .run('flush', { root: world.at('nowhere') }, {})
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DiskError);
    expect((error as DiskError).code).toBe('not-found');
  });

  it('throws a broken invariant with its cause', async () => {
    const error = await run([put('f', noise(1000, 1))], { known: async () => [] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(JobBroken);
    expect((error as JobBroken).cause).toMatchObject({ message: 'an answer for each chunk is needed' });
  });

  it('stops a job that waits for an answer', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const waiting = run(
      [put('f', noise(1000, 1))],
      {
        known: () => {
          abort.abort(reason);
          return new Promise<never>(() => {}); // an answer that never comes
        },
      },
      abort.signal,
    );
    await expect(waiting).rejects.toBe(reason);
    await expect(run([], {}, abort.signal)).rejects.toBe(reason);
    expect(await run([put('f', noise(1000, 1))])).toMatchObject([{ ok: true }]);
  });

  it('holds a job back until its last pack is taken', async () => {
    let packs = 0;
    let taking = 0;
    let most = 0;
    const ingesting = run([put('f', noise(80 * MIB, 1))], {
      pack: async (pack) => {
        packs += 1;
        taking += 1;
        most = Math.max(most, taking);
        await delay(150); // a slow line: longer than sealing the next pack takes
        taking -= 1;
        await world.hooks.pack(pack);
      },
    });
    expect(await ingesting).toMatchObject([{ ok: true }]);
    expect(packs).toBeGreaterThan(4);
    expect(most).toBe(1);
  });

  it('seals under the key that an epoch has now, though it had another', async () => {
    const one = new WorkerPool({ size: 1 });
    const sealed = async (name: string, seed: number): Promise<Uint8Array | null> => {
      const files = hooks([put(name, noise(1000, seed))]);
      await one.run('ingest', { vault: VAULT, epoch: 1 }, files, { keys: world.keys });
      const chunk = world.sent.at(-1)?.chunks[0];
      const pack = chunk === undefined ? undefined : world.packs.get(chunk.pack);
      if (chunk === undefined || pack === undefined) throw new Error('a file becomes a pack');
      const { segmentOffset: from, segmentLength: length } = chunk;
      return openSealedSegment(world.keys, 1, pack.subarray(from, from + length));
    };
    world.keys.replace(1, makeEpochKey(secureRandom));
    expect(await sealed('before', 1)).not.toBeNull();
    // The log went back to before the epoch, and another device opened it again.
    world.keys.replace(1, makeEpochKey(secureRandom));
    expect(await sealed('after', 2)).not.toBeNull();
    await one.close();
  });

  it('fails the jobs of a thread that dies, and starts another', async () => {
    const poisoned = hooks([put('f', noise(1000, 1))]);
    // A keyring that says another thing about an epoch is refused where nothing can catch it.
    await pool.run('ingest', request(), poisoned, { keys: world.keys });
    const other = new PackWorld();
    const dying = pool.run('ingest', request(), hooks([put('f', noise(1000, 1))]), { keys: other.keys });
    const error = await dying.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkerDied);
    other.remove();
    expect(await run([put('g', noise(1000, 2))])).toMatchObject([{ ok: true }]);
  });

  it('stops threads that had no work for a while', async () => {
    const brief = new WorkerPool({ size: 2, idleMs: 30 });
    await brief.run('ingest', request(), hooks([put('f', noise(1000, 1))]), { keys: world.keys });
    expect(brief.running).toBe(1);
    while (brief.running > 0) await delay(5);
    await brief.run('ingest', request(), hooks([put('f', noise(1000, 1))]), { keys: world.keys });
    expect(brief.running).toBe(1);
    await brief.close();
    expect(brief.running).toBe(0);
  });

  it('rejects what is under way when it is closed', async () => {
    const asked = Promise.withResolvers<undefined>();
    const waiting = run([put('f', noise(1000, 1))], {
      known: () => {
        asked.resolve(undefined);
        return new Promise<never>(() => {});
      },
    });
    const rejected = expect(waiting).rejects.toBeInstanceOf(WorkerDied);
    await asked.promise;
    await pool.close();
    await rejected;
    await expect(run([])).rejects.toThrow('closed');
  });
});
