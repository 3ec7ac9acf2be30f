/** Staying the same device when the session has ended, or when the server has another address. */
import { PersonError } from '../../protocol/errors.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import type { ServerAddress } from '../remote/server-address.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson, verificationError } from './person-errors.ts';
import { insist } from './tools.ts';
import { relockKeyFile } from './unlock.ts';

/**
 * Opens a new session for this very device, with the password: after a change of password elsewhere, or a
 * session that ran out. The key file is locked with this password from now on.
 * @throws PersonError refused (wrong password), signed-out (this device was revoked), verification, ...
 */
export function signInAgain(device: OpenDevice, password: string): Promise<void> {
  const { home, config, secrets, tools } = device;
  return forPerson(async () => {
    const proof = await device.prove(password, { givesBack: true });
    wipeAccountKeys(proof.account);
    const entry = device.chainKeeper.addEntryOf(device.device);
    const known = device.chain().devices.get(device.device);
    if (entry === null || known?.revoked !== null) {
      const hint = 'Run `coffre login` to make this a new device. Your files stay as they are.';
      throw new PersonError('signed-out', 'this device was revoked', hint);
    }
    const session = await insist(tools, () => device.connection.api.addDevice(proof.grant, entry));
    if (session.account !== device.account || session.device !== device.device) {
      throw verificationError('the server opened a session for another device');
    }
    await device.signIn(session);
    if (config.lock === 'passphrase') {
      await relockKeyFile(home, config, secrets.unlockKey, password, tools);
    }
  });
}

/**
 * The same account at another address; everything stays as it was when another answers there.
 * @throws PersonError server-unreachable, server-certificate, verification, signed-out
 */
export function moveToServer(device: OpenDevice, address: ServerAddress): Promise<void> {
  return forPerson(() =>
    device.moveTo(address, async ({ cloud }) => {
      const { account } = await insist(device.tools, () => cloud.account());
      if (account !== device.account) throw verificationError('another account answers at this address');
      await device.chainKeeper.follow(cloud);
    }),
  );
}
