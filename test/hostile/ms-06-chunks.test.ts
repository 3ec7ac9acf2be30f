import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackName } from '../../protocol/ids.ts';
import type { ChunkRow } from '../../sync-engine/manifest/manifest.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';

const KIB = 1024;
let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('big.bin', randomBytes(300 * KIB));
  await ann.settle();
  bob = await world.another(ann);
  bob.line.silent = true;
});
afterEach(async () => {
  await world.close();
});

type Alter = (pack: Uint8Array, name: PackName) => Uint8Array;

/** Bob reads every pack as altered; what he has is as before, and nothing lies around half-made. */
async function refused(alter: Alter, folders: Record<string, '/'> = {}): Promise<void> {
  const before = { ...bob.files(), ...folders };
  bob.line.lies = {
    getPack: async (honest, vault, name, start, end) => {
      const whole = await honest.getPack(vault, name, 0, 16 * 1024 * KIB);
      return Uint8Array.from(alter(whole, name).subarray(start, end));
    },
  };
  expect(new Set(await bob.look())).toEqual(new Set(['corrupt']));
  expect(bob.files()).toEqual(before);
  expect(readdirSync(join(bob.folder, '.coffre', 'staging'))).toEqual([]);
}

const chunksOf = (name: PackName): readonly ChunkRow[] => ann.manifest.vault(ann.vault).chunksOf(name);

/** Offsets of the segments of a pack, with their lengths. */
function segmentsOf(name: PackName): { offset: number; length: number }[] {
  const found = new Map<number, number>();
  for (const chunk of chunksOf(name)) found.set(chunk.segmentOffset, chunk.segmentLength);
  return [...found].map(([offset, length]) => ({ offset, length }));
}

/** The pack that holds the beginning of a file. */
function packOf(path: string): PackName {
  const { store } = ann.sync.log;
  const [entry] = store.content(store.remote.get(ann.node(path))!.content!)!.list;
  return store.locate(entry!.chunk)!.pack;
}

function exchange(pack: Uint8Array, one: number, other: number, length: number): Uint8Array {
  const changed = Uint8Array.from(pack);
  changed.set(pack.subarray(other, other + length), one);
  changed.set(pack.subarray(one, one + length), other);
  return changed;
}

describe('MS-06: the pieces of a file', () => {
  it.each([
    ['cut off', (pack) => pack.subarray(0, pack.length / 2)],
    ['left out, nothing sent', () => new Uint8Array(0)],
    ['moved by a byte', (pack) => pack.subarray(1)],
    [
      'doubled',
      (pack) => Buffer.concat([pack.subarray(0, pack.length / 2), pack.subarray(0, pack.length / 2)]),
    ],
    ['replaced by random bytes', (pack) => randomBytes(pack.length)],
  ] satisfies [string, Alter][])('are refused when %s', async (_, alter) => {
    ann.write('big.bin', randomBytes(600 * KIB));
    await ann.settle();
    await refused(alter);
  });

  it('are refused when they are those of another file, or of this file before', async () => {
    const old = ann.manifest
      .vault(ann.vault)
      .packs('live')
      .map(({ name }) => name);
    const earlier = await ann.line.cloud.getPack(ann.vault, old.at(-1)!, 0, 16 * 1024 * KIB);
    ann.write('big.bin', randomBytes(300 * KIB));
    await ann.settle();
    await refused(() => earlier);
  });

  it('are refused when each is sealed as it should be, but two have changed places', async () => {
    // Eight chunks of 64 KiB in two segments of the same length: both open under the key of the vault.
    for (let index = 0; index < 8; index += 1) ann.write(`equal/${index}.bin`, randomBytes(64 * KIB));
    await ann.settle();
    const pack = packOf('equal/0.bin');
    const [first, second] = segmentsOf(pack);
    expect(second?.length).toBe(first?.length);
    await refused(
      (bytes, name) =>
        name === pack ? exchange(bytes, first!.offset, second!.offset, first!.length) : bytes,
      { 'equal/': '/' },
    );
  });
});
