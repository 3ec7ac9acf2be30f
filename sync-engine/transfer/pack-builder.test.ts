import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PackWorld } from '../../test/fakes/pack-world.ts';
import { KIB, MAX_INDEX_BYTES } from '../../protocol/limits.ts';
import { hashOf } from '../../protocol/signing.ts';
import { secureRandom } from '../crypto/random.ts';
import { chunkOf, openSealedSegment } from './open.ts';
import { MAX_PACK_CHUNKS, PackBuilder } from './pack-builder.ts';
import { PackMemory, releasePackMemory } from './pack-memory.ts';

let world: PackWorld;
const memory = new PackMemory();
beforeEach(() => {
  world = new PackWorld();
});
afterEach(() => {
  world.remove();
});

function builder(send = (pack: Parameters<typeof world.hooks.pack>[0]) => world.hooks.pack(pack)) {
  return new PackBuilder({ keys: world.keys, epoch: 0, random: secureRandom, send, memory });
}

describe('pack builder', () => {
  it('sends nothing for nothing', async () => {
    await builder().finish();
    expect(world.sent).toEqual([]);
  });

  it('puts every chunk where its location says, whatever the order of sizes', async () => {
    const packs = builder();
    const chunks = Array.from({ length: 150 }, (_, index) =>
      index % 3 === 0 ? randomBytes(130_000 + index * 999) : Buffer.alloc(1 + index * 700, `text ${index}`),
    );
    for (const chunk of chunks) await packs.add(world.keys.chunkId(chunk), chunk);
    await packs.finish();
    for (const chunk of chunks) {
      const id = world.keys.chunkId(chunk);
      const at = world.chunks.get(id)!;
      const sealed = world.packs
        .get(at.pack)!
        .subarray(at.segmentOffset, at.segmentOffset + at.segmentLength);
      const segment = openSealedSegment(world.keys, at.epoch, sealed)!;
      expect(Buffer.compare(chunkOf(world.keys, segment, id, at)!, chunk)).toBe(0);
    }
  });

  it('holds an id once in a pack', async () => {
    const packs = builder();
    for (let time = 0; time < 3; time += 1) {
      for (const size of [100, 200 * KIB]) {
        const chunk = Buffer.alloc(size, 1);
        await packs.add(world.keys.chunkId(chunk), chunk);
      }
    }
    await packs.finish();
    expect(world.sent.map(({ chunks }) => chunks.length)).toEqual([2]);
  });

  it('closes a pack of very many tiny chunks, so that its index keeps its bound', async () => {
    const packs = builder();
    for (let index = 0; index < MAX_PACK_CHUNKS + 10; index += 1) {
      const chunk = Buffer.from(`chunk ${index}`);
      await packs.add(world.keys.chunkId(chunk), chunk);
    }
    await packs.finish();
    expect(world.sent.map(({ chunks }) => chunks.length)).toEqual([MAX_PACK_CHUNKS, 10]);
    expect(world.sent[0]!.index.length).toBeLessThan(MAX_INDEX_BYTES / 2);
  });

  it('throws what sending threw, at the latest when it finishes', async () => {
    const error = new Error('no');
    const packs = builder(() => Promise.reject(error));
    await packs.add(world.keys.chunkId(Buffer.from('a')), Buffer.from('a'));
    await expect(packs.finish()).rejects.toBe(error);
  });

  it('uses the memory of a full pack again once it was released, and not before', async () => {
    const content = randomBytes(40_000_000);
    const sent: { readonly name: string; readonly bytes: Uint8Array; readonly copy: Buffer }[] = [];
    const packs = builder((pack) => {
      const last = sent.at(-1);
      sent.push({ name: pack.name, bytes: pack.bytes, copy: Buffer.from(pack.bytes) });
      // One stays under way while the next is built.
      if (last !== undefined) {
        expect(hashOf(last.bytes)).toBe(last.name);
        releasePackMemory(last.bytes);
      }
      return Promise.resolve();
    });
    for (let at = 0; at < content.length; at += 400_000) {
      const chunk = content.subarray(at, at + 400_000);
      await packs.add(world.keys.chunkId(chunk), chunk);
    }
    await packs.finish();
    for (const { name, copy } of sent) expect(hashOf(copy)).toBe(name);
    const full = sent.map(({ bytes }) => bytes.buffer).filter((one) => one instanceof SharedArrayBuffer);
    expect(full.length).toBeGreaterThanOrEqual(2);
    expect(new Set(full).size).toBeLessThanOrEqual(3);
  });

  it('leaves the memory of what was handed on to who has it, whatever becomes of the job', async () => {
    const own = new PackMemory();
    const handed: { readonly name: string; readonly bytes: Uint8Array }[] = [];
    const packs = new PackBuilder({
      keys: world.keys,
      epoch: 0,
      random: secureRandom,
      send: (pack) => {
        if (!(pack.bytes.buffer instanceof SharedArrayBuffer)) return Promise.resolve();
        handed.push(pack);
        return Promise.reject(new Error('no'));
      },
      memory: own,
    });
    const all = async (): Promise<void> => {
      for (let each = 0; each < 400; each += 1) {
        const chunk = randomBytes(160_000);
        await packs.add(world.keys.chunkId(chunk), chunk);
      }
    };
    await expect(all()).rejects.toThrow('no');
    packs.end();
    own.take().fill(0);
    expect(handed.length).toBe(1);
    for (const { name, bytes } of handed) expect(hashOf(bytes)).toBe(name);
  });

  it('keeps no memory that it could not send', async () => {
    const own = new PackMemory();
    const first = own.take();
    releasePackMemory(first);
    const packs = new PackBuilder({
      keys: world.keys,
      epoch: 0,
      random: secureRandom,
      send: () => Promise.resolve(),
      memory: own,
    });
    for (let each = 0; each < 50; each += 1) {
      const chunk = randomBytes(160_000);
      await packs.add(world.keys.chunkId(chunk), chunk);
    }
    packs.end();
    expect(own.take().buffer).toBe(first.buffer);
  });
});
