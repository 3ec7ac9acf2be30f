/** Tokens are random, and known to the server by their hash only: a stolen database opens no session. */
import { createHash, randomBytes } from 'node:crypto';
import { ACCESS_TOKEN_MS, DAY_MS } from '../../protocol/limits.ts';
import type { Session } from '../../protocol/cloud.ts';
import type { AccountId, DeviceId, Hash } from '../../protocol/ids.ts';
import type { NewTokens } from '../store/metadata-store.ts';

export const GRANT_MS = 10 * 60_000;
export const PROOF_MS = 5 * 60_000;
/** How long a spent refresh token may be shown again because its answer was lost. */
export const REFRESH_GRACE_MS = 60_000;
/** A device silent for longer signs in again. */
const REFRESH_MS = 400 * DAY_MS;

/** 256 random bits as text. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

export function hashToken(token: string): Hash {
  return createHash('sha256').update(token, 'utf8').digest('hex') as Hash;
}

/** Somebody holds a copy of a refresh token that was spent so long ago. */
export function isReused(spentMs: number | null, nowMs: number, graceMs: number): boolean {
  return spentMs !== null && nowMs - spentMs > graceMs;
}

export interface IssuedSession {
  readonly session: Session;
  readonly stored: NewTokens;
}

export function issueTokens(account: AccountId, device: DeviceId, nowMs: number): IssuedSession {
  const accessToken = newToken();
  const refreshToken = newToken();
  return {
    session: { account, device, accessToken, refreshToken, accessExpiresInS: ACCESS_TOKEN_MS / 1000 },
    stored: {
      accessHash: hashToken(accessToken),
      accessExpiresMs: nowMs + ACCESS_TOKEN_MS,
      refreshHash: hashToken(refreshToken),
      refreshExpiresMs: nowMs + REFRESH_MS,
    },
  };
}
