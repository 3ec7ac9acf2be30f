/**
 * The client's half of OPAQUE (RFC 9807): the server learns neither the password nor anything to guess it by
 * without paying the key stretching for each guess. The export key both flows end with gives the password key,
 * which wraps the account root key. The library draws its own randomness.
 *
 * The two `finish` steps run Argon2id and hold their thread for about a second.
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

export interface Registration {
  readonly registrationRequest: string;
  /** @param cost for tests only */
  finish(
    registrationResponse: string,
    cost?: StretchingCost,
  ):
    | ({ readonly ok: true; readonly registrationRecord: string } & PasswordProof)
    | { readonly ok: false; readonly fault: PasswordFault };
}

export async function startRegistration(rawPassword: string): Promise<Registration> {
  await opaque.ready;
  const password = normalise(rawPassword);
  const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({ password });
  return {
    registrationRequest,
    finish(registrationResponse, cost = PASSWORD_COST) {
      try {
        const { registrationRecord, exportKey, serverStaticPublicKey } = opaque.client.finishRegistration({
          clientRegistrationState,
          registrationResponse,
          password,
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
    },
  };
}

export interface Login {
  readonly startLoginRequest: string;
  /**
   * @param pinnedServerKey from an earlier registration or login; null on a new device
   * @param cost for tests only
   */
  finish(
    loginResponse: string,
    pinnedServerKey: string | null,
    cost?: StretchingCost,
  ):
    | ({ readonly ok: true; readonly finishLoginRequest: string } & PasswordProof)
    | { readonly ok: false; readonly fault: PasswordFault };
}

export async function startLogin(rawPassword: string): Promise<Login> {
  await opaque.ready;
  const password = normalise(rawPassword);
  const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password });
  return {
    startLoginRequest,
    finish(loginResponse, pinnedServerKey, cost = PASSWORD_COST) {
      let result;
      try {
        result = opaque.client.finishLogin({
          clientLoginState,
          loginResponse,
          password,
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
    },
  };
}
