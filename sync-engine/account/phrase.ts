/**
 * The 24 words of the account, after the password is proved: shown again, or made anew. They lie in the bundle
 * under the root key, which only the password or the words themselves unwrap.
 */
import { PersonError } from '../../protocol/errors.ts';
import { changePhrase, openPhrase } from '../crypto/bundle.ts';
import { noticeEntry } from '../crypto/chain-entries.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { makePhrase, recoveryKeysOf } from '../crypto/phrase.ts';
import { CloudError } from '../remote/cloud.ts';
import { appendToChain } from './chain-append.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson, verificationError } from './person-errors.ts';
import { insist } from './tools.ts';

/** @throws PersonError refused (wrong password), not-found (an account of before), verification, ... */
export function showPhrase(device: OpenDevice, password: string): Promise<string> {
  return forPerson(async () => {
    const { account, bundle } = await device.prove(password);
    const opened = openPhrase(account, bundle);
    wipeAccountKeys(account);
    if (opened.ok) return opened.phrase;
    if (opened.fault === 'damaged')
      throw verificationError('the recovery words the server keeps do not hold');
    throw new PersonError(
      'not-found',
      'the recovery words of this account were shown once, when it was made, and were not kept',
      'Make new ones with `coffre recovery renew`; the ones before then open nothing.',
    );
  });
}

/**
 * New words; those before open nothing from then on. The device chain says so first, so that every device
 * announces it. @throws PersonError refused (wrong password), verification, server-unreachable, ...
 */
export function renewPhrase(device: OpenDevice, password: string): Promise<string> {
  const { tools } = device;
  return forPerson(async () => {
    const { api } = device.connection;
    const proof = await device.prove(password);
    const { phrase, entropy } = makePhrase(tools.random);
    try {
      const atMs = tools.nowMs();
      await appendToChain(
        api,
        proof.grant,
        () => device.followChain(),
        (chain) => noticeEntry(proof.account, chain, 'phrase-renewed', atMs),
        tools,
      );
      const recovery = { ...recoveryKeysOf(entropy), entropy };
      const bundle = changePhrase(proof.account, proof.bundle, recovery, tools.random);
      const lost: CloudError[] = [];
      try {
        await insist(
          tools,
          () => api.changePhrase(proof.grant, bundle),
          (error) => lost.push(error),
        );
      } catch (error) {
        // The answer was lost and the bundle is newer now: by us, or by another device?
        if (!(lost.length > 0 && error instanceof CloudError && error.fault === 'exists')) throw error;
        const now = await device.prove(password);
        wipeAccountKeys(now.account);
        if (now.bundle.signature !== bundle.signature) throw error;
      }
      await device.pinAccount(bundle.version, proof.serverKey);
      return phrase;
    } finally {
      entropy.fill(0);
      wipeAccountKeys(proof.account);
    }
  });
}
