/** What real devices do of an account, and what the audit log of their server then says: the same on each kind of it. */
import { expect } from 'vitest';
import type { World } from './harness.ts';
import type { Server } from './server.ts';

interface Entry {
  readonly kind: string;
  readonly actor: string;
  readonly account: string;
  readonly device: string | null;
  readonly network: string;
  readonly times: number;
}

/** @param audit what `coffre-cloud audit --json` with these options prints */
export async function auditLife(
  world: World<Server>,
  audit: (...options: string[]) => Promise<Record<string, unknown>>,
): Promise<void> {
  const desk = await world.device('Desk');
  const laptop = await world.device('Laptop');
  const stranger = world.machine('Stranger');
  for (const guess of ['first', 'second']) {
    const login = ['login', ...world.enrolArguments(stranger)];
    expect((await stranger.cli(login, { COFFRE_PASSWORD: guess })).errorCode).toBe('refused');
  }
  await desk.ok('recovery', 'renew');
  const { devices } = (await desk.ok('devices')).json as { devices: { id: string; current: boolean }[] };
  const removed = devices.find(({ current }) => !current)!.id;
  await desk.ok('devices', 'revoke', removed);
  await laptop.stop();
  const changed = await desk.cli(['password'], { COFFRE_NEW_PASSWORD: 'another password, and a long one' });
  expect([changed.code, changed.stderr]).toEqual([0, '']);

  const { entries } = (await audit()) as { entries: Entry[] };
  const [first] = entries.toReversed();
  // An hour may end meanwhile: what is counted is summed up.
  const sums = new Map<string, number>();
  for (const { kind, actor, times } of entries)
    sums.set(`${kind} by ${actor}`, (sums.get(`${kind} by ${actor}`) ?? 0) + times);
  const begun = sums.get('sign-in-begun by unknown') ?? 0;
  const proved = sums.get('signed-in by account') ?? 0;
  expect(Object.fromEntries(sums)).toEqual({
    'signed-up by account': 1,
    'sign-in-begun by unknown': begun,
    'signed-in by account': proved,
    'device-enrolled by account': 1,
    'recovery-key-changed by account': 1,
    'device-revoked by account': 1,
    'password-changed by account': 1,
  });
  // The two guesses: a device sees by itself that a password is wrong, and sends no proof of it.
  expect(begun - proved).toBe(2);
  expect(new Set(entries.map(({ account }) => account))).toEqual(new Set([first?.account]));
  expect(new Set(entries.map(({ network }) => network))).toEqual(new Set(['127.0.0.0/24']));
  const of = (kind: string): (string | null)[] =>
    entries.filter((entry) => entry.kind === kind).map(({ device }) => device);
  expect([of('device-enrolled'), of('device-revoked')]).toEqual([[removed], [removed]]);

  const some = (await audit('--account', world.email, '--kind', 'device-revoked')) as { entries: Entry[] };
  expect(some.entries).toEqual(entries.filter(({ kind }) => kind === 'device-revoked'));
}
