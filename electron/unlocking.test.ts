import { expect, it } from 'vitest';
import { PersonError } from '../protocol/errors.ts';
import type { ControlClient } from '../sync-engine/client/client.ts';
import { Unlocking } from './unlocking.ts';

function scene(key: string | null, isSafe: boolean, opens: (secret: object) => boolean) {
  const tried: object[] = [];
  const call = async (_: string, secret: object) => {
    tried.push(secret);
    if (!opens(secret)) throw new PersonError('refused', 'no', '');
    return { state: 'idle' };
  };
  const engine = { call } as unknown as Pick<ControlClient, 'call'>;
  const keychain = { isSafe: async () => isSafe, stored: async () => key };
  return { unlocking: new Unlocking(keychain), engine, tried };
}

it('opens with the key of the keychain, and remembers no password there', async () => {
  const { unlocking, engine, tried } = scene('K', true, () => true);
  await unlocking.done('signup', { password: 'p' });
  await unlocking.unlock(engine);
  expect(tried).toEqual([{ unlockKey: 'K' }]);
});

it('opens after a crash with the newest password of this run where there is no keychain', async () => {
  const { unlocking, engine, tried } = scene(null, false, () => true);
  await unlocking.unlock(engine);
  expect(tried).toEqual([]);
  await unlocking.done('unlock', { password: 'old' });
  await unlocking.done('password', { oldPassword: 'old', newPassword: 'new' });
  await unlocking.done('devices.revoke', { password: 'other' });
  await unlocking.unlock(engine);
  expect(tried).toEqual([{ password: 'new' }]);
  await unlocking.done('logout', {});
  await unlocking.unlock(engine);
  expect(tried).toHaveLength(1);
});

it('leaves it to the person when neither opens', async () => {
  const { unlocking, engine, tried } = scene('K', false, () => false);
  await unlocking.done('unlock', { password: 'p' });
  await unlocking.unlock(engine);
  expect(tried).toEqual([{ unlockKey: 'K' }, { password: 'p' }]);
});
