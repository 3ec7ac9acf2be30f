/** Who is asking: a device with an access token, or a person with a fresh grant. Runs before a body is read. */
import type { FastifyRequest } from 'fastify';
import type { AccountId } from '../../protocol/ids.ts';
import { hashToken } from '../accounts/tokens.ts';
import type { Caller } from '../audit/recorder.ts';
import type { MetadataStore, SessionRow } from '../store/metadata-store.ts';
import { unauthorized } from './errors.ts';
import { coarseNetwork } from './rate-limit.ts';
import type { SharedRate } from './shared-rate.ts';

declare module 'fastify' {
  interface FastifyRequest {
    session: SessionRow | null;
    grantedAccount: AccountId | null;
  }
}

/** How often a device's being heard is written down. */
const HEARD_INTERVAL_MS = 5 * 60_000;
const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/i;

export class Authenticator {
  readonly #store: MetadataStore;
  readonly #now: () => number;
  readonly #requests: SharedRate;
  readonly #heard = new Map<string, number>();

  constructor(store: MetadataStore, requests: SharedRate, now: () => number) {
    this.#store = store;
    this.#requests = requests;
    this.#now = now;
  }

  /** @throws Refusal unauthorized, rate-limited */
  readonly device = async (request: FastifyRequest): Promise<void> => {
    const session = await this.session(request.headers.authorization);
    if (session === null) throw unauthorized();
    await this.#admit(request, session);
  };

  /** @throws Refusal unauthorized, rate-limited */
  readonly grant = async (request: FastifyRequest): Promise<void> => {
    const token = bearer(request.headers.authorization);
    const account = token === null ? null : await this.#store.sessions.grant(hashToken(token), this.#now());
    if (account === null) throw unauthorized();
    await this.#requests.take(account);
    request.grantedAccount = account;
  };

  /**
   * Whoever may read what the account stores: a device, or a person with a grant, which so needs no device to
   * take everything out. @throws Refusal unauthorized, rate-limited
   */
  readonly reader = async (request: FastifyRequest): Promise<void> => {
    const session = await this.session(request.headers.authorization);
    if (session === null) {
      await this.grant(request);
      return;
    }
    await this.#admit(request, session);
  };

  async #admit(request: FastifyRequest, session: SessionRow): Promise<void> {
    await this.#requests.take(session.account);
    request.session = session;
    await this.#note(session);
  }

  async session(authorization: string | undefined): Promise<SessionRow | null> {
    const token = bearer(authorization);
    return token === null ? null : this.#store.sessions.byAccess(hashToken(token), this.#now());
  }

  /** The device was heard: its uploads do not expire yet. */
  async #note(session: SessionRow): Promise<void> {
    const nowMs = this.#now();
    const key = `${session.account}/${session.device}`;
    if (nowMs - (this.#heard.get(key) ?? -Infinity) < HEARD_INTERVAL_MS) return;
    if (this.#heard.size > 100_000) this.#heard.clear();
    this.#heard.set(key, nowMs);
    await this.#store.accounts.heard(session.account, session.device, nowMs);
  }
}

function bearer(authorization: string | undefined): string | null {
  return BEARER.exec(authorization ?? '')?.[1] ?? null;
}

/** The session `Authenticator.device` found. */
export function sessionOf(request: FastifyRequest): SessionRow {
  if (request.session === null) throw unauthorized();
  return request.session;
}

/** Who asks, for the audit log. */
export function callerOf(request: FastifyRequest): Caller {
  const known = request.session === null ? null : ('device' as const);
  const granted = request.grantedAccount === null ? null : ('account' as const);
  return { actor: granted ?? known ?? 'unknown', network: coarseNetwork(request.ip) };
}

/** The account `Authenticator.reader` found. */
export function readableAccountOf(request: FastifyRequest): AccountId {
  return request.session?.account ?? grantedAccountOf(request);
}

/** The account `Authenticator.grant` found. */
export function grantedAccountOf(request: FastifyRequest): AccountId {
  if (request.grantedAccount === null) throw unauthorized();
  return request.grantedAccount;
}
