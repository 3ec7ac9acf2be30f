/**
 * A new password by the 24 words. Nothing of this can be begun by the server: the words are typed here, and the
 * recovery stands in the device chain before it takes effect, so that every device announces it.
 */
import { PersonError } from '../../protocol/errors.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import { noticeEntry } from '../crypto/chain-entries.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { appendToChain } from './chain-append.ts';
import { withServer } from './connect.ts';
import { checkEnrolment, enrolDevice, installDevice, type Enrolled, type Enrolment } from './enrol.ts';
import { registerPassword } from './new-password.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson } from './person-errors.ts';
import { provePhrase, type Proof } from './proof.ts';
import { insist, type AccountTools } from './tools.ts';
import { relockKeyFile } from './unlock.ts';

export interface Recovery {
  readonly phrase: string;
  readonly newPassword: string;
}

function requirePassword(password: string): void {
  if (password === '') throw new PersonError('bad-input', 'the new password is empty', 'Enter a password.');
}

/**
 * On a device without an account (or one whose key file nobody can open): sets the password and enrols it.
 * @throws PersonError bad-input (which word), refused (wrong phrase), verification, server-unreachable, ...
 */
export function recoverWithNewDevice(
  enrolment: Enrolment,
  { phrase, newPassword }: Recovery,
  tools: AccountTools,
): Promise<Enrolled> {
  const checked = checkEnrolment(enrolment);
  requirePassword(newPassword);
  const { email } = checked;
  return withServer(checked.address, tools, async (api, client) => {
    const proofs: Proof[] = [];
    const prove = async (): Promise<Proof> => {
      const proof = await provePhrase(api, { email, phrase, pins: null }, tools);
      proofs.push(proof);
      return proof;
    };
    try {
      const first = await prove();
      let newest: Proof | null = first;
      const chainNow = async (): Promise<DeviceChain> => {
        const { chain } = newest ?? (await prove());
        newest = null;
        return chain;
      };
      const atMs = tools.nowMs();
      const make = (chain: DeviceChain) => noticeEntry(first.account, chain, 'recovered', atMs);
      await appendToChain(api, first.grant, chainNow, make, tools);
      const next = { email, password: newPassword, keepSession: null };
      const { bundle, serverKey } = await registerPassword(api, first, next, tools);
      const enrolled = await enrolDevice(client, api, prove, checked, tools);
      const { account } = enrolled.proof;
      return await installDevice(
        checked,
        { ...enrolled, account, bundleVersion: bundle.version, serverKey },
        tools,
      );
    } finally {
      for (const proof of proofs) wipeAccountKeys(proof.account);
    }
  });
}

/** On a device that is open: sets the password and keeps the device. @throws as `recoverWithNewDevice` */
export function recoverOnDevice(device: OpenDevice, { phrase, newPassword }: Recovery): Promise<void> {
  requirePassword(newPassword);
  const { tools, config, home, secrets } = device;
  return forPerson(async () => {
    const { api, session } = device.connection;
    const { email } = config;
    const proof = await provePhrase(api, { email, phrase, pins: device.pins }, tools);
    try {
      await device.chainKeeper.adopt(proof.entries);
      const atMs = tools.nowMs();
      const make = (chain: DeviceChain) => noticeEntry(proof.account, chain, 'recovered', atMs);
      await appendToChain(api, proof.grant, () => device.followChain(), make, tools);
      const keepSession = await insist(tools, () => session.accessToken());
      const next = { email, password: newPassword, keepSession };
      const { bundle, serverKey } = await registerPassword(api, proof, next, tools);
      await device.pinAccount(bundle.version, serverKey);
    } finally {
      wipeAccountKeys(proof.account);
    }
    if (config.lock === 'passphrase') {
      await relockKeyFile(home, config, secrets.unlockKey, newPassword, tools);
    }
    await insist(tools, () => device.followChain());
  });
}
