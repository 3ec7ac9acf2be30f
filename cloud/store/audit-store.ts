/**
 * The audit log, as a part of the metadata store's port. What changes something takes the entry that tells of it, and
 * writes both in one transaction.
 */
import type { AccountId } from '../../protocol/ids.ts';
import type { AuditEntry, NewAuditEntry } from '../audit/entry.ts';
import type { AuditKind } from '../audit/kinds.ts';

/** Where an entry stands among all: by its time, and of one time by its number. */
export interface AuditPlace {
  readonly atMs: number;
  readonly entry: number;
}

export interface AuditQuery {
  readonly account: AccountId | null;
  readonly kind: AuditKind | null;
  readonly sinceMs: number;
  /** Those older than this; an entry that is there stays on its side of it. */
  readonly before: AuditPlace;
  readonly limit: number;
}

/** Behind all that happens before this time. */
export function placeBefore(atMs: number): AuditPlace {
  return { atMs, entry: 0 };
}

export interface AuditStore {
  /** Writes down what changes nothing else. */
  record(entry: NewAuditEntry): Promise<void>;
  /** From the newest on. */
  page(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** Forgets up to `batch` entries of before a time, the oldest first; returns how many. */
  forget(beforeMs: number, batch: number): Promise<number>;
}
