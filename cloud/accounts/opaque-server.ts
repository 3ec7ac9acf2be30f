/**
 * The server's half of OPAQUE (RFC 9807). It never sees a password; an unknown address is answered as a known
 * one. The setup is the server's long-term secret: losing it invalidates every password record.
 */
import { hkdfSync } from 'node:crypto';
import * as opaque from '@serenity-kit/opaque';

export interface OpaqueServer {
  /** Null for a message that is not one. */
  registrationResponse(email: string, registrationRequest: string): string | null;
  /** `registration` is null for an unknown address. Null for a message that is not one. */
  startLogin(
    email: string,
    registration: string | null,
    startLoginRequest: string,
  ): { loginResponse: string; state: string } | null;
  finishLogin(state: string, finishLoginRequest: string): boolean;
  /** 32 bytes that every node of the server has, and nobody else; others for each purpose. */
  secretFor(purpose: string): Uint8Array;
}

export async function newOpaqueSetup(): Promise<string> {
  await opaque.ready;
  return opaque.server.createSetup();
}

/** @throws when `serverSetup` is not a setup */
export async function opaqueServer(serverSetup: string): Promise<OpaqueServer> {
  await opaque.ready;
  opaque.server.getPublicKey(serverSetup);
  return {
    secretFor: (purpose) =>
      new Uint8Array(hkdfSync('sha256', serverSetup, new Uint8Array(0), `coffre-cloud/${purpose}`, 32)),
    registrationResponse(email, registrationRequest) {
      try {
        return opaque.server.createRegistrationResponse({
          serverSetup,
          userIdentifier: email,
          registrationRequest,
        }).registrationResponse;
      } catch {
        return null;
      }
    },
    startLogin(email, registration, startLoginRequest) {
      try {
        const { loginResponse, serverLoginState } = opaque.server.startLogin({
          serverSetup,
          userIdentifier: email,
          registrationRecord: registration,
          startLoginRequest,
        });
        return { loginResponse, state: serverLoginState };
      } catch {
        return null;
      }
    },
    finishLogin(state, finishLoginRequest) {
      try {
        opaque.server.finishLogin({ serverLoginState: state, finishLoginRequest });
        return true;
      } catch {
        return false;
      }
    },
  };
}
