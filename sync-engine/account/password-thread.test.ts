import { expect, it } from 'vitest';
import { stretchPassphrase, UNLOCK_COST } from '../crypto/key-file.ts';
import { PASSWORD_COST, startLogin } from '../crypto/password.ts';
import { finishLoginApart, stretchApart } from './password-thread.ts';

const salt = new Uint8Array(16).fill(7);

it('gives what the same work gives here, and leaves this thread free meanwhile', async () => {
  const request = { passphrase: 'correct horse', salt, cost: UNLOCK_COST };
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 5);
  const apart = await stretchApart(request);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(5);
  expect(Buffer.from(apart)).toEqual(Buffer.from(await stretchPassphrase(request)));
}, 60_000);

it('brings faults back as they are', async () => {
  const password = 'p';
  const { state } = await startLogin(password);
  const request = { password, state, loginResponse: 'AAAA', pinnedServerKey: null, cost: PASSWORD_COST };
  expect(await finishLoginApart(request)).toEqual({ ok: false, fault: 'malformed' });
}, 60_000);
