/** A cable that is pulled, and a server that is killed, in the middle of a transfer. */
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { until, World, type Device } from '../integration/harness.ts';
import { leftOnDevice, leftOnServer } from './points/leftovers.ts';

const SIZE = 6_000_000;
const SIZE_OF_ONE_PACK = 4_000_000;
const BYTES_A_SECOND = 1_500_000;

describe('two devices, and in the middle of a transfer', () => {
  let world: World;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    world = await World.begin();
    one = await world.device('one');
    two = await world.device('two');
  });
  afterAll(async () => {
    await world.end();
  });

  async function agree(): Promise<void> {
    for (const device of [one, two, one]) expect(await device.wait(), device.name).toMatchObject({ code: 0 });
    expect(folderPrint(two.folder)).toEqual(folderPrint(one.folder));
    expect([...leftOnDevice(one), ...leftOnDevice(two), ...leftOnServer(world)]).toEqual([]);
  }

  const isIn = (state: string, ...devices: Device[]) =>
    until(`the state ${state}`, 30_000, async () => {
      const states = await Promise.all(devices.map((device) => device.status()));
      return states.every((status) => status.state === state) ? true : null;
    });

  /** Resolves when a good part of a large file is on its way up. */
  async function halfUp(name: string, size = SIZE): Promise<void> {
    const before = world.wire.bytesUp();
    world.wire.drip(BYTES_A_SECOND);
    writeFileSync(one.path(name), randomBytes(size));
    await until('half of it', 30_000, () => (world.wire.bytesUp() - before > size / 3 ? true : null));
  }

  it('the cable of an upload is pulled', async () => {
    await halfUp('pulled up');
    world.wire.setOpen(false);
    await isIn('offline', one, two);
    expect(await one.wait(1)).toMatchObject({ code: 4, errorCode: 'timeout' });
    writeFileSync(one.path('written without a cable'), 'on one');
    writeFileSync(two.path('also written without a cable'), 'on two');
    world.wire.drip(null);
    world.wire.setOpen(true);
    await agree();
  });

  it('the cable of a download is pulled', async () => {
    world.wire.drip(null);
    await two.ok('pause');
    writeFileSync(one.path('pulled down'), randomBytes(SIZE));
    expect(await one.wait()).toMatchObject({ code: 0 });
    world.wire.drip(BYTES_A_SECOND);
    await two.ok('resume');
    const staged = (): string[] => readdirSync(two.path('.coffre/staging'));
    await until('a part of it', 30_000, () => (staged().length > 0 ? true : null));
    world.wire.setOpen(false);
    await isIn('offline', two);
    expect(staged()).toHaveLength(1); // kept, and taken up again
    world.wire.drip(null);
    world.wire.setOpen(true);
    await agree();
  });

  it('the server of an upload is killed', async () => {
    await halfUp('while the server dies', SIZE_OF_ONE_PACK);
    expect(readdirSync(path.join(world.server.data, 'incoming'))).toHaveLength(1);
    await world.server.kill9();
    await isIn('offline', one, two);
    world.wire.drip(null);
    await world.server.start();
    await agree();
  });
});
