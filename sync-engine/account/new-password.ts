/** Registers another password for an account whose root key is open. */
import type { Bundle } from '../../protocol/cloud.ts';
import { changePassword as nextBundle } from '../crypto/bundle.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { startRegistration } from '../crypto/password.ts';
import type { AccountApi } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import { verificationError } from './person-errors.ts';
import { provePassword, type Proof } from './proof.ts';
import { finishRegistrationApart } from './password-thread.ts';
import { insist, type AccountTools } from './tools.ts';

export interface NewPassword {
  readonly email: string;
  readonly password: string;
  /** Access token of the session that stays; null to end all. */
  readonly keepSession: string | null;
}

/** Returns the bundle that holds now and the server's OPAQUE key. @throws CloudError, PersonError */
export async function registerPassword(
  api: AccountApi,
  proof: Proof,
  { email, password, keepSession }: NewPassword,
  tools: AccountTools,
): Promise<{ readonly bundle: Bundle; readonly serverKey: string }> {
  const registration = await startRegistration(password);
  const { registrationRequest, state } = registration;
  const { registrationResponse } = await insist(tools, () =>
    api.passwordStart(proof.grant, registrationRequest),
  );
  const registered = await finishRegistrationApart({
    password,
    state,
    registrationResponse,
    cost: tools.passwordCost,
  });
  if (!registered.ok) throw verificationError("the server's part of the registration makes no sense");
  const { passwordKey, registrationRecord, serverKey } = registered;
  if (proof.serverKey !== '' && proof.serverKey !== serverKey) {
    passwordKey.fill(0);
    throw verificationError('the server registers under another key than it proved before');
  }
  const bundle = nextBundle(proof.account, proof.bundle, passwordKey, tools.random);
  passwordKey.fill(0);
  const lost: CloudError[] = [];
  try {
    const change = { registrationRecord, bundle };
    await insist(
      tools,
      () => api.passwordFinish(proof.grant, change, keepSession),
      (error) => lost.push(error),
    );
  } catch (error) {
    const taken = error instanceof CloudError && error.fault === 'exists';
    if (!taken || lost.length === 0 || !(await holdsNow(api, email, password, bundle, tools))) throw error;
  }
  return { bundle, serverKey };
}

/** The answer was lost and the bundle is newer now: by us, or by another device? */
async function holdsNow(
  api: AccountApi,
  email: string,
  password: string,
  bundle: Bundle,
  tools: AccountTools,
): Promise<boolean> {
  const proof = await provePassword(api, { email, password, pins: null }, tools);
  wipeAccountKeys(proof.account);
  return proof.bundle.signature === bundle.signature;
}
