/**
 * A fresh proof of the password or of the recovery phrase: a grant of the server, and the account's root keys
 * opened with what the person knows. Everything the server sends with it is checked before any request that
 * follows; a fault ends the flow with one message, so that nothing the server could observe depends on which.
 */
import type { Bundle, Grant } from '../../protocol/cloud.ts';
import { emailSchema } from '../../protocol/cloud.ts';
import { decodeSignedEntry, type DeviceChain, type SignedChainEntry } from '../../protocol/device-chain.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { openBundle, type BundlePins, type RootWrap } from '../crypto/bundle.ts';
import { wipeAccountKeys, type AccountKeys } from '../crypto/identity.ts';
import { startLogin } from '../crypto/password.ts';
import { parsePhrase, recoveryKeysOf, type PhraseFault } from '../crypto/phrase.ts';
import { sign } from '../crypto/sign.ts';
import type { AccountApi } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import { verifyChain } from './chain-follow.ts';
import { finishLoginApart } from './password-thread.ts';
import { forPerson, verificationError, wrongPassword, wrongPhrase } from './person-errors.ts';
import { insist, type AccountTools } from './tools.ts';

/** What a device already knows of its account. */
export interface AccountPins {
  readonly account: AccountId;
  readonly masterKey: Uint8Array;
  readonly bundleVersion: number;
  /** Of OPAQUE; empty when never learnt. */
  readonly serverKey: string;
}

export interface Proof {
  /** Bearer token of ten minutes. */
  readonly grant: string;
  readonly bundle: Bundle;
  /** Wiped by whoever asked for the proof. */
  readonly account: AccountKeys;
  readonly chain: DeviceChain;
  readonly entries: readonly SignedChainEntry[];
  /** Empty after a proof by the phrase. */
  readonly serverKey: string;
}

/** As typed to as used everywhere. @throws PersonError bad-input */
export function normalEmail(text: string): string {
  const parsed = emailSchema.safeParse(text.normalize('NFC').trim().toLowerCase());
  if (parsed.success) return parsed.data;
  throw new PersonError('bad-input', 'this is not an e-mail address', 'Write it like somebody@example.org.');
}

/** @throws PersonError refused (wrong password or unknown address), verification, server-unreachable, ... */
export function provePassword(
  api: AccountApi,
  request: { readonly email: string; readonly password: string; readonly pins: AccountPins | null },
  tools: AccountTools,
): Promise<Proof> {
  const { password, pins } = request;
  const email = normalEmail(request.email);
  const attempt = async (): Promise<Proof> => {
    const login = await startLogin(password);
    const started = await api.loginStart(email, login.startLoginRequest);
    const pinned = pins === null || pins.serverKey === '' ? null : pins.serverKey;
    const finished = await finishLoginApart({
      password,
      state: login.state,
      loginResponse: started.loginResponse,
      pinnedServerKey: pinned,
      cost: tools.passwordCost,
    });
    if (!finished.ok) {
      if (finished.fault === 'refused') throw wrongPassword();
      throw verificationError('the server does not prove to be the one this account was made on');
    }
    try {
      const grant = await refusedAs(wrongPassword, () =>
        api.loginFinish(started.login, finished.finishLoginRequest),
      );
      return openGrant(grant, 'root-by-password', finished.passwordKey, pins, finished.serverKey);
    } finally {
      finished.passwordKey.fill(0);
    }
  };
  // A proof is taken once: after a lost answer it is made anew.
  return forPerson(() => insist(tools, attempt));
}

/** @throws PersonError bad-input (a word), refused (wrong phrase or unknown address), verification, ... */
export function provePhrase(
  api: AccountApi,
  request: { readonly email: string; readonly phrase: string; readonly pins: AccountPins | null },
  tools: AccountTools,
): Promise<Proof> {
  const email = normalEmail(request.email);
  const parsed = parsePhrase(request.phrase);
  if (!parsed.ok) throw phraseError(parsed.fault);
  return forPerson(async () => {
    const keys = recoveryKeysOf(parsed.entropy);
    const attempt = async (): Promise<Grant> => {
      const { recovery, challenge } = await api.recoverStart(email);
      const challengeBytes = Buffer.from(challenge, 'base64');
      if (challengeBytes.length !== 32) throw verificationError("the server's challenge is not one");
      const signature = sign('recovery', challengeBytes, keys.authSecret);
      return refusedAs(wrongPhrase, () => api.recoverFinish(recovery, signature));
    };
    try {
      const grant = await insist(tools, attempt);
      return openGrant(grant, 'root-by-recovery', keys.recoveryKey, request.pins, '');
    } finally {
      parsed.entropy.fill(0);
      keys.recoveryKey.fill(0);
      keys.authSecret.fill(0);
    }
  });
}

async function refusedAs<T>(meaning: () => PersonError, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CloudError && error.fault === 'refused') throw meaning();
    throw error;
  }
}

function openGrant(
  grant: Grant,
  wrap: RootWrap,
  key: Uint8Array,
  pins: AccountPins | null,
  serverKey: string,
): Proof {
  const bundlePins: BundlePins = { account: pins?.account ?? null, leastVersion: pins?.bundleVersion ?? 1 };
  const opened = openBundle(grant.bundle, wrap, key, bundlePins);
  if (!opened.ok) throw verificationError('the account keys the server keeps for you do not hold');
  const { account } = opened;
  try {
    const entries = decodeEntries(grant.chain);
    const chain = verifyChain(entries, account.account);
    if (Buffer.compare(chain.masterKey, account.masterKey) !== 0) {
      throw verificationError('the device list is signed by another key than your account');
    }
    return { grant: grant.grant, bundle: grant.bundle, account, chain, entries, serverKey };
  } catch (error) {
    wipeAccountKeys(account);
    throw error;
  }
}

function decodeEntries(encoded: readonly string[]): SignedChainEntry[] {
  try {
    return encoded.map((entry) => decodeSignedEntry(Buffer.from(entry, 'base64')));
  } catch (error) {
    throw verificationError("the server's list of your devices does not read", { cause: error });
  }
}

/** Says which word, never the word. */
function phraseError(fault: PhraseFault): PersonError {
  switch (fault.kind) {
    case 'wrong-count':
      return new PersonError(
        'bad-input',
        `the recovery phrase has 24 words, not ${fault.count}`,
        'Enter all of them, in their order.',
      );
    case 'unknown-word':
      return new PersonError(
        'bad-input',
        `word ${fault.position} of the recovery phrase is not on the word list`,
        'Look at its spelling.',
      );
    case 'bad-checksum':
      return new PersonError(
        'bad-input',
        'the words of the recovery phrase do not belong together',
        'One of them is another word of the list, or two changed places. Compare them one by one.',
      );
  }
}
