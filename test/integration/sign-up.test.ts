/** What a person hears when a server does not take them, and that it does not tell who has an account. */
import { expect, it, vi } from 'vitest';
import { World } from './harness.ts';

vi.setConfig({ testTimeout: 120_000 });

async function refusalOf(world: World, name: string, ...options: string[]): Promise<string> {
  const device = world.machine(name);
  const tried = await device.cli(['signup', ...world.enrolArguments(device), ...options]);
  expect([tried.code, tried.errorCode]).toEqual([5, 'refused']);
  const { message, hint } = tried.json['error'] as { message: string; hint: string };
  expect(hint).not.toBe('');
  return message;
}

it('a closed server says that it takes nobody', async () => {
  const world = await World.begin(['--signup', 'closed']);
  try {
    expect(await refusalOf(world, 'Desk')).toBe('this server takes no new accounts');
  } finally {
    await world.end();
  }
});

it('a server of invitations says the same of a wrong one, whoever has an account there', async () => {
  const world = await World.begin(['--signup', 'invite']);
  try {
    expect(await refusalOf(world, 'Desk')).toBe('this server takes new accounts by invitation only');
    expect(await refusalOf(world, 'Laptop', '--invite', 'guessed')).toBe(
      'the server did not make the account: the e-mail address has one already, or the invitation is not good',
    );
  } finally {
    await world.end();
  }
});

it('an open server gives that answer for an address that is taken', async () => {
  const world = await World.begin();
  try {
    await world.device('Desk');
    expect(await refusalOf(world, 'Laptop')).toBe(
      'the server did not make the account: the e-mail address has one already, or the invitation is not good',
    );
  } finally {
    await world.end();
  }
});
