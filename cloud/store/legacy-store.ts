/**
 * Accounts of an older service that wait for their owners, as a part of the metadata store's port. An address is known
 * by its SHA-256; its text is there while it may still be claimed. What the older service hashed with stays as long as
 * any import does, so that an address is answered the same before and after it was claimed or ran out.
 */
import type { LegacyParameters } from '../../protocol/legacy.ts';
import type { Hash } from '../../protocol/ids.ts';
import type { NewAuditEntry } from '../audit/entry.ts';

export interface NewLegacyRow {
  /** Lower case and trimmed. */
  readonly email: string;
  /** Null for one that only a code opens. */
  readonly password: { readonly parameters: LegacyParameters; readonly proofHash: Hash } | null;
  /** Null: the server's default. */
  readonly quotaBytes: number | null;
}

export interface LegacyRow {
  /** SHA-256 of the address. */
  readonly address: Hash;
  /** Null once it can be claimed no more. */
  readonly email: string | null;
  readonly parameters: LegacyParameters | null;
  /** SHA-256 of the older service's hash; null once it can be claimed no more. */
  readonly proofHash: Hash | null;
  /** SHA-256 of the one-time code. */
  readonly codeHash: Hash | null;
  readonly quotaBytes: number | null;
  readonly expiresMs: number;
  readonly state: 'open' | 'claimed' | 'expired';
}

/** What made-up answers are drawn from: parameters but for the salt, and how often an import has them. */
export interface ImportedShape {
  readonly import: number;
  /** As `legacy/shapes.ts` writes it. */
  readonly shape: string;
  readonly rows: number;
}

/** What changes rows writes its entry of the audit log, with how many they were, where there were any. */
export interface LegacyStore {
  /**
   * Adds the rows whose address is not there, or ran out unclaimed; no address comes twice. `import` is null for the
   * first batch of one. Returns how many were added, and the import they are in (null while there is none).
   */
  add(batch: {
    readonly import: number | null;
    /** What people know the service by; null when it was not said. */
    readonly service: string | null;
    readonly expiresMs: number;
    readonly rows: readonly NewLegacyRow[];
    readonly nowMs: number;
    readonly audit: NewAuditEntry;
  }): Promise<{ readonly import: number | null; readonly added: number }>;
  /** Null when no import is left whose time is not over. */
  offer(
    nowMs: number,
  ): Promise<{ readonly service: string | null; readonly shapes: readonly ImportedShape[] } | null>;
  find(address: Hash, nowMs: number): Promise<LegacyRow | null>;
  /** Rows in the order of `address`, from behind one on. */
  page(after: Hash | null, limit: number, nowMs: number): Promise<readonly LegacyRow[]>;
  /** Gives open rows a code, in place of one they had. Returns the addresses of those that took it. */
  setCodes(
    codes: readonly { readonly address: Hash; readonly codeHash: Hash }[],
    nowMs: number,
    audit: NewAuditEntry,
  ): Promise<readonly Hash[]>;
  /** Ends what is open, of these addresses or of all; returns how many rows it was. */
  expire(which: readonly Hash[] | 'all', nowMs: number, audit: NewAuditEntry): Promise<number>;
  /**
   * Empties rows whose time is over, and forgets everything once the last import's is. For the upkeep, in small
   * transactions.
   */
  forgetExpired(nowMs: number): Promise<void>;
}

export const LEGACY_BATCH = 1000;
