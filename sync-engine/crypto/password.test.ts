import * as opaque from '@serenity-kit/opaque';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  finishLogin,
  finishRegistration,
  PASSWORD_COST,
  startLogin,
  startRegistration,
  type StretchingCost,
} from './password.ts';

const LOW: StretchingCost = { memory: 64, iterations: 1, parallelism: 1 };
const userIdentifier = 'someone@example.org';

/** The real server half. */
let serverSetup: string;

async function register(password: string, cost: StretchingCost) {
  const registration = await startRegistration(password);
  const { registrationResponse } = opaque.server.createRegistrationResponse({
    serverSetup,
    userIdentifier,
    registrationRequest: registration.registrationRequest,
  });
  const { state } = registration;
  const finished = await finishRegistration({ password, state, registrationResponse, cost });
  if (!finished.ok) throw new Error(finished.fault);
  return finished;
}

async function login(
  password: string,
  registrationRecord: string | null,
  pinned: string | null,
  cost: StretchingCost,
  setup = serverSetup,
) {
  const attempt = await startLogin(password);
  const { loginResponse, serverLoginState } = opaque.server.startLogin({
    serverSetup: setup,
    userIdentifier,
    registrationRecord,
    startLoginRequest: attempt.startLoginRequest,
  });
  const { state } = attempt;
  const result = await finishLogin({ password, state, loginResponse, pinnedServerKey: pinned, cost });
  return { result, serverLoginState };
}

beforeAll(async () => {
  await opaque.ready;
  serverSetup = opaque.server.createSetup();
});

describe('OPAQUE', () => {
  it('gives the same password key at registration and at login, and convinces the server', async () => {
    const registered = await register('correct horse', LOW);
    const { result, serverLoginState } = await login(
      'correct horse',
      registered.registrationRecord,
      registered.serverKey,
      LOW,
    );
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    expect(result.passwordKey).toEqual(registered.passwordKey);
    expect(result.passwordKey).toHaveLength(32);
    const { finishLoginRequest } = result;
    expect(opaque.server.finishLogin({ finishLoginRequest, serverLoginState }).sessionKey).not.toBe('');
  });

  it('takes a password in any Unicode composition', async () => {
    const registered = await register('Ma\u00f1ana \ufb01', LOW);
    const { result } = await login('Man\u0303ana fi', registered.registrationRecord, null, LOW);
    expect(result.ok).toBe(true);
  });

  it('refuses a wrong password and an unknown person alike', async () => {
    const registered = await register('right', LOW);
    const wrong = await login('wrong', registered.registrationRecord, null, LOW);
    const unknown = await login('right', null, null, LOW);
    expect(wrong.result).toEqual({ ok: false, fault: 'refused' });
    expect(unknown.result).toEqual({ ok: false, fault: 'refused' });
  });

  it('refuses a server that proves another key than the pinned one', async () => {
    const registered = await register('right', LOW);
    const { result } = await login('right', registered.registrationRecord, 'another', LOW);
    expect(result).toEqual({ ok: false, fault: 'wrong-server' });
    const other = await login('right', registered.registrationRecord, null, LOW, opaque.server.createSetup());
    expect(other.result).toEqual({ ok: false, fault: 'refused' });
  });

  it('refuses answers that do not decode', async () => {
    const password = 'p';
    const { state } = await startRegistration(password);
    const registration = { password, state, registrationResponse: 'AAAA', cost: LOW };
    expect(await finishRegistration(registration)).toEqual({ ok: false, fault: 'malformed' });
    const attempt = await startLogin(password);
    const login = { password, state: attempt.state, loginResponse: 'AAAA', pinnedServerKey: null, cost: LOW };
    expect(await finishLogin(login)).toEqual({ ok: false, fault: 'malformed' });
  });

  it('stretches with the cost promised, which is the library default', async () => {
    expect(PASSWORD_COST).toEqual({ memory: 65_536, iterations: 3, parallelism: 4 });
    const registration = await startRegistration('p');
    const { registrationResponse } = opaque.server.createRegistrationResponse({
      serverSetup,
      userIdentifier,
      registrationRequest: registration.registrationRequest,
    });
    const { state } = registration;
    const cost = PASSWORD_COST;
    const finished = await finishRegistration({ password: 'p', state, registrationResponse, cost });
    if (!finished.ok) throw new Error(finished.fault);
    const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password: 'p' });
    const { loginResponse } = opaque.server.startLogin({
      serverSetup,
      userIdentifier,
      registrationRecord: finished.registrationRecord,
      startLoginRequest,
    });
    const raw = opaque.client.finishLogin({ clientLoginState, loginResponse, password: 'p' });
    expect(raw).toBeDefined();
  }, 60_000);
});
