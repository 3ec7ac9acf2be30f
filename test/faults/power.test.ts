/**
 * Power that goes between a rename and the flush: the engine is killed when rows say that files are in place, and of
 * their bytes the disk then has none, or zeros, as file systems leave it after a loss of power.
 */
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { World, type Device } from '../integration/harness.ts';
import { inSync } from './points/daily-life.ts';
import { leftOnDevice } from './points/leftovers.ts';
import { killedAt, SteppedDevice } from './points/stepped-device.ts';
import { Steps } from './points/steps.ts';

/** Everything of the batch is in place, and the rows say so, or do not yet. */
const PLACED = 'sync-engine/engine/step-runner run: commit';
const FILES = 6;

const DAMAGES: Readonly<Record<string, (file: string) => void>> = {
  'are empty': (file) => truncateSync(file, 0),
  'hold zeros': (file) => writeFileSync(file, Buffer.alloc(statSync(file).size)),
  'have lost their end': (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
};

describe('power goes between the rename and the flush, and files', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'coffre-power-'));
  let world: World;
  let sound: Device;
  let stepped: SteppedDevice;
  let round = 0;

  beforeAll(async () => {
    world = await World.begin();
    sound = await world.device('sound');
    stepped = new SteppedDevice(world, world.machine('stepped'), new Steps(place));
    await stepped.login();
  });
  afterAll(async () => {
    await world.end();
    rmSync(place, { recursive: true, force: true });
  });

  const cases = Object.keys(DAMAGES).flatMap((what) =>
    (['before', 'after'] as const).map((side) => [what, side] as const),
  );

  it.each(cases)('%s, %s the rows were written', async (what, side) => {
    const { device, steps } = stepped;
    round += 1;
    const text = (file: number): string => `round ${round} of file ${file} `.repeat(400);
    steps.arm({ side, name: PLACED });
    // New ones and, from the second round on, edited ones.
    const names = Array.from(
      { length: FILES },
      (_, file) => `file ${file < FILES / 2 ? file : `${file} ${round}`}`,
    );
    names.forEach((name, file) => writeFileSync(sound.path(name), text(file)));
    await killedAt(
      steps,
      inSync(sound).then(() => inSync(device)),
    );
    await device.kill9();
    steps.disarm();
    const there = names.filter((name, file) => {
      const stat = statSync(device.path(name), { throwIfNoEntry: false });
      return stat !== undefined && readFileSync(device.path(name), 'utf8') === text(file);
    });
    expect(there.length).toBeGreaterThan(0);
    for (const name of there) {
      const { atimeMs, mtimeMs } = statSync(device.path(name));
      DAMAGES[what]?.(device.path(name));
      // To the microsecond: whoever edits a file gives it a time of its own.
      utimesSync(device.path(name), atimeMs / 1000, String(Math.round(mtimeMs * 1000) / 1e6));
    }
    await stepped.start();
    for (const each of [device, sound, device]) await inSync(each);
    for (const each of [device, sound])
      names.forEach((name, file) => expect(readFileSync(each.path(name), 'utf8'), name).toBe(text(file)));
    expect(folderPrint(device.folder)).toEqual(folderPrint(sound.folder));
    expect(leftOnDevice(device)).toEqual([]);
  });
});
