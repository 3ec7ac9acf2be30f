/**
 * After a loss of power files may be empty, old or zeros, and a disk that then refuses a call must not lead to what
 * was not looked at being taken for sound. Once, a folder that could not be opened at that moment ended the look.
 */
import { expect, it } from 'vitest';
import { findFiles, writeFile } from './files.ts';
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

it.each(Array.from({ length: 16 }, (_, index) => index))(
  'mends what a person wrote from the account, where it had got there before the disk (world %i)',
  async (seed) => {
    const world = await TwoDevices.start(`written, ${seed}`);
    const [desk, lap] = [await world.boot('Desk'), await world.boot('Lap')];
    lap.ledger.during('a file that no program flushes', () => {
      const handle = lap.disk.open(`${ROOT}/thesis`, 'create');
      lap.disk.write(handle, Buffer.from('a year of work'), 0);
      lap.disk.close(handle);
      lap.disk.setMode(`${ROOT}/thesis`, 0o644);
      lap.disk.flush(ROOT, false);
    });
    await world.time.pass(2000);
    // What the lap knows is on its disk before it puts this in place.
    desk.ledger.during('another file', () => {
      writeFile(desk.disk, `${ROOT}/notes`, 'a few');
    });
    await world.time.pass(2000);
    lap.losePower();
    await lap.boot();
    await world.time.pass(REST_MS);
    expect(await world.broken()).toEqual([]);
    for (const { disk } of [desk, lap])
      expect(findFiles(disk, ROOT, (path) => path === '.coffre').map(({ text }) => text)).toEqual([
        'a few',
        'a year of work',
      ]);
    await world.close();
  },
);

it.each(Array.from({ length: 16 }, (_, index) => index))(
  'finds what had just come where a person moved it since, damaged or whole (world %i)',
  async (seed) => {
    const world = await TwoDevices.start(`moved, ${seed}`);
    const [desk, lap] = [await world.boot('Desk'), await world.boot('Lap')];
    desk.ledger.during('a file and a folder', () => {
      desk.disk.makeFolder(`${ROOT}/done`, 0o755);
      writeFile(desk.disk, `${ROOT}/thesis`, 'a year of work');
    });
    await world.time.pass(3000);
    lap.ledger.during('a move that no scan sees', () => {
      lap.disk.rename(`${ROOT}/thesis`, `${ROOT}/done/thesis`);
      lap.disk.flush(ROOT, false);
    });
    lap.losePower();
    await lap.boot();
    await world.time.pass(REST_MS);
    expect(await world.broken()).toEqual([]);
    const files = findFiles(desk.disk, ROOT, (path) => path === '.coffre');
    // Where its bytes were lost, it is back where the account had it; where its row was, too, it is in both places.
    const found = files
      .filter(({ stat }) => stat.type === 'file')
      .map(({ path, text }) => `${path}: ${text}`);
    const [moved, back] = ['done/thesis: a year of work', 'thesis: a year of work'] as const;
    expect([[moved], [back], [moved, back]]).toContainEqual(found);
    await world.close();
  },
);

it('takes what is not there after a kill for removed: what was written outlives the process', async () => {
  const world = await TwoDevices.start('killed');
  const [desk, lap] = [await world.boot('Desk'), await world.boot('Lap')];
  lap.ledger.during('a file', () => {
    writeFile(lap.disk, `${ROOT}/draft`, 'not worth keeping');
  });
  await world.time.pass(3000);
  lap.kill();
  lap.ledger.during('its removal', () => {
    lap.disk.removeFile(`${ROOT}/draft`);
  });
  await lap.boot();
  await world.time.pass(REST_MS);
  expect(await world.broken()).toEqual([]);
  for (const { disk } of [desk, lap]) expect(findFiles(disk, ROOT, (path) => path === '.coffre')).toEqual([]);
  await world.close();
});
