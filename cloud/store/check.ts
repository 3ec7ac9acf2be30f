/**
 * Verifies everything a server keeps: rows against each other, blobs against their names. An account at a time, each
 * as of one moment, so that it may run beside servers, on a store of any size.
 */
import { createHash } from 'node:crypto';
import { decodeSignedEntry, replayChain } from '../../protocol/device-chain.ts';
import type { AccountId, PackName, VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import type { PackState } from '../packs/pack-state.ts';
import { AUDIT_ACTORS } from '../audit/entry.ts';
import { countedPacks, countedRecords, countedUploads, NO_BYTES, plus } from '../quota/counted.ts';
import type { ByteMoves } from '../quota/quota.ts';
import { listedBlobs, type BlobName, type BlobStore } from './blob-store.ts';
import { checkLog, type CheckedVault } from './check-log.ts';
import { blob, hex } from './columns.ts';
import type { MetadataStore } from './metadata-store.ts';
import { beside, type TableReader } from './tables.ts';

/** Blobs read at a time. */
const READS = 6;

export interface CheckReport {
  readonly accounts: number;
  readonly commits: number;
  readonly records: number;
  readonly packs: number;
  readonly blobBytes: number;
  /** What is wrong, one line each; empty when all is sound. */
  readonly damage: readonly string[];
  /** Blobs no row names: left by an unclean stop or an upload that never ended, harmless. */
  readonly strayFiles: number;
}

interface NamedBlob {
  readonly name: BlobName;
  readonly size: number;
}

/** What was found of the accounts so far. */
class Findings {
  accounts = 0;
  commits = 0;
  records = 0;
  packs = 0;
  blobBytes = 0;
  files = 0;
  readonly damage: string[] = [];
}

export async function checkStore(store: MetadataStore, blobs: BlobStore): Promise<CheckReport> {
  const findings = new Findings();
  findings.damage.push(...(await store.tables.faults()).map((fault) => `database: ${fault}`));
  for (const account of await accountsOf(store)) {
    const named = await store.tables.read((tables) => checkAccount(tables, blob(account), findings));
    await checkBlobs(store, blobs, named, findings);
  }
  await store.tables.read((tables) => checkAudit(tables, findings.damage));
  let files = 0;
  for await (const _blob of listedBlobs(blobs)) files += 1;
  const { accounts, commits, records, packs, blobBytes, damage } = findings;
  const strayFiles = Math.max(0, files - findings.files);
  return { accounts, commits, records, packs, blobBytes, damage, strayFiles };
}

async function accountsOf(store: MetadataStore): Promise<readonly string[]> {
  return store.tables.read(async (tables) => {
    const accounts: string[] = [];
    for await (const row of tables.rows<{ account: Buffer; doomed: boolean }>('accounts')) {
      if (!row.doomed) accounts.push(hex(row.account));
    }
    return accounts;
  });
}

interface AuditColumns {
  entry: number;
  at_ms: number;
  last_ms: number;
  actor: string;
  times: number;
}

/** That each entry of the audit log can be one: whether it is what was written, nobody can tell. */
async function checkAudit(tables: TableReader, damage: string[]): Promise<void> {
  for await (const row of tables.rows<AuditColumns>('audit_entries')) {
    const { entry, at_ms, last_ms, actor, times } = row;
    if (last_ms < at_ms || times < 1 || !AUDIT_ACTORS.some((one) => one === actor))
      damage.push(`audit entry ${entry}: its times or its actor cannot be`);
  }
}

interface AccountColumns {
  doomed: boolean;
  chain_length: number;
  chain_head: Buffer;
  live_bytes: number;
  uncommitted_bytes: number;
  retained_bytes: number;
}

/** The blobs that are to be there. */
async function checkAccount(tables: TableReader, account: Buffer, findings: Findings): Promise<NamedBlob[]> {
  const named: NamedBlob[] = [];
  const id = hex(account) as AccountId;
  for await (const row of tables.rows<AccountColumns>('accounts', { account })) {
    if (row.doomed) continue;
    findings.accounts += 1;
    await checkChain(tables, account, row, findings.damage);
    let counted = NO_BYTES;
    for await (const vault of tables.rows<CheckedVault>('vaults', { account })) {
      findings.commits += await checkLog(tables, vault, findings.damage);
      counted = plus(counted, await checkRecords(tables, vault, findings));
      counted = plus(counted, await checkPacks(tables, vault, findings, id, named));
      for await (const { size } of tables.rows<{ size: number }>('uploads', { vault: vault.key }))
        counted = plus(counted, countedUploads(size));
    }
    const { live, uncommitted, retained } = counted;
    if (row.live_bytes !== live || row.uncommitted_bytes !== uncommitted || row.retained_bytes !== retained) {
      findings.damage.push(`account ${id}: its byte counts are not what its rows sum up to`);
    }
  }
  return named;
}

async function checkChain(
  tables: TableReader,
  account: Buffer,
  row: AccountColumns,
  damage: string[],
): Promise<void> {
  const where = `account ${hex(account)}`;
  const entries: Buffer[] = [];
  for await (const { entry } of tables.rows<{ entry: Buffer }>('chain_entries', { account }))
    entries.push(entry);
  try {
    const result = replayChain(entries.map(decodeSignedEntry));
    if (!result.ok) damage.push(`${where}: its device chain does not verify (${result.fault})`);
    else if (result.chain.head !== hex(row.chain_head) || result.chain.length !== row.chain_length) {
      damage.push(`${where}: its device chain is not the one its row names`);
    }
  } catch {
    damage.push(`${where}: its device chain does not decode`);
  }
}

interface RecordColumns {
  node: Buffer;
  revision: number;
  to_seq: number | null;
  object_hash: Buffer;
  object: Buffer | null;
}

async function checkRecords(
  tables: TableReader,
  vault: CheckedVault,
  findings: Findings,
): Promise<ByteMoves> {
  let counted = NO_BYTES;
  for await (const row of tables.rows<RecordColumns>('records', { vault: vault.key })) {
    if (row.object === null) continue;
    findings.records += 1;
    counted = plus(counted, countedRecords(row.to_seq !== null, row.object.length));
    if (hashOf(row.object) === hex(row.object_hash)) continue;
    const where = `vault ${hex(vault.vault)}, node ${hex(row.node)}, revision ${row.revision}`;
    findings.damage.push(`${where}: another hash`);
  }
  return counted;
}

interface PackColumns {
  name: Buffer;
  size: number;
  state: PackState;
  inline: boolean;
  index_hash: Buffer | null;
  index_object: Buffer | null;
}

async function checkPacks(
  tables: TableReader,
  vault: CheckedVault,
  findings: Findings,
  account: AccountId,
  named: NamedBlob[],
): Promise<ByteMoves> {
  let counted = NO_BYTES;
  const rows = tables.rows<PackColumns>('packs', { vault: vault.key });
  const bytes = tables.rows<{ name: Buffer; bytes: Buffer }>('inline_packs', { vault: vault.key });
  for await (const [row, inline] of beside(rows, bytes, (pack, its) => Buffer.compare(pack.name, its.name))) {
    findings.packs += 1;
    counted = plus(counted, countedPacks(row.state, row.size, row.index_object?.length ?? 0));
    const where = `pack ${hex(row.name)}`;
    if (
      row.index_hash !== null &&
      (row.index_object === null || hashOf(row.index_object) !== hex(row.index_hash))
    ) {
      findings.damage.push(`${where}: its index has another hash`);
    }
    if (row.state === 'deleting' || row.state === 'purged') continue;
    const pack = hex(row.name) as PackName;
    if (!row.inline)
      named.push({ name: { account, vault: hex(vault.vault) as VaultId, pack }, size: row.size });
    else if (inline === null) findings.damage.push(`${where}: missing`);
    else if (inline.bytes.length !== row.size || sha256(inline.bytes) !== pack)
      findings.damage.push(`${where}: damaged`);
  }
  return counted;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function checkBlobs(
  store: MetadataStore,
  blobs: BlobStore,
  named: readonly NamedBlob[],
  findings: Findings,
): Promise<void> {
  const checkOne = async ({ name, size }: NamedBlob): Promise<void> => {
    const state = await blobs.verify(name, size);
    if (state !== 'missing') findings.files += 1;
    if (state === 'sound') findings.blobBytes += size;
    else if (await stillThere(store, name)) findings.damage.push(`pack ${name.pack}: ${state}`);
  };
  for (let at = 0; at < named.length; at += READS)
    await Promise.all(named.slice(at, at + READS).map(checkOne));
}

/** The server may have removed a pack since its row was read. */
async function stillThere(store: MetadataStore, { account, vault, pack }: BlobName): Promise<boolean> {
  const row = await store.packs.find(account, vault, pack);
  return row !== null && row.state !== 'deleting' && row.state !== 'purged';
}
