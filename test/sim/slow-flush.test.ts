/**
 * Before a deletion is told to the account the disk is flushed, which takes as long as it takes, and whatever the
 * other device says meanwhile must be heard. Once, what had been planned before the flush took back the marks that
 * commits had set during it, and both devices were in sync with different files.
 */
import { expect, it } from 'vitest';
import { removeAll, writeFile } from './files.ts';
import { ROOT } from './sim-device.ts';
import { REST_MS, TwoDevices } from './two-devices.ts';

const FILES = Array.from({ length: 20 }, (_, index) => `${ROOT}/file ${index}`);

it('hears of what is committed elsewhere while the disk is flushed', async () => {
  const world = await TwoDevices.start('slow flush');
  const desk = await world.boot('Desk');
  const lap = await world.boot('Lap', { slowMs: { flush: 8000 } });
  desk.ledger.during('the files', () => {
    for (const file of [...FILES, `${ROOT}/old`]) writeFile(desk.disk, file, `${file} of the first day`);
  });
  await world.time.pass(REST_MS);
  // Without something that was applied since the last flush, there is nothing to flush.
  desk.ledger.during('a new file', () => {
    writeFile(desk.disk, `${ROOT}/new`, 'of the second day');
  });
  await world.time.pass(1000);
  // With other rules everything is planned anew, and found in order: in one plan with the deletion.
  lap.ledger.during('a deletion', () => {
    removeAll(lap.disk, `${ROOT}/old`);
    writeFile(lap.disk, `${ROOT}/.coffreignore`, '*.tmp');
  });
  // At any time of the flush, and after it.
  for (const [index, file] of FILES.entries()) {
    world.time.in(100 + 400 * index, () => {
      desk.ledger.during('an edit', () => {
        writeFile(desk.disk, file, `${file} of the desk`);
      });
    });
  }
  await world.time.pass(REST_MS);
  expect(await world.broken()).toEqual([]);
  await world.close();
});
