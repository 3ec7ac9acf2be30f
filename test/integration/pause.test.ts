/** A pause that ends by itself, over a restart of the engine; and what is done when the machine wakes. */
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until, World, type Device } from './harness.ts';

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

it('resumes by itself at its time, and not before, although the engine was restarted meanwhile', async () => {
  expect(await one.cli(['pause', '--until', '2020-01-01'])).toMatchObject({ code: 2 });
  await one.ok('pause', '--for', '1h');
  expect((await one.status()).state).toBe('paused');
  const { pausedUntilMs } = await one.status();
  expect(pausedUntilMs).toBeGreaterThan(Date.now() + 3_500_000);

  // Longer than this machine takes for the restart that comes now.
  const beganMs = performance.now();
  await one.stop();
  await one.start();
  const atMs = Math.ceil(Date.now() + 5000 + 3 * (performance.now() - beganMs));
  const client = await one.engine();
  await client.call('pause', { untilMs: atMs });
  writeFileSync(one.path('written in the pause'), 'x');
  await one.stop();
  await one.start();
  expect(await one.status()).toMatchObject({ state: 'paused', pausedUntilMs: atMs });

  await until('it arrives', 60_000 + atMs - Date.now(), () =>
    Promise.resolve(existsSync(two.path('written in the pause')) ? true : null),
  );
  expect(Date.now()).toBeGreaterThanOrEqual(atMs);
  expect(await one.status()).toMatchObject({ pausedUntilMs: null });
});

it('connects anew when it is nudged', async () => {
  expect(await one.wait()).toMatchObject({ code: 0 });
  const client = await one.engine();
  await client.call('nudge', {});
  expect(await one.wait()).toMatchObject({ code: 0 });
});
