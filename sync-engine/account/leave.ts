/** The ways out: signing out and deleting the account; neither touches a file. And a grant for what needs one. */
import { wipeAccountKeys } from '../crypto/identity.ts';
import { CloudError } from '../remote/cloud.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson } from './person-errors.ts';
import { insist } from './tools.ts';

/** Ends the session if the server can be reached, and forgets keys and account either way. Closes the device. */
export async function logout(device: OpenDevice): Promise<void> {
  const { api, session } = device.connection;
  try {
    await session.authorized((token) => api.logout(token));
  } catch (error) {
    if (!(error instanceof CloudError)) throw error; // it ends by itself: its refresh token is gone from here
  } finally {
    await device.close();
    await device.home.forget();
  }
}

/**
 * Every other device of the account is signed out until the password is given there; this one stays.
 * @throws PersonError refused (wrong password), server-unreachable, ...
 */
export function signOutOthers(device: OpenDevice, password: string): Promise<void> {
  return withGrant(device, password, async (grant) => {
    const { api, session } = device.connection;
    const own = await insist(device.tools, () => session.accessToken());
    const lost: CloudError[] = [];
    try {
      await insist(
        device.tools,
        () => api.endSessions(grant, own),
        (error) => lost.push(error),
      );
    } catch (error) {
      // Grants end with the sessions: where the answer was lost, this one is gone because it was done.
      if (!(lost.length > 0 && error instanceof CloudError && error.fault === 'unauthorized')) throw error;
    }
  });
}

/** Everything the server holds goes. Closes the device. @throws PersonError refused (wrong password), ... */
export async function deleteAccount(device: OpenDevice, password: string): Promise<void> {
  await withGrant(device, password, (grant) => device.connection.api.deleteAccount(grant));
  await device.close();
  await device.home.forget();
}

/** A fresh proof of the password for one piece of work, such as purging the trash. @throws PersonError */
export function withGrant<T>(
  device: OpenDevice,
  password: string,
  work: (grant: string) => Promise<T>,
): Promise<T> {
  return forPerson(async () => {
    const proof = await device.prove(password);
    wipeAccountKeys(proof.account);
    return work(proof.grant);
  });
}
