/** This installation becomes one more device of an account, by its password. */
import { PersonError } from '../../protocol/errors.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { withServer } from './connect.ts';
import { checkEnrolment, enrolDevice, installDevice, type Enrolled, type Enrolment } from './enrol.ts';
import { provePassword, type Proof } from './proof.ts';
import type { AccountTools } from './tools.ts';

/**
 * An identity this home had before is replaced; its device stays in the account's list until revoked.
 * @throws PersonError refused (wrong password), verification, server-unreachable, server-certificate, ...
 */
export function login(enrolment: Enrolment, password: string, tools: AccountTools): Promise<Enrolled> {
  const checked = checkEnrolment(enrolment);
  if (password === '') throw new PersonError('bad-input', 'the password is empty', 'Enter a password.');
  return withServer(checked.address, tools, async (api, client) => {
    const proofs: Proof[] = [];
    const prove = async (): Promise<Proof> => {
      const proof = await provePassword(api, { email: checked.email, password, pins: null }, tools);
      proofs.push(proof);
      return proof;
    };
    try {
      const enrolled = await enrolDevice(client, api, prove, checked, tools);
      const { bundle, account, serverKey } = enrolled.proof;
      const parts = { ...enrolled, account, bundleVersion: bundle.version, serverKey };
      return await installDevice(checked, parts, tools);
    } finally {
      for (const proof of proofs) wipeAccountKeys(proof.account);
    }
  });
}
