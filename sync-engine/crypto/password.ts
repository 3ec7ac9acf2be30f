/**
 * The client's half of OPAQUE (RFC 9807): the server learns neither the password nor anything to guess it by
 * without paying the key stretching for each guess. The export key both flows end with gives the password key,
 * which wraps the account root key. The library draws its own randomness.
 *
 * The two `finish` steps run Argon2id: they hold their thread for about a second and grow the library's memory for
 * the life of that thread. Everything they need can be cloned, so that they may run in another.
 */
import * as opaque from '@serenity-kit/opaque';
import { hkdf } from './hmac.ts';

/** Argon2id. Memory in KiB. */
export interface StretchingCost {
  readonly memory: number;
  readonly iterations: number;
  readonly parallelism: number;
}

/** A constant of the client, never taken from a server: RFC 9106, second recommended option. */
export const PASSWORD_COST: StretchingCost = { memory: 65_536, iterations: 3, parallelism: 4 };

function stretching(cost: StretchingCost) {
  return { 'argon2id-custom': { ...cost } };
}

/** One spelling of one password, whatever the keyboard composed. */
function normalise(password: string): string {
  return password.normalize('NFKC');
}

function passwordKeyOf(exportKey: string): Uint8Array {
  const bytes = Buffer.from(exportKey, 'base64url');
  const key = hkdf(bytes, new Uint8Array(0), 'coffre/password-key', 32);
  bytes.fill(0);
  return key;
}

/** What both flows give: the key that wraps the account root key, and the server's OPAQUE key, to be pinned. */
interface PasswordProof {
  /** 32 bytes. */
  readonly passwordKey: Uint8Array;
  readonly serverKey: string;
}

type PasswordFault =
  /** A wrong password, or a server that does not hold this account's record: the two look alike. */
  | 'refused'
  /** The server proved another key than the pinned one. */
  | 'wrong-server'
  | 'malformed';

export type FinishedRegistration =
  | ({ readonly ok: true; readonly registrationRecord: string } & PasswordProof)
  | { readonly ok: false; readonly fault: PasswordFault };

export type FinishedLogin =
  | ({ readonly ok: true; readonly finishLoginRequest: string } & PasswordProof)
  | { readonly ok: false; readonly fault: PasswordFault };

export interface FinishRegistration {
  readonly password: string;
  /** Of the start. */
  readonly state: string;
  readonly registrationResponse: string;
  readonly cost: StretchingCost;
}

export interface FinishLogin {
  readonly password: string;
  readonly state: string;
  readonly loginResponse: string;
  /** From an earlier registration or login; null on a new device. */
  readonly pinnedServerKey: string | null;
  readonly cost: StretchingCost;
}

export async function startRegistration(
  password: string,
): Promise<{ readonly registrationRequest: string; readonly state: string }> {
  await opaque.ready;
  const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({
    password: normalise(password),
  });
  return { registrationRequest, state: clientRegistrationState };
}

export async function finishRegistration(request: FinishRegistration): Promise<FinishedRegistration> {
  const { password, state, registrationResponse, cost } = request;
  await opaque.ready;
  try {
    const { registrationRecord, exportKey, serverStaticPublicKey } = opaque.client.finishRegistration({
      clientRegistrationState: state,
      registrationResponse,
      password: normalise(password),
      keyStretching: stretching(cost),
    });
    return {
      ok: true,
      registrationRecord,
      passwordKey: passwordKeyOf(exportKey),
      serverKey: serverStaticPublicKey,
    };
  } catch {
    return { ok: false, fault: 'malformed' }; // the library throws on an answer that does not decode
  }
}

export async function startLogin(
  password: string,
): Promise<{ readonly startLoginRequest: string; readonly state: string }> {
  await opaque.ready;
  const { clientLoginState, startLoginRequest } = opaque.client.startLogin({
    password: normalise(password),
  });
  return { startLoginRequest, state: clientLoginState };
}

export async function finishLogin(request: FinishLogin): Promise<FinishedLogin> {
  const { password, state, loginResponse, pinnedServerKey, cost } = request;
  await opaque.ready;
  let result;
  try {
    result = opaque.client.finishLogin({
      clientLoginState: state,
      loginResponse,
      password: normalise(password),
      keyStretching: stretching(cost),
    });
  } catch {
    return { ok: false, fault: 'malformed' };
  }
  if (result === undefined) return { ok: false, fault: 'refused' };
  const { exportKey, finishLoginRequest, serverStaticPublicKey } = result;
  if (pinnedServerKey !== null && pinnedServerKey !== serverStaticPublicKey) {
    return { ok: false, fault: 'wrong-server' };
  }
  return {
    ok: true,
    finishLoginRequest,
    passwordKey: passwordKeyOf(exportKey),
    serverKey: serverStaticPublicKey,
  };
}
