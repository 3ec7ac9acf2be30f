/**
 * The tokens of one device. The access token lives in memory; the refresh token rotates, and the new one is
 * saved before anything uses what came with it, so that a crash in between costs nothing: the server takes the
 * spent one once more within its grace.
 */
import { sessionSchema, type Session } from '../../protocol/cloud.ts';
import type { AccountId, DeviceId } from '../../protocol/ids.ts';
import { CloudError } from './cloud.ts';
import { jsonBody, type HttpClient } from './http-client.ts';

/** Signs with the device key; crypto stays outside this room. */
type TokenSigner = (domain: 'token', body: Uint8Array) => Uint8Array;

export interface CloudSessionOptions {
  readonly client: HttpClient;
  readonly account: AccountId;
  readonly device: DeviceId;
  /** Empty after signing out. */
  readonly refreshToken: string;
  readonly sign: TokenSigner;
  /** Durable once it resolves. */
  readonly saveRefreshToken: (refreshToken: string) => Promise<void>;
  /** The server ended the session: revoked, signed out, or a stolen token. Called once. */
  readonly signedOut: () => void;
  readonly clock: { monotonicMs(): number };
  /** A session just opened (sign-up, login), to begin with its access token. */
  readonly opened?: Session;
}

/** The access token is renewed this long before it ends. */
const RENEW_BEFORE_MS = 60_000;

export class CloudSession {
  readonly #options: CloudSessionOptions;
  #refreshToken: string;
  #access: { readonly token: string; readonly untilMs: number } | null = null;
  #renewal: Promise<string> | null = null;
  #ended: boolean;

  constructor(options: CloudSessionOptions) {
    this.#options = options;
    this.#refreshToken = options.refreshToken;
    this.#ended = options.refreshToken === '';
    if (options.opened !== undefined) this.#take(options.opened);
  }

  get signedOut(): boolean {
    return this.#ended;
  }

  /** A token good for another minute. @throws CloudError; `unauthorized` once signed out */
  accessToken(): Promise<string> {
    const access = this.#access;
    if (access !== null && this.#options.clock.monotonicMs() < access.untilMs - RENEW_BEFORE_MS) {
      return Promise.resolve(access.token);
    }
    return this.#renewOnce();
  }

  /** After a 401 on `stale`: a new token, unless another request fetched it already. */
  renew(stale: string): Promise<string> {
    if (this.#access !== null && this.#access.token !== stale) return this.accessToken();
    return this.#renewOnce();
  }

  /** Runs `work` with a token, and once more with a new one when the server does not take the first. */
  async authorized<T>(work: (token: string) => Promise<T>): Promise<T> {
    const token = await this.accessToken();
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof CloudError) || error.fault !== 'unauthorized') throw error;
      return await work(await this.renew(token));
    }
  }

  /** No request is made any more. */
  end(): void {
    this.#ended = true;
    this.#access = null;
  }

  #renewOnce(): Promise<string> {
    this.#renewal ??= this.#fetch().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #fetch(): Promise<string> {
    const { client, sign, saveRefreshToken, account, device } = this.#options;
    if (this.#ended) throw signedOutError();
    const refreshToken = this.#refreshToken;
    const signature = sign('token', Buffer.from(refreshToken, 'utf8'));
    let session: Session;
    try {
      session = await client.json(sessionSchema, {
        method: 'POST',
        path: '/v1/token',
        body: jsonBody({ refreshToken, signature: Buffer.from(signature).toString('base64') }),
      });
    } catch (error) {
      if (error instanceof CloudError && (error.fault === 'refused' || error.fault === 'unauthorized')) {
        this.#signOut();
        throw signedOutError(error);
      }
      throw error;
    }
    if (session.account !== account || session.device !== device) {
      throw new CloudError('malformed', 'the server answered with the session of another device');
    }
    await saveRefreshToken(session.refreshToken);
    this.#take(session);
    return session.accessToken;
  }

  #take(session: Session): void {
    this.#refreshToken = session.refreshToken;
    const untilMs = this.#options.clock.monotonicMs() + session.accessExpiresInS * 1000;
    this.#access = { token: session.accessToken, untilMs };
  }

  #signOut(): void {
    if (this.#ended) return;
    this.end();
    this.#options.signedOut();
  }
}

function signedOutError(cause?: unknown): CloudError {
  return new CloudError('unauthorized', 'this device is signed out', null, { cause });
}
