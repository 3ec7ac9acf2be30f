/**
 * Makes the entries of what requests do, so that no number of requests fills the disk: what is alike within an hour is
 * one entry, and of one hour there are only so many.
 */
import { createHash } from 'node:crypto';
import type { AccountId, DeviceId, Hash } from '../../protocol/ids.ts';
import { auditEntry, type AuditActor, type NewAuditEntry } from './entry.ts';
import { boundOf, type AuditKind } from './kinds.ts';

/** Who asks, as far as it is known. */
export interface Caller {
  readonly actor: Extract<AuditActor, 'account' | 'device' | 'unknown'>;
  readonly network: string | null;
}

const HOUR_MS = 60 * 60_000;
/** Networks that are told apart in an hour, of one kind and account. */
const NETWORKS = 20;
/** Accounts and networks that are told apart in an hour, of one kind of failure: anybody can make more. */
const FAILURES = 1000;
/** What is remembered of an hour; beyond it the counts of a node begin anew. */
const MAX_KEYS = 100_000;

interface Concerned {
  readonly account?: AccountId | null;
  readonly device?: DeviceId | null;
}

export class AuditRecorder {
  readonly #now: () => number;
  #hour = 0;
  readonly #seen = new Map<string, Set<string>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  entry(
    kind: AuditKind,
    { actor, network }: Caller,
    { account = null, device = null }: Concerned = {},
  ): NewAuditEntry {
    const facts = { kind, actor, account, device, network, atMs: this.#now() };
    switch (boundOf(kind)) {
      case 'each':
        return auditEntry(facts);
      case 'proved':
        return this.#counted(
          this.#isWithin(`${kind} ${account}`, network, NETWORKS) ? facts : { ...facts, network: null },
        );
      case 'unproved':
        return this.#counted(
          this.#isWithin(kind, `${account} ${network}`, FAILURES)
            ? facts
            : { ...facts, account: null, network: null },
        );
    }
  }

  #counted(facts: Omit<NewAuditEntry, 'amount' | 'times' | 'tally'>): NewAuditEntry {
    const { kind, actor, account, device, network, atMs } = facts;
    const hour = Math.floor(atMs / HOUR_MS);
    return auditEntry({ ...facts, tally: tallyOf([kind, actor, account, device, network, hour]) });
  }

  #isWithin(key: string, member: string | null, most: number): boolean {
    const hour = Math.floor(this.#now() / HOUR_MS);
    if (hour !== this.#hour || this.#seen.size > MAX_KEYS) this.#seen.clear();
    this.#hour = hour;
    const seen = this.#seen.get(key) ?? new Set();
    this.#seen.set(key, seen);
    if (member === null || seen.has(member)) return true;
    if (seen.size >= most) return false;
    seen.add(member);
    return true;
  }
}

export function tallyOf(parts: readonly (string | number | null)[]): Hash {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex') as Hash;
}
