/** Clocks that jump, of a device and of the server, by days and back. */
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { World, type Device } from '../integration/harness.ts';
import { Corner, expectedPrint } from './tree-play.ts';

const PRELOAD = path.join(import.meta.dirname, 'points/moved-clock.ts');
const DAY_MS = 24 * 60 * 60 * 1000;

describe('a clock that jumps', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'coffre-clock-'));
  const clocks = { device: path.join(place, 'device'), server: path.join(place, 'server') };
  let world: World;
  let sound: Device;
  let jumping: Device;
  let corners: readonly [Corner, Corner];

  beforeAll(async () => {
    for (const clock of Object.values(clocks)) writeFileSync(clock, '0');
    const env = { NODE_OPTIONS: `--import=${PRELOAD}`, COFFRE_TEST_CLOCK: clocks.server };
    world = await World.begin([], env);
    sound = await world.device('sound');
    jumping = world.machine('jumping');
    const node = path.join(place, 'node');
    const set = `COFFRE_TEST_CLOCK='${clocks.device}'`;
    writeFileSync(node, `#!/bin/sh\n${set} exec '${process.execPath}' '--import=${PRELOAD}' "$@"\n`);
    chmodSync(node, 0o755);
    jumping.env = { COFFRE_NODE: node };
    await jumping.ok('login', ...world.enrolArguments(jumping));
    await jumping.learnPid();
    corners = [new Corner(sound, 'of sound'), new Corner(jumping, 'of jumping')];
    await agree();
  });
  afterAll(async () => {
    await world.end();
    rmSync(place, { recursive: true, force: true });
  });

  async function agree(): Promise<void> {
    for (const device of [jumping, sound, jumping])
      expect(await device.wait(), device.name).toMatchObject({ code: 0 });
    for (const device of [sound, jumping]) {
      const files = folderPrint(device.folder).flatMap((line) => {
        const [, name, hash] = /^(".*") (?:file|program) ([0-9a-f]{64})$/.exec(line) ?? [];
        return name === undefined ? [] : [`${name} ${hash ?? ''}`];
      });
      expect(files, device.name).toEqual(expectedPrint(corners));
    }
  }

  it.each([
    ['device', 400],
    ['device', -400],
    ['device', 0],
    ['server', -2],
    ['server', 2],
    ['server', 0],
  ] as const)(
    'of the %s, to %i days from the present, loses nothing and orders nothing',
    async (whose, days) => {
      for (const corner of corners) corner.change();
      writeFileSync(clocks[whose], String(days * DAY_MS));
      for (const corner of corners) corner.change();
      // What is written then has times of that day.
      const seconds = (Date.now() + days * DAY_MS) / 1000;
      if (whose === 'device')
        utimesSync(jumping.path('of jumping', [...corners[1].files.keys()].at(-1)!), seconds, seconds);
      await agree();
      expect(await jumping.issues()).toEqual([]);
    },
  );
});
