import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChunkId } from '../../protocol/ids.ts';
import { padme } from '../../sync-engine/crypto/padding.ts';
import type { PackRow } from '../../sync-engine/manifest/manifest.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';

const KIB = 1024;
let world: HostileWorld;
beforeEach(async () => {
  world = await HostileWorld.start();
});
afterEach(async () => {
  await world.close();
});

/** The same files every time, of sizes that are no round numbers. */
function corpus(device: HostileDevice): void {
  const bytes = seededRandom('corpus');
  for (const [name, size] of [
    ['letter.txt', 1234],
    ['sheet.csv', 77_777],
    ['photo.jpg', 345_678],
    ['film.mp4', 3_456_789],
  ] as const) {
    device.write(name, bytes(size));
  }
}

const packsOf = (device: HostileDevice): readonly PackRow[] => device.sync.log.store.packs('live');

function idsOf(device: HostileDevice): Set<ChunkId> {
  const { store } = device.sync.log;
  return new Set(packsOf(device).flatMap(({ name }) => store.chunksOf(name).map(({ id }) => id)));
}

/** Where content was cut, as lengths of all chunks of a file in order. */
function cuts(device: HostileDevice, path: string): number[] {
  const { store } = device.sync.log;
  return store.content(store.remote.get(device.node(path))!.content!)!.list.map(({ length }) => length);
}

describe('MS-13: the same files in two vaults', () => {
  it('have nothing in common but padded sizes: no pack, no chunk, no place of a cut', async () => {
    const ann = await world.signup('ann@example.org');
    corpus(ann);
    await ann.settle();
    const other = await HostileWorld.start();
    try {
      const eve = await other.signup('eve@example.org');
      corpus(eve);
      await eve.settle();
      expect(idsOf(ann).size).toBeGreaterThan(10);
      expect([...idsOf(ann)].filter((id) => idsOf(eve).has(id))).toEqual([]);
      const names = new Set(packsOf(eve).map(({ name }) => name));
      expect(packsOf(ann).filter(({ name }) => names.has(name))).toEqual([]);
      const [mine, theirs] = [ends(cuts(ann, 'film.mp4')), ends(cuts(eve, 'film.mp4'))];
      expect([...mine].filter((end) => theirs.has(end))).toEqual([3_456_789]);
    } finally {
      await other.close();
    }
  });

  it('are stored in packs of padded sizes, and in objects of padded sizes', async () => {
    const ann = await world.signup();
    for (const size of [1, 700, 5000, 40_001, 99_999, 200_003, 1_000_001, 3_456_789, 5_000_003]) {
      ann.write(`${size}.bin`, seededRandom(String(size))(size));
      await ann.settle();
    }
    const packs = packsOf(ann);
    expect(packs.length).toBeGreaterThanOrEqual(9);
    for (const { size } of packs) {
      expect(size).toBeGreaterThanOrEqual(KIB);
      expect([size, padme(size)]).toEqual([size, size]);
    }
    const page = await ann.line.cloud.state(ann.vault, ann.sync.log.cursor().seq, null);
    const sizesOf = (objects: readonly { readonly length: number }[]): number[] =>
      objects.map(({ length }) => length);
    const records = sizesOf(page.nodes.map(({ object }) => object));
    const indexes = sizesOf(page.packs.map(({ index }) => index));
    for (const size of [...records, ...indexes]) expect([size, padme(size)]).toEqual([size, size]);
    for (const size of indexes) expect(size).toBeGreaterThanOrEqual(512);
    // Small ones all alike, and those of some chunks more: docs/decisions/0043.
    for (const size of records.filter((each) => each < 512)) expect(size).toBe(256);
    expect(new Set(records.map((size) => size <= 256)).size).toBe(2);
  });
});

/** Where chunks end. */
function ends(lengths: readonly number[]): Set<number> {
  let position = 0;
  return new Set(lengths.map((length) => (position += length)));
}
