/** A new account, with this device as its first. The 24 words are given back, and shown again by `showPhrase`. */
import type { Session } from '../../protocol/cloud.ts';
import type { SignedChainEntry } from '../../protocol/device-chain.ts';
import { PersonError } from '../../protocol/errors.ts';
import { makeBundle } from '../crypto/bundle.ts';
import { genesisEntries } from '../crypto/chain-entries.ts';
import {
  accountKeysOf,
  makeBoxKeys,
  makeRootKey,
  wipeAccountKeys,
  type AccountKeys,
} from '../crypto/identity.ts';
import { startRegistration } from '../crypto/password.ts';
import { makePhrase, recoveryKeysOf } from '../crypto/phrase.ts';
import type { HttpAccountApi, SignupFinish } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import { claimAccount, refuseOldPassword, type OldProof } from './claim.ts';
import { withServer } from './connect.ts';
import {
  checkEnrolment,
  checkSession,
  installDevice,
  makeNewDevice,
  type Enrolled,
  type Enrolment,
} from './enrol.ts';
import { verificationError } from './person-errors.ts';
import { provePassword } from './proof.ts';
import { finishRegistrationApart } from './password-thread.ts';
import { insist, type AccountTools } from './tools.ts';

export interface SignupRequest {
  readonly enrolment: Enrolment;
  readonly password: string;
  readonly invite: string | null;
  /** Proves an account of an older service, in place of an invitation; null without one. */
  readonly old: OldProof | null;
}

export interface SignedUp extends Enrolled {
  /** 24 words. */
  readonly recoveryPhrase: string;
}

/**
 * Vaults are the engine's to make; the account begins with none.
 * @throws PersonError refused (closed, address taken, invitation), server-unreachable, server-certificate, ...
 */
export function signup(request: SignupRequest, tools: AccountTools): Promise<SignedUp> {
  const enrolment = checkEnrolment(request.enrolment);
  const { password, invite, old } = request;
  if (password === '') throw new PersonError('bad-input', 'the password is empty', 'Enter a password.');
  if (old !== null) refuseOldPassword(old, password);
  return withServer(enrolment.address, tools, async (api) => {
    if (old === null) await requireOpen(api, invite, tools);
    const claim = old === null ? undefined : await claimAccount(api, enrolment.email, old, tools);
    const registration = await startRegistration(password);
    const { registrationRequest, state } = registration;
    const { registrationResponse } = await insist(tools, () =>
      api.signupStart(enrolment.email, registrationRequest, claim),
    );
    const registered = await finishRegistrationApart({
      password,
      state,
      registrationResponse,
      cost: tools.passwordCost,
    });
    if (!registered.ok) throw verificationError("the server's part of the registration makes no sense");

    const account = accountKeysOf(makeRootKey(tools.random));
    const { phrase, entropy } = makePhrase(tools.random);
    try {
      const device = makeNewDevice(tools);
      const firstDevice = { keys: device.keys, name: enrolment.deviceName, createdAtMs: tools.nowMs() };
      const entries = genesisEntries(account, makeBoxKeys(tools.random), firstDevice, tools.random);
      const recovery = { ...recoveryKeysOf(entropy), entropy };
      const bundle = makeBundle(account, registered.passwordKey, recovery, tools.random);
      const finish: SignupFinish = {
        email: enrolment.email,
        registrationRecord: registered.registrationRecord,
        bundle,
        chain: entries,
        ...(invite === null ? {} : { invite }),
        ...(claim === undefined ? {} : { claim }),
      };
      const session = await finishSignup(api, finish, { password, account, add: entries[2] }, tools);
      checkSession(session, account, device.keys);
      const { serverKey } = registered;
      const ring = { keys: [], refused: [] };
      const parts = { device, account, session, entries, bundleVersion: 1, serverKey, ring };
      return { ...(await installDevice(enrolment, parts, tools)), recoveryPhrase: phrase };
    } finally {
      registered.passwordKey.fill(0);
      entropy.fill(0);
      wipeAccountKeys(account);
    }
  });
}

async function requireOpen(api: HttpAccountApi, invite: string | null, tools: AccountTools): Promise<void> {
  const { signup: mode } = await insist(tools, () => api.server());
  if (mode === 'closed') {
    const hint = 'Ask who runs the server, or use `coffre login` if you have an account.';
    throw new PersonError('refused', 'this server takes no new accounts', hint);
  }
  if (mode === 'invite' && invite === null) {
    const hint = 'Ask who runs the server for an invitation and give it with --invite.';
    throw new PersonError('refused', 'this server takes new accounts by invitation only', hint);
  }
}

/**
 * A lost answer leaves open whether the account exists. Asked again, the server says the address is taken: if
 * it is by this very account, the device's own entry opens its session.
 */
async function finishSignup(
  api: HttpAccountApi,
  finish: SignupFinish,
  ours: { readonly password: string; readonly account: AccountKeys; readonly add: SignedChainEntry },
  tools: AccountTools,
): Promise<Session> {
  const lost: CloudError[] = [];
  try {
    return await insist(
      tools,
      () => api.signupFinish(finish),
      (error) => lost.push(error),
    );
  } catch (error) {
    if (!(error instanceof CloudError) || error.fault !== 'refused') throw error;
    const session = lost.length > 0 ? await ownSession(api, finish, ours, tools) : null;
    if (session !== null) return session;
    if (finish.claim !== undefined) {
      throw new PersonError(
        'refused',
        'the server did not make the account: the e-mail address has one already',
        'Log in, if it is yours; otherwise tell who runs the server.',
        { cause: error },
      );
    }
    throw new PersonError(
      'refused',
      'the server did not make the account: the e-mail address has one already, or the invitation is not good',
      'Use `coffre login` if you have an account; otherwise check the invitation.',
      { cause: error },
    );
  }
}

async function ownSession(
  api: HttpAccountApi,
  finish: SignupFinish,
  ours: { readonly password: string; readonly account: AccountKeys; readonly add: SignedChainEntry },
  tools: AccountTools,
): Promise<Session | null> {
  try {
    const proof = await provePassword(
      api,
      { email: finish.email, password: ours.password, pins: null },
      tools,
    );
    const isOurs = proof.account.account === ours.account.account;
    wipeAccountKeys(proof.account);
    return isOurs ? await insist(tools, () => api.addDevice(proof.grant, ours.add)) : null;
  } catch (error) {
    if (error instanceof PersonError && error.code === 'refused') return null; // somebody else's address
    throw error;
  }
}
