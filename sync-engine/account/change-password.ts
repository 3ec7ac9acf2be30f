/** Another password for the account, asked for with the old one. The chain says so to every device. */
import { PersonError } from '../../protocol/errors.ts';
import { noticeEntry } from '../crypto/chain-entries.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { appendToChain } from './chain-append.ts';
import { registerPassword } from './new-password.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson } from './person-errors.ts';
import { insist } from './tools.ts';
import { relockKeyFile } from './unlock.ts';

/**
 * This device stays signed in and its key file is locked with the new password from now on. The sessions of
 * the others end: there `signInAgain` takes the new password.
 * @throws PersonError refused (wrong old password), verification, server-unreachable, ...
 */
export function changePassword(
  device: OpenDevice,
  change: { readonly oldPassword: string; readonly newPassword: string },
): Promise<void> {
  const { tools, config, home, secrets } = device;
  if (change.newPassword === '') {
    throw new PersonError('bad-input', 'the new password is empty', 'Enter a password.');
  }
  return forPerson(async () => {
    const { api, session } = device.connection;
    const { email } = config;
    const proof = await device.prove(change.oldPassword);
    try {
      const notice = tools.nowMs();
      await appendToChain(
        api,
        proof.grant,
        () => device.followChain(),
        (chain) => noticeEntry(proof.account, chain, 'password-changed', notice),
        tools,
      );
      const keepSession = await insist(tools, () => session.accessToken());
      const next = { email, password: change.newPassword, keepSession };
      const { bundle, serverKey } = await registerPassword(api, proof, next, tools);
      await device.pinAccount(bundle.version, serverKey);
    } finally {
      wipeAccountKeys(proof.account);
    }
    if (config.lock === 'passphrase') {
      await relockKeyFile(home, config, secrets.unlockKey, change.newPassword, tools);
    }
    await insist(tools, () => device.followChain());
  });
}
