/**
 * After a loss of power files may be empty, old or zeros, and a disk that then refuses a call must not lead to what
 * was not looked at being taken for sound. Once, a folder that could not be opened at that moment ended the look.
 */
import { expect, it } from 'vitest';
import { writeFile } from './files.ts';
import { ROOT, type SimDevice } from './sim-device.ts';
import { REST_MS, TwoDevices } from './two-devices.ts';

/** Those before only find out what the disk can do. */
const CALLS = Array.from({ length: 60 }, (_, index) => 90 + index);

it.each(CALLS)('is seen through although call %i of the next start is refused', async (refused) => {
  const world = await TwoDevices.start(`no power, ${refused}`);
  const desk = await world.boot('Desk');
  let callsLeft = Number.POSITIVE_INFINITY;
  const countDown = ({ disk }: SimDevice, what: string): void => {
    if (what.includes(' asks ')) return;
    callsLeft -= 1;
    if (callsLeft === 0) disk.failNext('too-many-open');
  };
  const lap = await world.boot('Lap', { trace: countDown });
  desk.ledger.during('the files', () => {
    for (let file = 0; file < 20; file += 1) writeFile(desk.disk, `${ROOT}/file ${file}`, `content ${file}`);
  });
  // They are on the lap, and not flushed.
  await world.time.pass(3000);
  lap.losePower();
  callsLeft = refused;
  await lap.boot();
  await world.time.pass(REST_MS);
  expect(await world.broken()).toEqual([]);
  await world.close();
});
