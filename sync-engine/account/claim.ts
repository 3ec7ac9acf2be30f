/** A proof that an account of an older service was this person's own: what a sign-up needs to be it again. */
import type { LegacyOffer } from '../../protocol/legacy.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { HttpAccountApi } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import type { ServerAddress } from '../remote/server-address.ts';
import { withServer } from './connect.ts';
import { legacyHashApart } from './password-thread.ts';
import { normalEmail } from './proof.ts';
import { insist, type AccountTools } from './tools.ts';

export type OldProof =
  | { readonly kind: 'password'; readonly password: string }
  /** As the operator sent it, however it was typed. */
  | { readonly kind: 'code'; readonly code: string };

/** Whose accounts a server restores. @throws PersonError refused (none), server-unreachable, ... */
export function askLegacyOffer(address: ServerAddress, tools: AccountTools): Promise<LegacyOffer> {
  return withServer(address, tools, (api) => requireOffer(api, tools));
}

/** Tries a proof without using it up. @throws PersonError refused, bad-input, server-unreachable, ... */
export function tryOldProof(
  request: { readonly address: ServerAddress; readonly email: string; readonly old: OldProof },
  tools: AccountTools,
): Promise<void> {
  const email = normalEmail(request.email);
  return withServer(request.address, tools, async (api) => {
    await claimAccount(api, email, request.old, tools);
  });
}

/**
 * The claim that one sign-up with this address may use. The old password does not leave the device.
 * @throws CloudError, PersonError refused
 */
export async function claimAccount(
  api: HttpAccountApi,
  email: string,
  old: OldProof,
  tools: AccountTools,
): Promise<string> {
  await requireOffer(api, tools);
  try {
    const proof = old.kind === 'code' ? { code: old.code } : await hashOf(api, email, old.password, tools);
    return (await insist(tools, () => api.claimFinish(email, proof))).claim;
  } catch (error) {
    if (!(error instanceof CloudError) || error.fault !== 'refused') throw error;
    throw new PersonError(
      'refused',
      old.kind === 'code'
        ? 'no account of the older service was found with this address and code'
        : 'no account of the older service was found with this address and old password',
      'Check both. If you have restored it already, log in; if its time is over, ask who runs the server.',
      { cause: error },
    );
  }
}

async function hashOf(
  api: HttpAccountApi,
  email: string,
  password: string,
  tools: AccountTools,
): Promise<{ hash: string }> {
  if (password === '') throw new PersonError('bad-input', 'the old password is empty', 'Enter it.');
  const parameters = await insist(tools, () => api.claimStart(email));
  const hash = await legacyHashApart({ password, parameters });
  const text = Buffer.from(hash).toString('base64');
  hash.fill(0);
  return { hash: text };
}

async function requireOffer(api: HttpAccountApi, tools: AccountTools): Promise<LegacyOffer> {
  const { legacy } = await insist(tools, () => api.server());
  if (legacy !== undefined) return legacy;
  throw new PersonError(
    'refused',
    'this server restores no accounts of an older service',
    'Check the server address; if it is right, the time for it is over: ask who runs the server.',
  );
}

/**
 * The older service's operator has a hash of the old password, and could find the new keys by guessing it.
 * @throws PersonError bad-input
 */
export function refuseOldPassword(old: OldProof, password: string): void {
  if (old.kind !== 'password' || old.password.normalize('NFKC') !== password.normalize('NFKC')) return;
  throw new PersonError(
    'bad-input',
    'the new password is the old one, of which the server has been given a hash: whoever guesses it could read your files',
    'Choose another password.',
  );
}
