/**
 * Packs that do not reach the server as they were sent are given up after some attempts. Once, what was given up
 * still counted as sealed and on its way: content that relied on it was read again and again, at full speed, until
 * the engine was started anew.
 */
import { expect, it } from 'vitest';
import { CloudError } from '../../sync-engine/remote/cloud.ts';
import { toHex } from '../../protocol/ids.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import type { SimCloud } from '../fakes/sim-cloud.ts';
import { findFiles, writeFile } from './files.ts';
import { ROOT } from './sim-device.ts';
import { REST_MS, TwoDevices } from './two-devices.ts';

/** Too much to travel inside a commit, also compressed. */
const CONTENT = toHex(seededRandom('a large file')(400_000));

it('sends a file again, and says so, when its packs are refused for long', async () => {
  const world = await TwoDevices.start('refused uploads');
  let isRefusing = true;
  let asked = 0;
  const desk = await world.boot('Desk', {
    line: (cloud: SimCloud) => {
      const put = cloud.putPack.bind(cloud);
      cloud.putPack = (...args) => {
        asked += 1;
        if (isRefusing) return Promise.reject(new CloudError('bad-request', 'not those bytes'));
        return put(...args);
      };
    },
  });
  const lap = await world.boot('Lap');
  desk.ledger.during('a file', () => {
    writeFile(desk.disk, `${ROOT}/large`, CONTENT);
  });
  await world.time.pass(3 * 60_000);
  expect(desk.running.engine.issues().map(({ code, path }) => `${code} ${path}`)).toEqual(['not-sent large']);
  // Five attempts at a time, further and further apart.
  expect(asked).toBeGreaterThan(10);
  expect(asked).toBeLessThan(60);
  isRefusing = false;
  await world.time.pass(REST_MS);
  expect(desk.running.engine.issues()).toEqual([]);
  expect(findFiles(lap.disk, ROOT).some(({ text }) => text === CONTENT)).toBe(true);
  await world.close();
});
