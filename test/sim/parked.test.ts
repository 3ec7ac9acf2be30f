/**
 * A stop in the middle of a plan leaves a folder in `.coffre/parked`, and the account moves on before the next
 * start. Once, nothing came into or left such a folder: what it waited for and what waited for it did so for ever.
 */
import { expect, it } from 'vitest';
import { PARKED } from '../../sync-engine/local-fs/root-marker.ts';
import { findFiles, writeFile } from './files.ts';
import { ROOT, type SimDevice } from './sim-device.ts';
import { TwoDevices } from './two-devices.ts';

const pathsOn = ({ disk }: SimDevice): string[] =>
  findFiles(disk, ROOT, (path) => path === '.coffre').map(({ path }) => path);

it.each<
  [
    string,
    readonly string[],
    string,
    readonly (readonly [from: string | null, to: string])[],
    readonly string[],
  ]
>([
  [
    'what is to come into it has the name that it waits for',
    ['docs', 'docs/docs'],
    'old',
    [
      ['docs', 'old/docs'],
      ['old', 'c'],
      [null, 'docs'],
      ['c', 'docs/c'],
    ],
    ['docs', 'docs/c', 'docs/c/docs', 'docs/c/docs/docs', 'docs/c/docs/docs/thesis'],
  ],
  [
    'what is in it is to be the folder above it',
    ['old/q'],
    'old',
    [
      ['old/q', 'q'],
      ['old', 'q/old'],
    ],
    ['q', 'q/old', 'q/thesis'],
  ],
])('a parked folder is brought back when %s', async (_, folders, parked, moves, end) => {
  const world = await TwoDevices.start('parked');
  const [desk, lap] = [await world.boot('Desk'), await world.boot('Lap')];
  desk.ledger.during('folders', () => {
    for (const path of ['old', ...folders]) desk.disk.makeFolder(`${ROOT}/${path}`, 0o755);
    writeFile(desk.disk, `${ROOT}/${folders.at(-1) ?? ''}/thesis`, 'a year of work');
  });
  expect(await world.rest()).toBe(true);
  const id = lap.pair.localAt(parked);
  lap.kill();
  lap.disk.rename(`${ROOT}/${parked}`, `${ROOT}/${PARKED}/${id ?? ''}`);
  for (const [from, to] of moves) {
    desk.ledger.during(to, () => {
      if (from === null) desk.disk.makeFolder(`${ROOT}/${to}`, 0o755);
      else desk.disk.rename(`${ROOT}/${from}`, `${ROOT}/${to}`);
    });
    await world.time.pass(5000);
  }
  await lap.boot();
  expect(await world.rest()).toBe(true);
  expect(await world.broken()).toEqual([]);
  for (const device of [desk, lap]) expect(pathsOn(device)).toEqual(end);
  await world.close();
});
