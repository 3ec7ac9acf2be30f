/** Rows of an older service as both metadata stores have them, and what they mean. */
import { legacyParametersSchema } from '../../protocol/legacy.ts';
import type { Hash } from '../../protocol/ids.ts';
import { addressHash } from '../legacy/address.ts';
import { shapeOf } from '../legacy/shapes.ts';
import { blob, hex } from './columns.ts';
import type { LegacyRow, NewLegacyRow } from './legacy-store.ts';

/** Of `legacy_rows r JOIN legacy_imports i`. */
export const LEGACY_COLUMNS = `r.address, r.email, r.parameters, r.proof_hash, r.code_hash, r.quota_bytes, r.ended_ms,
  r.claimed, i.expires_ms`;

export interface LegacyColumns {
  address: Buffer;
  email: string | null;
  parameters: string | null;
  proof_hash: Buffer | null;
  code_hash: Buffer | null;
  quota_bytes: number | null;
  ended_ms: number | null;
  claimed: number | boolean;
  expires_ms: number;
}

export function legacyRow(row: LegacyColumns, nowMs: number): LegacyRow {
  const hashOf = (bytes: Buffer | null): Hash | null => (bytes === null ? null : (hex(bytes) as Hash));
  const isOpen = row.ended_ms === null && row.expires_ms > nowMs;
  const { parameters } = row;
  return {
    address: hex(row.address) as Hash,
    parameters: parameters === null ? null : legacyParametersSchema.parse(JSON.parse(parameters)),
    quotaBytes: row.quota_bytes,
    expiresMs: row.expires_ms,
    ...(isOpen
      ? {
          state: 'open',
          email: row.email,
          proofHash: hashOf(row.proof_hash),
          codeHash: hashOf(row.code_hash),
        }
      : { state: row.claimed ? 'claimed' : 'expired', email: null, proofHash: null, codeHash: null }),
  };
}

interface NewColumns {
  readonly address: Buffer;
  readonly email: string;
  readonly parameters: string | null;
  readonly proof_hash: Buffer | null;
  readonly quota_bytes: number | null;
}

export function newColumns({ email, password, quotaBytes }: NewLegacyRow): NewColumns {
  return {
    address: blob(addressHash(email)),
    email,
    parameters: password === null ? null : JSON.stringify(password.parameters),
    proof_hash: password === null ? null : blob(password.proofHash),
    quota_bytes: quotaBytes,
  };
}

/** How many of these parameters have each shape. */
export function countShapes(
  added: readonly { readonly parameters: string | null }[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { parameters } of added) {
    if (parameters === null) continue;
    const shape = shapeOf(legacyParametersSchema.parse(JSON.parse(parameters)));
    counts.set(shape, (counts.get(shape) ?? 0) + 1);
  }
  return counts;
}
