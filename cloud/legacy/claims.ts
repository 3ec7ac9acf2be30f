/**
 * Proofs that an account of an older service was one's own. Whatever is asked about an address, the same is read and
 * computed, and the same is answered, whether it was a member's, has been claimed, or is nobody's: who asks learns
 * nothing but whether the proof they gave is right. Nor does the time tell: a row that is found takes longer than one that
 * is not, so every answer waits for a moment that was set before anything was looked for.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { LegacyOffer, LegacyParameters } from '../../protocol/legacy.ts';
import { ZERO_HASH, type Hash } from '../../protocol/ids.ts';
import { hashToken, newToken, PROOF_MS } from '../accounts/tokens.ts';
import type { AuditRecorder, Caller } from '../audit/recorder.ts';
import { Refusal } from '../refusal.ts';
import type { AuditStore } from '../store/audit-store.ts';
import type { LegacyStore } from '../store/legacy-store.ts';
import type { SessionStore } from '../store/metadata-store.ts';
import { StoreUnavailable } from '../store/store-errors.ts';
import { addressHash } from './address.ts';
import { hashCode } from './codes.ts';
import { drawnParameters } from './shapes.ts';

/** Time to think of a new password. Another claim can be had as long as none has made the account. */
const CLAIM_MS = 2 * PROOF_MS;
/** From the question to the answer: more than any of this takes, and nobody waits for it. */
const ANSWER_MS = 25;
/** How old what everybody is told may be. */
const OFFER_AGE_MS = 1000;

export interface LegacyClaimParts {
  readonly store: {
    readonly legacy: LegacyStore;
    readonly sessions: SessionStore;
    readonly audit: AuditStore;
  };
  readonly audit: AuditRecorder;
  /** Made-up answers are drawn with it: the same on every node, and after a move. */
  readonly key: Uint8Array;
  readonly now: () => number;
}

/** What is shown: the hash the older service had, or a code. */
export type LegacyProof = { readonly hash: string } | { readonly code: string };

const nothingRestored = (): Refusal =>
  new Refusal('refused', 'this server restores no accounts of an older service');
const refusedClaim = (): Refusal =>
  new Refusal(
    'refused',
    'no account was restored: the address, the old password or the code is wrong, or the account was restored before, or its time is over',
  );

export class LegacyClaims {
  readonly #parts: LegacyClaimParts;
  #offered: LegacyOffer | null = null;
  #offeredAtMs = -Infinity;

  constructor(parts: LegacyClaimParts) {
    this.#parts = parts;
  }

  /** For anybody to see, as often as they like. Null while nothing is restored, or the store cannot tell. */
  async offer(): Promise<LegacyOffer | null> {
    if (performance.now() - this.#offeredAtMs < OFFER_AGE_MS) return this.#offered;
    const { store, now } = this.#parts;
    const offer = await store.legacy.offer(now()).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return null;
      throw error;
    });
    this.#offeredAtMs = performance.now();
    this.#offered = offer === null ? null : { service: offer.service, passwords: offer.shapes.length > 0 };
    return this.#offered;
  }

  /** @param email lower case and trimmed. @throws Refusal refused, of the server and not of the address */
  start(email: string): Promise<LegacyParameters> {
    return inDueTime(() => this.#start(email));
  }

  async #start(email: string): Promise<LegacyParameters> {
    const { store, key, now } = this.#parts;
    const offer = await store.legacy.offer(now());
    if (offer === null || offer.shapes.length === 0) throw nothingRestored();
    const row = await store.legacy.find(addressHash(email), now());
    // Drawn for members too: it takes its time.
    const drawn = drawnParameters(key, email, offer.shapes);
    return row?.parameters ?? drawn;
  }

  /** A claim that one sign-up with this address may use. @throws Refusal refused */
  finish(email: string, proof: LegacyProof, caller: Caller): Promise<string> {
    return inDueTime(() => this.#finish(email, proof, caller));
  }

  async #finish(email: string, proof: LegacyProof, caller: Caller): Promise<string> {
    const { store, audit, now } = this.#parts;
    if ((await store.legacy.offer(now())) === null) throw nothingRestored();
    const row = await store.legacy.find(addressHash(email), now());
    const isRight =
      'code' in proof
        ? isSame(hashCode(proof.code), row?.codeHash ?? null)
        : isSame(hashOfProof(proof.hash), row?.proofHash ?? null);
    if (!isRight) {
      // Of which address is not said: it may be nobody's.
      await store.audit.record(audit.entry('claim-failed', caller));
      throw refusedClaim();
    }
    const claim = newToken();
    const kept = { account: null, data: email };
    await store.sessions.saveProof(hashToken(claim), 'claim', kept, now() + CLAIM_MS, null);
    return claim;
  }
}

/** The outcome of `work`, at a time that does not depend on it: the timer runs before it begins. */
async function inDueTime<T>(work: () => Promise<T>): Promise<T> {
  const due = delay(ANSWER_MS);
  const [outcome] = await Promise.allSettled([work(), due]);
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** @param hash base64 of what the older service stored */
function hashOfProof(hash: string): Hash {
  return proofHash(Buffer.from(hash, 'base64'));
}

/** What is kept of the older service's hash. */
export function proofHash(hash: Uint8Array): Hash {
  return createHash('sha256').update(hash).digest('hex') as Hash;
}

function isSame(shown: Hash, kept: Hash | null): boolean {
  const same = timingSafeEqual(Buffer.from(shown, 'hex'), Buffer.from(kept ?? ZERO_HASH, 'hex'));
  return same && kept !== null;
}
