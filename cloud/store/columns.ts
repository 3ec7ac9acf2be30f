/** Rows as both metadata stores have them, whose tables name their columns alike, and what they mean. */
import { bundleSchema, type Head } from '../../protocol/cloud.ts';
import type { AccountId, DeviceId, Hash, PackName, VaultId } from '../../protocol/ids.ts';
import type { NodeFacts, PackFacts, VaultFacts } from '../log/judge-commit.ts';
import type { PackState } from '../packs/pack-state.ts';
import type { Usage } from '../quota/quota.ts';
import type { AccountRow, SessionRow } from './metadata-store.ts';

/** Hex to the bytes a column holds. */
export function blob(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

/** A column's bytes to hex. The store trusts what it wrote: the caller names the id the column holds. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export const USAGE_COLUMNS = 'quota_bytes, live_bytes, uncommitted_bytes, retained_bytes';

export interface UsageColumns {
  quota_bytes: number | null;
  live_bytes: number;
  uncommitted_bytes: number;
  retained_bytes: number;
}

export function usageOf(row: UsageColumns, defaultLimit: number): Usage {
  return {
    limitBytes: row.quota_bytes ?? defaultLimit,
    liveBytes: row.live_bytes,
    uncommittedBytes: row.uncommitted_bytes,
    retainedBytes: row.retained_bytes,
  };
}

export const ACCOUNT_COLUMNS = `account, email, registration, bundle, disabled, created_ms, chain_length,
  ${USAGE_COLUMNS}`;

export interface AccountColumns extends UsageColumns {
  account: Buffer;
  email: string;
  registration: string;
  bundle: string;
  disabled: number | boolean;
  created_ms: number;
  chain_length: number;
}

export function accountRow(row: AccountColumns, defaultLimit: number): AccountRow {
  return {
    account: hex(row.account) as AccountId,
    email: row.email,
    registration: row.registration,
    bundle: bundleSchema.parse(JSON.parse(row.bundle)),
    chainLength: row.chain_length,
    disabled: Boolean(row.disabled),
    createdAtMs: row.created_ms,
    usage: usageOf(row, defaultLimit),
  };
}

export interface SessionColumns {
  session: number;
  account: Buffer;
  device: Buffer;
}

export function sessionRow(row: SessionColumns | null): SessionRow | null {
  if (row === null) return null;
  return {
    session: row.session,
    account: hex(row.account) as AccountId,
    device: hex(row.device) as DeviceId,
  };
}

export interface HeadColumns {
  head_seq: number;
  head_hash: Buffer;
}

export function headOf(row: HeadColumns): Head {
  return { seq: row.head_seq, hash: hex(row.head_hash) as Hash };
}

export interface VaultHeadColumns extends HeadColumns {
  vault: Buffer;
}

export function vaultHead(row: VaultHeadColumns): { vault: VaultId; head: Head } {
  return { vault: hex(row.vault) as VaultId, head: headOf(row) };
}

export const VAULT_FACTS_COLUMNS =
  'head_seq, head_hash, epoch, chain_length, epoch_chain_length, required_chain, required_epoch_chain';

export interface VaultFactsColumns extends HeadColumns {
  epoch: number;
  chain_length: number;
  epoch_chain_length: number;
  required_chain: number;
  required_epoch_chain: number;
}

export function vaultFacts(row: VaultFactsColumns): VaultFacts {
  return {
    head: headOf(row),
    epoch: row.epoch,
    chainLength: row.chain_length,
    requiredChain: row.required_chain,
    epochDue: row.required_epoch_chain > row.epoch_chain_length,
  };
}

export interface NodeFactsColumns {
  revision: number;
  object_hash: Buffer | null;
  bytes: number | null;
}

export function nodeFacts(row: NodeFactsColumns | null): NodeFacts | null {
  if (row === null) return null;
  return { revision: row.revision, tombstone: row.object_hash === null, bytes: row.bytes ?? 0 };
}

export interface PackFactsColumns {
  size: number;
  state: PackState;
  index_hash: Buffer | null;
  index_bytes: number | null;
}

export function packFacts(row: PackFactsColumns | null): PackFacts | null {
  if (row === null) return null;
  return {
    size: row.size,
    state: row.state,
    indexHash: row.index_hash === null ? null : (hex(row.index_hash) as Hash),
    indexBytes: row.index_bytes ?? 0,
  };
}

export interface LeaseColumns {
  lease_device: Buffer | null;
  lease_until_ms: number;
}

/** The device that keeps a vault's house at this time; null for none. */
export function leaseHolder(row: LeaseColumns, nowMs: number): DeviceId | null {
  return row.lease_device === null || row.lease_until_ms <= nowMs
    ? null
    : (hex(row.lease_device) as DeviceId);
}

export interface BlobNameColumns {
  account: Buffer;
  vault: Buffer;
  name: Buffer;
}

export function blobName(row: BlobNameColumns): { account: AccountId; vault: VaultId; name: PackName } {
  return {
    account: hex(row.account) as AccountId,
    vault: hex(row.vault) as VaultId,
    name: hex(row.name) as PackName,
  };
}
