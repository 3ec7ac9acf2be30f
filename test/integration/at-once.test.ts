/** Two programs that ask one engine for the same thing at the same moment: the window and a terminal, or two terminals. */
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ControlClient } from '../../sync-engine/client/client.ts';
import { connectEngine } from '../../sync-engine/client/connect.ts';
import { engineProgram } from '../../sync-engine/client/engine-program.ts';
import { World, type Device } from './harness.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let world: World;

beforeAll(async () => {
  world = await World.begin();
  const first = await world.device('First');
  writeFileSync(first.path('thesis'), 'years of work');
  await first.ok('wait', '--timeout', '60');
});
afterAll(async () => {
  await world.end();
});

/** Two clients of the engine of a device, which is started for them. */
async function twoClients(device: Device): Promise<[ControlClient, ControlClient]> {
  const options = { home: device.home, program: engineProgram(process.env), env: process.env };
  const one = await connectEngine(options);
  const other = await connectEngine(options);
  await device.learnPid();
  return [one, other];
}

const codesOf = (outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  outcomes
    .map((outcome) => (outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code?: string }).code))
    .sort();

it('makes one device of two logins, and unlocks it once', async () => {
  const device = world.machine('Second');
  const unlockKey = Buffer.alloc(32, 7).toString('base64');
  const params = {
    server: world.wire.url,
    email: world.email,
    password: world.password,
    folder: device.folder,
    deviceName: device.name,
    unlockKey,
  };
  const clients = await twoClients(device);
  const logins = await Promise.allSettled(clients.map((client) => client.call('login', params)));
  expect(codesOf(logins)).toEqual(['done', 'exists']);
  await device.ok('wait', '--timeout', '60');
  expect(await device.issues()).toEqual([]);
  expect((await device.status()).pairs).toHaveLength(1);
  expect((await device.ok('devices')).json['devices']).toHaveLength(2);

  await device.kill9();
  const again = await twoClients(device);
  await Promise.all(again.map((client) => client.call('unlock', { unlockKey })));
  writeFileSync(device.path('notes'), 'a few');
  await device.ok('wait', '--timeout', '60');
  expect(await device.issues()).toEqual([]);
});

it('binds one folder once', async () => {
  const [, device] = world.devices;
  const folder = join(world.place, 'photos');
  mkdirSync(folder);
  const clients = await twoClients(device!);
  const added = await Promise.allSettled(
    clients.map((client) => client.call('pairs.add', { folder, into: null })),
  );
  expect(codesOf(added)).toEqual(['bad-input', 'done']);
  expect((await device!.status()).pairs).toHaveLength(2);
  await device!.ok('wait', '--timeout', '60');
  expect(await device!.issues()).toEqual([]);
});
