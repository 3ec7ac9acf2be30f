/** The ways out: signing out and deleting the account; neither touches a file. And a grant for what needs one. */
import { wipeAccountKeys } from '../crypto/identity.ts';
import { CloudError } from '../remote/cloud.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson } from './person-errors.ts';

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
