/**
 * A file that was read is written down once its packs have reached the account, which may take long. What a scan saw
 * meanwhile is newer. Once the older content took its place, was committed, and the device was in sync with a file
 * that nobody had any more, until the next scan of everything.
 */
import { expect, it } from 'vitest';
import { toHex } from '../../protocol/ids.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import type { SimCloud } from '../fakes/sim-cloud.ts';
import { findFiles, writeFile } from './files.ts';
import { ROOT } from './sim-device.ts';
import { TwoDevices } from './two-devices.ts';

/** Too much to travel inside a commit, also compressed. */
const LARGE = toHex(seededRandom('a large file')(400_000));

it('takes what was read before for no more than that', async () => {
  const world = await TwoDevices.start('late content');
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const desk = await world.boot('Desk', {
    line: (cloud: SimCloud) => {
      const put = cloud.putPack.bind(cloud);
      cloud.putPack = async (...args) => {
        await arrived;
        return put(...args);
      };
    },
  });
  const lap = await world.boot('Lap');
  await world.time.pass(5000);
  desk.ledger.during('two files, one of them just begun', () => {
    writeFile(desk.disk, `${ROOT}/large`, LARGE);
    writeFile(desk.disk, `${ROOT}/thesis`, '');
  });
  await world.time.pass(5000);
  desk.ledger.during('the rest of it', () => {
    writeFile(desk.disk, `${ROOT}/thesis`, 'a year of work');
  });
  await world.time.pass(5000);
  arrive();
  // Well before a scan of everything.
  await world.time.pass(30_000);
  const there = findFiles(lap.disk, ROOT).find(({ path }) => path === 'thesis');
  expect(there?.text).toBe('a year of work');
  await world.close();
});
