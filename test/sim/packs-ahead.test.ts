/** A large file over slow lines: it comes down elsewhere while the rest of it still goes up. */
import { expect, it } from 'vitest';
import { seededRandom } from '../fakes/seeded-random.ts';
import { ROOT } from './sim-device.ts';
import { TwoDevices } from './two-devices.ts';

const MIB = 1024 * 1024;
const PACK_MS = 2500;

it('is fetched pack by pack before the file is in the account, and each pack once', async () => {
  const world = await TwoDevices.start('packs ahead');
  const upMs: number[] = [];
  const downMs: number[] = [];
  const asked: string[] = [];
  const wait = (): Promise<void> =>
    new Promise((resolve) => {
      world.time.in(PACK_MS, resolve);
    });
  const desk = await world.boot('Desk', {
    line: (cloud) => {
      const put = cloud.putPack.bind(cloud);
      // One after another, as over a line that is full.
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
        const [, name, start] = args;
        asked.push(`${name} from ${start}`);
        downMs.push(world.nowMs);
        return get(...args);
      };
    },
  });
  const bytes = seededRandom('a large file')(64 * MIB);
  const film = desk.disk.open(`${ROOT}/film`, 'create');
  desk.disk.write(film, bytes, 0);
  desk.disk.close(film);
  expect(await world.rest()).toBe(true);
  expect(upMs.length).toBeGreaterThanOrEqual(4);
  const endMs = upMs.at(-1) ?? 0;
  expect(downMs.filter((ms) => ms < endMs).length).toBeGreaterThanOrEqual(upMs.length - 2);
  expect(new Set(asked).size).toBe(asked.length);
  const came = new Uint8Array(bytes.length);
  lap.disk.read(lap.disk.open(`${ROOT}/film`, 'read'), came, 0);
  expect(Buffer.compare(came, bytes)).toBe(0);
  expect(lap.disk.list('/ahead').entries).toEqual([]);
  await world.close();
});
