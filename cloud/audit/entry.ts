/** Entries of the audit log. They hold ids and coarse networks: no address, name, path or secret. */
import type { AccountId, DeviceId, Hash } from '../../protocol/ids.ts';
import { DAY_MS } from '../../protocol/limits.ts';
import type { AuditKind } from './kinds.ts';

export const AUDIT_RETENTION_MS = 400 * DAY_MS;

/**
 * Who did it: `account` is a person who had just proved the password or the words, `device` one with a token,
 * `unknown` somebody who proved nothing.
 */
export const AUDIT_ACTORS = ['account', 'device', 'operator', 'system', 'unknown'] as const;
export type AuditActor = (typeof AUDIT_ACTORS)[number];

/** An entry that is to be written, by the transaction that does what it tells. */
export interface NewAuditEntry {
  readonly atMs: number;
  readonly kind: AuditKind;
  readonly actor: AuditActor;
  readonly account: AccountId | null;
  readonly device: DeviceId | null;
  /** As `coarseNetwork` writes it. */
  readonly network: string | null;
  readonly amount: number | null;
  /** How often it happened. */
  readonly times: number;
  /** Entries with the same one become one, with the sums of their times and amounts. */
  readonly tally: Hash | null;
}

/** An entry as it is read. A newer server may have written kinds that this one does not know. */
export interface AuditEntry extends Omit<NewAuditEntry, 'kind' | 'actor' | 'tally'> {
  /** Its number, for life. */
  readonly entry: number;
  readonly kind: string;
  readonly actor: string;
  /** When it happened last; `atMs` says when first. */
  readonly lastMs: number;
}

export function auditEntry(
  facts: Pick<NewAuditEntry, 'kind' | 'actor' | 'atMs'> & Partial<NewAuditEntry>,
): NewAuditEntry {
  return { account: null, device: null, network: null, amount: null, times: 1, tally: null, ...facts };
}

/** What somebody with the rights of the server did by a command. */
export function byOperator(
  kind: AuditKind,
  atMs: number,
  facts: Partial<Pick<NewAuditEntry, 'account' | 'amount' | 'times' | 'tally'>> = {},
): NewAuditEntry {
  return auditEntry({ kind, actor: 'operator', atMs, ...facts });
}
