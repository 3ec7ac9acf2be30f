/** Signing out, here and everywhere, and in again: what stays, and that nothing is lost or doubled by it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { until, World, type Device } from './harness.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let world: World;
let desk: Device;
let laptop: Device;

const inSync = async (...devices: Device[]): Promise<void> => {
  for (const device of devices) await device.ok('wait', '--timeout', '60');
};
const namesIn = (device: Device): string[] => readdirSync(device.folder).filter((name) => name !== '.coffre');

beforeAll(async () => {
  world = await World.begin();
  desk = await world.device('Desk');
  laptop = await world.device('Laptop');
  writeFileSync(desk.path('thesis'), 'years of work');
  writeFileSync(desk.path('notes'), 'a few');
  await inSync(desk, laptop);
});
afterAll(async () => {
  await world.end();
});

it('shows the words again and makes new ones', async () => {
  expect((await desk.ok('recovery', 'show')).json['recoveryPhrase']).toBe(world.phrase);
  const renewed = (await desk.ok('recovery', 'renew')).json['recoveryPhrase'];
  expect(renewed).not.toBe(world.phrase);
  expect((await laptop.ok('recovery', 'show')).json['recoveryPhrase']).toBe(renewed);
  await until('the other device tells of it', 30_000, async () =>
    (await laptop.status()).notices.some(({ code }) => code === 'phrase-renewed') ? true : null,
  );
});

it('signs the others out everywhere; they keep their files and go on as who they are', async () => {
  const before = await laptop.status();
  await desk.ok('logout', '--everywhere');
  await until('the other device is signed out', 60_000, async () =>
    (await laptop.status()).state === 'signed-out' ? true : null,
  );
  expect(readFileSync(laptop.path('thesis'), 'utf8')).toBe('years of work');
  writeFileSync(laptop.path('while-out'), 'written while signed out');
  writeFileSync(desk.path('thesis'), 'years of work, and a page');
  await inSync(desk);
  expect((await laptop.cli(['wait', '--timeout', '5'])).code).toBe(5);
  const wrong = await laptop.cli(['login', ...world.enrolArguments(laptop)], { COFFRE_PASSWORD: 'wrong' });
  expect(wrong.errorCode).toBe('refused');

  await laptop.ok('login', ...world.enrolArguments(laptop));
  await inSync(laptop, desk);
  const after = await laptop.status();
  expect(after.account).toEqual(before.account);
  expect(after.pairs.map(({ id }) => id)).toEqual(before.pairs.map(({ id }) => id));
  expect(readFileSync(laptop.path('thesis'), 'utf8')).toBe('years of work, and a page');
  expect(readFileSync(desk.path('while-out'), 'utf8')).toBe('written while signed out');
  for (const device of [desk, laptop]) expect(namesIn(device)).toEqual(['notes', 'thesis', 'while-out']);
});

it('signs one out and in again on the same folder: merged, nothing doubled, nothing deleted', async () => {
  await laptop.ok('logout');
  writeFileSync(desk.path('meanwhile'), 'elsewhere');
  writeFileSync(laptop.path('alone'), 'here');
  await laptop.ok('login', ...world.enrolArguments(laptop));
  await inSync(laptop, desk, laptop);
  const names = ['alone', 'meanwhile', 'notes', 'thesis', 'while-out'];
  for (const device of [desk, laptop]) expect(namesIn(device).sort()).toEqual(names);
  expect((await desk.ok('trash', 'list')).json['entries']).toEqual([]);
  expect(existsSync(laptop.path('.coffre'))).toBe(true);
});
