/**
 * The requests of the account itself: sign-up, login, recovery and what needs a fresh proof of the password or
 * the phrase. Everything here is opaque to this room. Routes: docs/cloud-api.md, "Accounts". Methods throw
 * CloudError.
 */
import type { z } from 'zod';
import {
  chainAppendAnswerSchema,
  claimFinishAnswerSchema,
  claimStartAnswerSchema,
  MAX_LOST_ENTRIES,
  grantSchema,
  loginStartAnswerSchema,
  recoverStartAnswerSchema,
  serverInfoSchema,
  sessionSchema,
  signupStartAnswerSchema,
  type Bundle,
  type Grant,
  type ServerInfo,
  type Session,
} from '../../protocol/cloud.ts';
import type { LegacyParameters } from '../../protocol/legacy.ts';
import { encodeSignedEntry, type SignedChainEntry } from '../../protocol/device-chain.ts';
import { jsonBody, type HttpClient } from './http-client.ts';

export interface SignupFinish {
  readonly email: string;
  readonly registrationRecord: string;
  readonly invite?: string;
  readonly claim?: string;
  readonly bundle: Bundle;
  readonly chain: readonly SignedChainEntry[];
}

export interface AccountApi {
  server(): Promise<ServerInfo>;
  /** How an older service hashed the password of this address; made up for one it did not have. */
  claimStart(email: string): Promise<LegacyParameters>;
  claimFinish(email: string, proof: { hash: string } | { code: string }): Promise<{ claim: string }>;
  signupStart(
    email: string,
    registrationRequest: string,
    claim?: string,
  ): Promise<{ registrationResponse: string }>;
  signupFinish(signup: SignupFinish): Promise<Session>;
  loginStart(email: string, startLoginRequest: string): Promise<{ login: string; loginResponse: string }>;
  loginFinish(login: string, finishLoginRequest: string): Promise<Grant>;
  recoverStart(email: string): Promise<{ recovery: string; challenge: string }>;
  recoverFinish(recovery: string, signature: Uint8Array): Promise<Grant>;
  /** Enrols the device that a signed `add` entry names. */
  addDevice(grant: string, entry: SignedChainEntry): Promise<Session>;
  appendChain(grant: string, entry: SignedChainEntry): Promise<{ length: number }>;
  /** Entries the server lost to a restore; those it has are passed over. @param token of a session, or a grant */
  giveBackChain(token: string, entries: readonly SignedChainEntry[]): Promise<{ length: number }>;
  passwordStart(grant: string, registrationRequest: string): Promise<{ registrationResponse: string }>;
  /** Ends every session but the one of `keepSession`, an access token. */
  passwordFinish(
    grant: string,
    change: { registrationRecord: string; bundle: Bundle },
    keepSession: string | null,
  ): Promise<void>;
  /** Another bundle, for other words. */
  changePhrase(grant: string, bundle: Bundle): Promise<void>;
  /** Ends every session but the one of `keepSession`, an access token. */
  endSessions(grant: string, keepSession: string): Promise<void>;
  deleteAccount(grant: string): Promise<void>;
  /** Ends the session of an access token. */
  logout(accessToken: string): Promise<void>;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function encodeEntry(entry: SignedChainEntry): string {
  return base64(encodeSignedEntry(entry));
}

export class HttpAccountApi implements AccountApi {
  readonly #client: HttpClient;

  constructor(client: HttpClient) {
    this.#client = client;
  }

  #post<T extends z.ZodType>(schema: T, path: string, body: unknown, token?: string): Promise<z.infer<T>> {
    const authorized = token === undefined ? {} : { token };
    return this.#client.json(schema, { method: 'POST', path, body: jsonBody(body), ...authorized });
  }

  server(): Promise<ServerInfo> {
    return this.#client.json(serverInfoSchema, { method: 'GET', path: '/v1/server' });
  }

  claimStart(email: string): Promise<LegacyParameters> {
    return this.#post(claimStartAnswerSchema, '/v1/claim/start', { email });
  }

  claimFinish(email: string, proof: { hash: string } | { code: string }): Promise<{ claim: string }> {
    return this.#post(claimFinishAnswerSchema, '/v1/claim/finish', { email, ...proof });
  }

  signupStart(
    email: string,
    registrationRequest: string,
    claim?: string,
  ): Promise<{ registrationResponse: string }> {
    const request = { email, registrationRequest, ...(claim === undefined ? {} : { claim }) };
    return this.#post(signupStartAnswerSchema, '/v1/signup/start', request);
  }

  signupFinish(signup: SignupFinish): Promise<Session> {
    return this.#post(sessionSchema, '/v1/signup/finish', {
      ...signup,
      chain: signup.chain.map(encodeEntry),
    });
  }

  loginStart(email: string, startLoginRequest: string): Promise<{ login: string; loginResponse: string }> {
    return this.#post(loginStartAnswerSchema, '/v1/login/start', { email, startLoginRequest });
  }

  loginFinish(login: string, finishLoginRequest: string): Promise<Grant> {
    return this.#post(grantSchema, '/v1/login/finish', { login, finishLoginRequest });
  }

  recoverStart(email: string): Promise<{ recovery: string; challenge: string }> {
    return this.#post(recoverStartAnswerSchema, '/v1/recover/start', { email });
  }

  recoverFinish(recovery: string, signature: Uint8Array): Promise<Grant> {
    return this.#post(grantSchema, '/v1/recover/finish', { recovery, signature: base64(signature) });
  }

  addDevice(grant: string, entry: SignedChainEntry): Promise<Session> {
    return this.#post(sessionSchema, '/v1/devices', { entry: encodeEntry(entry) }, grant);
  }

  appendChain(grant: string, entry: SignedChainEntry): Promise<{ length: number }> {
    return this.#post(chainAppendAnswerSchema, '/v1/chain', { entry: encodeEntry(entry) }, grant);
  }

  async giveBackChain(token: string, entries: readonly SignedChainEntry[]): Promise<{ length: number }> {
    let answer = { length: 0 };
    for (let from = 0; from < entries.length; from += MAX_LOST_ENTRIES) {
      const some = entries.slice(from, from + MAX_LOST_ENTRIES).map(encodeEntry);
      answer = await this.#post(chainAppendAnswerSchema, '/v1/chain/lost', { entries: some }, token);
    }
    return answer;
  }

  passwordStart(grant: string, registrationRequest: string): Promise<{ registrationResponse: string }> {
    return this.#post(signupStartAnswerSchema, '/v1/password/start', { registrationRequest }, grant);
  }

  async passwordFinish(
    grant: string,
    change: { registrationRecord: string; bundle: Bundle },
    keepSession: string | null,
  ): Promise<void> {
    await this.#client.bytes({
      method: 'POST',
      path: '/v1/password/finish',
      body: jsonBody(change),
      token: grant,
      headers: keepSession === null ? {} : { 'coffre-session': keepSession },
    });
  }

  async changePhrase(grant: string, bundle: Bundle): Promise<void> {
    const body = jsonBody({ bundle });
    await this.#client.bytes({ method: 'POST', path: '/v1/phrase', body, token: grant });
  }

  async endSessions(grant: string, keepSession: string): Promise<void> {
    const headers = { 'coffre-session': keepSession };
    await this.#client.bytes({ method: 'DELETE', path: '/v1/sessions', token: grant, headers });
  }

  async deleteAccount(grant: string): Promise<void> {
    await this.#client.bytes({ method: 'DELETE', path: '/v1/account', token: grant });
  }

  async logout(accessToken: string): Promise<void> {
    await this.#client.bytes({ method: 'DELETE', path: '/v1/session', token: accessToken });
  }
}
