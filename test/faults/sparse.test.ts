/**
 * A file that is mostly holes, as images of virtual machines are: it takes no more room where it arrives.
 * `COFFRE_FAULT_SPARSE_GB=50` for a larger one (some minutes).
 */
import { closeSync, ftruncateSync, lstatSync, openSync, readSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { World, type Device } from '../integration/harness.ts';
import { bytesOf } from './tree-play.ts';

const GB = 1e9;
const SIZE = Number(process.env['COFFRE_FAULT_SPARSE_GB'] ?? 2) * GB;
const ISLAND = 100_000;
/** Of both devices together a second, at the least. */
const SLOWEST = 20e6;
const PATIENCE_S = 60 + Math.ceil(SIZE / SLOWEST);

vi.setConfig({ testTimeout: 4000 * PATIENCE_S, hookTimeout: 120_000 });

let world: World;
let one: Device;
let other: Device;

beforeAll(async () => {
  world = await World.begin();
  one = await world.device('one');
  other = await world.device('other');
});
afterAll(async () => {
  await world.end();
});

it('stays sparse, and is the same where something stands in it', async () => {
  const places = [0, Math.floor(SIZE / 3), Math.floor(SIZE / 2) + 17, SIZE - 3 * ISLAND];
  const islands = places.map((at, index) => ({ at, bytes: bytesOf(`island ${index}`, ISLAND) }));
  const made = openSync(one.path('image'), 'wx');
  for (const { at, bytes } of islands) writeSync(made, bytes, 0, bytes.length, at);
  ftruncateSync(made, SIZE);
  closeSync(made);

  const before = world.wire.bytesUp();
  for (const device of [one, other]) expect(await device.wait(PATIENCE_S)).toMatchObject({ code: 0 });
  const { size, blocks } = lstatSync(other.path('image'));
  expect(size).toBe(SIZE);
  // Around an island, chunks that hold a part of it.
  expect(blocks * 512).toBeLessThan(islands.length * 3 * 1024 * 1024);
  const found = openSync(other.path('image'), 'r');
  for (const { at, bytes } of islands) {
    const read = Buffer.alloc(ISLAND);
    readSync(found, read, 0, ISLAND, at);
    expect(read.equals(bytes), `at ${at}`).toBe(true);
  }
  const hole = Buffer.alloc(ISLAND, 1);
  readSync(found, hole, 0, ISLAND, SIZE - ISLAND);
  expect(hole.every((byte) => byte === 0)).toBe(true);
  closeSync(found);
  expect(world.wire.bytesUp() - before).toBeLessThan(20e6);
});
