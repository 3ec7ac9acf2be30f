/**
 * Everything the account server remembers but the bytes of packs, as a port. Each method is one whole
 * transaction: it is atomic, and durable once its promise resolves. Rules live with the callers' rooms as
 * pure functions (`log/judge-commit.ts`, `accounts/judge-chain.ts`) which an implementation calls inside
 * its transaction with the facts it read there, so every store decides alike. `store/metadata-acceptance.ts` is the
 * suite each implementation passes. Times are milliseconds since 1970 from the caller's clock.
 */
import type { Bundle, Head } from '../../protocol/cloud.ts';
import type { CommitFrame } from '../../protocol/commit.ts';
import type { ChainEntry, DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId, Hash, NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import type { HistoryItem, ReceivedHeader, StatePage } from '../../protocol/pages.ts';
import type { NewAuditEntry } from '../audit/entry.ts';
import type { Rate } from '../config.ts';
import type { CommitRefusal } from '../log/judge-commit.ts';
import type { PackState } from '../packs/pack-state.ts';
import type { ByteMoves, QuotaRefusal, Usage } from '../quota/quota.ts';
import type { AuditStore } from './audit-store.ts';
import type { BlobName } from './blob-store.ts';
import type { LegacyStore } from './legacy-store.ts';
import type { StoreTables } from './tables.ts';

export interface AccountRow {
  readonly account: AccountId;
  readonly email: string;
  /** The OPAQUE registration record. */
  readonly registration: string;
  readonly bundle: Bundle;
  readonly chainLength: number;
  readonly disabled: boolean;
  readonly createdAtMs: number;
  readonly usage: Usage;
}

interface NewAccount {
  readonly account: AccountId;
  readonly email: string;
  readonly registration: string;
  readonly bundle: Bundle;
  /** Encoded signed entries, from genesis on. */
  readonly chain: readonly Uint8Array[];
  readonly chainHead: Hash;
  readonly device: DeviceId;
  readonly nowMs: number;
  /** Hash of the invitation to use up; null when sign-up is open, or by a claim. */
  readonly inviteHash: Hash | null;
  /** Hash of the claim to use up, with the row of an older service that it is for; null without one. */
  readonly claimHash: Hash | null;
  readonly audit: NewAuditEntry;
}

export interface NewTokens {
  readonly accessHash: Hash;
  readonly accessExpiresMs: number;
  readonly refreshHash: Hash;
  readonly refreshExpiresMs: number;
}

export interface SessionRow {
  readonly session: number;
  readonly account: AccountId;
  readonly device: DeviceId;
}

/** Of a `claim` the data are the address. */
type ProofKind = 'login' | 'recovery' | 'claim';

interface ProofRow {
  /** Null for an address nobody has: the proof can then never succeed. */
  readonly account: AccountId | null;
  readonly data: string;
}

/** Each change takes the entry of the audit log that tells of it: neither is there without the other. */
export interface AccountStore {
  /** `refused`: the address or the account exists, or the invitation or the claim does not. */
  create(account: NewAccount): Promise<'created' | 'refused'>;
  byEmail(email: string): Promise<AccountRow | null>;
  byId(account: AccountId): Promise<AccountRow | null>;
  list(): Promise<readonly AccountRow[]>;
  /** Encoded signed chain entries from an index on. */
  chain(account: AccountId, from: number): Promise<readonly Uint8Array[]>;
  devices(account: AccountId): Promise<readonly { device: DeviceId; lastHeardMs: number }[]>;
  heard(account: AccountId, device: DeviceId, nowMs: number): Promise<void>;
  /**
   * Appends an entry that `chain` accepted, if the stored chain still is `chain`: a `revoke` must pin every
   * vault's head and ends the device's sessions, a `void` rewinds its vault. Of an entry that `wasLost` the pins may
   * lie above the heads, which were lost with it; none below.
   */
  appendChain(append: {
    readonly account: AccountId;
    readonly chain: DeviceChain;
    readonly entry: ChainEntry;
    readonly encoded: Uint8Array;
    readonly wasLost: boolean;
    readonly entryHash: Hash;
    readonly nowMs: number;
    /** Null for an entry of the chain that says nothing of who may do what. */
    readonly audit: NewAuditEntry | null;
  }): Promise<'appended' | 'stale' | 'gone'>;
  /** New password: registration and bundle together; every session but `keepSession` ends. */
  changePassword(change: {
    readonly account: AccountId;
    readonly registration: string;
    readonly bundle: Bundle;
    readonly keepSession: number | null;
    readonly audit: NewAuditEntry;
  }): Promise<'changed' | 'old-version'>;
  /** Another bundle for the same password. */
  changeBundle(account: AccountId, bundle: Bundle, audit: NewAuditEntry): Promise<'changed' | 'old-version'>;
  /** Every session but `keepSession` ends, and every grant: what was proved before is proved no more. */
  signOut(account: AccountId, keepSession: number | null, audit: NewAuditEntry): Promise<void>;
  setQuota(account: AccountId, limitBytes: number, audit: NewAuditEntry): Promise<void>;
  setDisabled(account: AccountId, disabled: boolean, audit: NewAuditEntry): Promise<void>;
  /** Frees the address and ends every session at once; `UpkeepStore.forgetAccounts` does the rest. */
  markDeleted(account: AccountId, audit: NewAuditEntry): Promise<void>;
  addInvite(inviteHash: Hash, nowMs: number, audit: NewAuditEntry): Promise<void>;
}

export interface SessionStore {
  /** `audit` is null where the entry is written with what the session is opened for. */
  open(session: {
    readonly account: AccountId;
    readonly device: DeviceId;
    readonly tokens: NewTokens;
    readonly nowMs: number;
    readonly audit: NewAuditEntry | null;
  }): Promise<void>;
  byAccess(accessHash: Hash, nowMs: number): Promise<SessionRow | null>;
  /** The session a refresh token belongs to, spent or not. */
  byRefresh(refreshHash: Hash, nowMs: number): Promise<SessionRow | null>;
  /** Spends a refresh token for new ones. Spent longer than `graceMs` ago: the whole session ends, as `reused` tells. */
  rotate(
    refreshHash: Hash,
    tokens: NewTokens,
    nowMs: number,
    graceMs: number,
    reused: () => NewAuditEntry,
  ): Promise<'rotated' | 'refused'>;
  /** Those of these that have not ended. */
  alive(sessions: readonly number[]): Promise<ReadonlySet<number>>;
  end(session: number): Promise<void>;
  saveGrant(grantHash: Hash, account: AccountId, expiresMs: number, audit: NewAuditEntry): Promise<void>;
  grant(grantHash: Hash, nowMs: number): Promise<AccountId | null>;
  /** `audit` is null where beginning a proof tells nothing. */
  saveProof(
    proofHash: Hash,
    kind: ProofKind,
    proof: ProofRow,
    expiresMs: number,
    audit: NewAuditEntry | null,
  ): Promise<void>;
  /** Reads and forgets: a proof is tried once. */
  takeProof(proofHash: Hash, kind: ProofKind, nowMs: number): Promise<ProofRow | null>;
}

export type AppendOutcome =
  | {
      readonly kind: 'committed';
      readonly seq: number;
      readonly receivedAtMs: number;
      readonly created: boolean;
    }
  /** This very commit is in the log already. */
  | { readonly kind: 'known'; readonly seq: number; readonly receivedAtMs: number }
  /** The stored device chain is no longer the one given. */
  | { readonly kind: 'chain-moved' }
  | CommitRefusal;

export interface StoredChanges {
  readonly head: Head;
  /** Encoded frames, oldest first, without inline packs. */
  readonly commits: readonly { readonly receivedAtMs: number; readonly frame: Uint8Array }[];
}

interface Standing {
  readonly account: AccountId;
  readonly chainLength: number;
  readonly vaults: readonly { readonly vault: VaultId; readonly head: Head }[];
}

export interface LogStore {
  vaults(account: AccountId): Promise<readonly { vault: VaultId; head: Head; createdAtMs: number }[]>;
  /** How far these accounts have come; those that are gone are left out. */
  standings(accounts: readonly AccountId[]): Promise<readonly Standing[]>;
  /** Null when the account has no such vault. */
  head(account: AccountId, vault: VaultId): Promise<Head | null>;
  /** The frame's signature and its place in `chain` are checked already; the rest happens here. */
  appendCommit(append: {
    readonly account: AccountId;
    readonly chain: DeviceChain;
    readonly frame: CommitFrame;
    readonly hash: Hash;
    readonly nowMs: number;
  }): Promise<AppendOutcome>;
  changes(
    account: AccountId,
    vault: VaultId,
    after: number,
    maxBytes: number,
  ): Promise<StoredChanges | 'gone' | null>;
  state(
    account: AccountId,
    vault: VaultId,
    at: number,
    cursor: string | null,
    maxBytes: number,
  ): Promise<StatePage | 'gone' | 'bad-cursor' | null>;
  headers(
    account: AccountId,
    vault: VaultId,
    from: number,
    to: number,
  ): Promise<readonly ReceivedHeader[] | null>;
  history(
    account: AccountId,
    vault: VaultId,
    node: NodeId,
    maxBytes: number,
  ): Promise<readonly HistoryItem[] | null>;
  /** The last commit received at or before a time. */
  headAt(account: AccountId, vault: VaultId, atMs: number): Promise<{ head: Head | null } | null>;
  epochs(account: AccountId, vault: VaultId): Promise<readonly StoredEpoch[] | null>;
  lease(
    account: AccountId,
    vault: VaultId,
    device: DeviceId,
    nowMs: number,
    lengthMs: number,
  ): Promise<{ granted: boolean; untilMs: number } | null>;
}

export interface StoredEpoch {
  readonly epoch: number;
  readonly header: Uint8Array;
  readonly signature: Uint8Array;
  readonly opening: Uint8Array;
  readonly wraps: Uint8Array;
}

interface PackRow {
  readonly size: number;
  readonly state: PackState;
  /** The bytes, when the pack travelled inside its commit and lives in the metadata store. */
  readonly inline: Uint8Array | null;
}

export type Reservation =
  | { readonly kind: 'reserved'; readonly upload: number }
  | { readonly kind: 'stored' }
  | { readonly kind: 'deleting' }
  | QuotaRefusal;

export interface PackStore {
  find(account: AccountId, vault: VaultId, name: PackName): Promise<PackRow | null>;
  /** Charges the bytes before they arrive. Null when the account has no such vault. */
  reserve(upload: {
    readonly account: AccountId;
    readonly vault: VaultId;
    readonly name: PackName;
    readonly size: number;
    readonly device: DeviceId;
    readonly nowMs: number;
    /** An upload of it by this device that has not ended is taken up again: its bytes are charged once. */
    readonly resume: boolean;
  }): Promise<Reservation | null>;
  /** An upload of this pack that has neither ended nor been given up. */
  findUpload(
    account: AccountId,
    vault: VaultId,
    name: PackName,
    upload: number,
  ): Promise<{ readonly size: number } | null>;
  /** The bytes are durable in the blob store. `gone`: the vault went away meanwhile. */
  complete(upload: number, nowMs: number): Promise<'stored' | 'deleting' | 'gone'>;
  release(upload: number): Promise<void>;
  /** Marks dropped packs whose bytes are to go at once; returns how many, which is the amount of the entry if any. */
  purge(
    account: AccountId,
    vault: VaultId,
    names: readonly PackName[],
    audit: NewAuditEntry,
  ): Promise<number | null>;
}

/** A blob the upkeep is to remove. */
export interface DoomedPack {
  readonly account: AccountId;
  readonly vault: VaultId;
  readonly name: PackName;
  readonly inline: boolean;
}

/** Bytes that were added to the counts of an account. */
export interface Mended {
  readonly account: AccountId;
  readonly moves: ByteMoves;
}

export interface UsageAudit {
  /** How many were looked at. */
  readonly accounts: number;
  /** Those whose counts were wrong. */
  readonly mended: readonly Mended[];
  /** Whether the round goes on. */
  readonly more: boolean;
}

export interface UpkeepStore {
  /**
   * The upkeep runs on one node at a time: true while `holder` is it, for as long from now. False when another is.
   */
  hold(holder: string, lengthMs: number): Promise<boolean>;
  /** Another may run it now. */
  release(holder: string): Promise<void>;
  /** Forgets tokens, grants and proofs past their time, and uploads that began longer than `UPLOAD_MS` ago. */
  forgetExpired(nowMs: number): Promise<void>;
  /**
   * Forgets up to `batch` superseded records whose retention is over, and the lists of commits from which
   * nothing live or retained is left; returns how many records.
   */
  forgetRecords(nowMs: number, batch: number): Promise<number>;
  /**
   * Marks up to `batch` packs `deleting`: dropped ones past the retention time, uploads never committed
   * whose device fell silent. None while a backup holds the blobs. Includes those marked before and the
   * purged ones whose bytes are still there.
   */
  doomPacks(nowMs: number, batch: number): Promise<readonly DoomedPack[]>;
  /**
   * Marks `deleting` those of these blobs that nothing names: of a vault that is known, and neither a pack nor an
   * upload of it. What lies under a vault nobody knows may be another server's, and is left alone. None while a backup
   * holds the blobs. Returns how many.
   */
  doomStrays(
    blobs: readonly { readonly name: BlobName; readonly size: number }[],
    nowMs: number,
  ): Promise<number>;
  /** Their blobs are gone. */
  forgetPacks(packs: readonly DoomedPack[]): Promise<void>;
  /**
   * Deleted accounts of which something is left, but those with an upload that has not ended, whose bytes may still
   * come; none while a backup holds the blobs.
   */
  doomedAccounts(nowMs: number): Promise<readonly AccountId[]>;
  /**
   * Forgets up to `batch` rows of a deleted account; false once nothing is left of it but entries of the audit log,
   * without the networks they had, and `audit` is written.
   */
  forgetAccount(account: AccountId, batch: number, audit: NewAuditEntry): Promise<boolean>;
  /**
   * Sums up again what up to `batch` accounts count for and mends counts that say otherwise: from where the last call
   * ended, whoever made it. After the last account the next round begins `roundMs` after this one did.
   */
  auditUsage(nowMs: number, batch: number, roundMs: number): Promise<UsageAudit>;
  /** A backup runs until then: no blob may be removed. */
  holdBlobs(untilMs: number): Promise<void>;
  stats(): Promise<StoreStats>;
}

export interface StoreStats {
  readonly accounts: number;
  readonly vaults: number;
  readonly commits: number;
  readonly packs: number;
  readonly liveBytes: number;
  readonly uncommittedBytes: number;
  readonly retainedBytes: number;
}

/** Rates that several nodes keep together. */
export interface RateStore {
  /**
   * Takes up to `wanted` tokens from a bucket that is full at first and fills again at its rate; `missing` says how
   * many there were too few for one.
   */
  draw(
    key: Hash,
    rate: Rate,
    wanted: number,
    nowMs: number,
  ): Promise<{ readonly tokens: number; readonly missing: number }>;
}

export interface MetadataStore {
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly log: LogStore;
  readonly packs: PackStore;
  readonly upkeep: UpkeepStore;
  readonly legacy: LegacyStore;
  readonly audit: AuditStore;
  /** Null for a store that has one server. */
  readonly rates: RateStore | null;
  /** Asks it for next to nothing. @throws StoreUnavailable, StoreDamaged when it does not answer */
  reachable(): Promise<void>;
  readonly tables: StoreTables;
  /** Flushes and closes. */
  close(): Promise<void>;
}
