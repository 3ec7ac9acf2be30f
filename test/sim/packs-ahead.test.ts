/** Content over slow lines: it comes down elsewhere while the rest of it still goes up. */
import { expect, it } from 'vitest';
import { seededRandom } from '../fakes/seeded-random.ts';
import { ROOT, type SimDevice } from './sim-device.ts';
import { TwoDevices } from './two-devices.ts';

const MIB = 1024 * 1024;
const FILES = 320;
const FILE_BYTES = 64 * 1024;

interface Lines {
  readonly world: TwoDevices;
  readonly desk: SimDevice;
  readonly lap: SimDevice;
  /** When each pack went up and when each was asked for, by the time of the world. */
  readonly upMs: readonly number[];
  readonly downMs: readonly number[];
  readonly asked: readonly string[];
}

/** On the way up packs go one after another, as over a line that is full. */
async function slowLines(name: string, packMs: number): Promise<Lines> {
  const world = await TwoDevices.start(name);
  const upMs: number[] = [];
  const downMs: number[] = [];
  const asked: string[] = [];
  const wait = (): Promise<void> =>
    new Promise((resolve) => {
      world.time.in(packMs, resolve);
    });
  const desk = await world.boot('Desk', {
    line: (cloud) => {
      const put = cloud.putPack.bind(cloud);
      let before = Promise.resolve();
      cloud.putPack = async (...args) => {
        before = before.then(wait);
        await before;
        upMs.push(world.nowMs);
        return put(...args);
      };
    },
  });
  const lap = await world.boot('Lap', {
    line: (cloud) => {
      const get = cloud.getPack.bind(cloud);
      cloud.getPack = async (...args) => {
        const [, pack, start] = args;
        asked.push(`${pack} from ${start}`);
        downMs.push(world.nowMs);
        return get(...args);
      };
    },
  });
  return { world, desk, lap, upMs, downMs, asked };
}

function write(device: SimDevice, path: string, bytes: Uint8Array): void {
  const file = device.disk.open(path, 'create');
  device.disk.write(file, bytes, 0);
  device.disk.close(file);
}

function read(device: SimDevice, path: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  device.disk.read(device.disk.open(path, 'read'), bytes, 0);
  return bytes;
}

it('a large file is fetched pack by pack before it is in the account, and each pack once', async () => {
  const { world, desk, lap, upMs, downMs, asked } = await slowLines('packs ahead', 2500);
  const bytes = seededRandom('a large file')(64 * MIB);
  desk.disk.makeFolder(`${ROOT}/films`, 0o700);
  write(desk, `${ROOT}/films/one`, bytes);
  expect(await world.rest()).toBe(true);
  expect(upMs.length).toBeGreaterThanOrEqual(4);
  const endMs = upMs.at(-1) ?? 0;
  expect(downMs.filter((ms) => ms < endMs).length).toBeGreaterThanOrEqual(upMs.length - 2);
  expect(new Set(asked).size).toBe(asked.length);
  expect(Buffer.compare(read(lap, `${ROOT}/films/one`, bytes.length), bytes)).toBe(0);
  expect(lap.disk.list('/ahead').entries).toEqual([]);
  await world.close();
});

it('the files of a new folder are fetched before they are in the account, and come whole', async () => {
  const { world, desk, lap, upMs, downMs } = await slowLines('a folder ahead', 1200);
  const bytes = seededRandom('many small files')(FILES * FILE_BYTES);
  const part = (file: number): Uint8Array => bytes.subarray(file * FILE_BYTES, (file + 1) * FILE_BYTES);
  desk.disk.makeFolder(`${ROOT}/photos`, 0o700);
  const writtenMs = world.nowMs;
  for (let file = 0; file < FILES; file += 1) write(desk, `${ROOT}/photos/${file}`, part(file));
  expect(await world.rest()).toBe(true);
  expect(upMs.length).toBeGreaterThanOrEqual(3);
  expect(downMs[0]).toBeLessThan(Math.min(upMs.at(-1) ?? 0, writtenMs + 2000));
  for (let file = 0; file < FILES; file += 1)
    expect(Buffer.compare(read(lap, `${ROOT}/photos/${file}`, FILE_BYTES), part(file)), `${file}`).toBe(0);
  expect(lap.disk.list('/ahead').entries).toEqual([]);
  await world.close();
});
