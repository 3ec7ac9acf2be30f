/** Verifies everything the embedded store keeps: rows against each other, blobs against their names. */
import { createHash } from 'node:crypto';
import { commitHash, decodeEntries, decodeHeader, decodePacks } from '../../../protocol/commit.ts';
import { decodeSignedEntry, replayChain } from '../../../protocol/device-chain.ts';
import type { AccountId, PackName, VaultId } from '../../../protocol/ids.ts';
import { hashOf } from '../../../protocol/signing.ts';
import { listedBlobs, type BlobStore } from '../blob-store.ts';
import { hex } from '../columns.ts';
import type { Database } from './database.ts';

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

export async function checkStore(database: Database, blobs: BlobStore): Promise<CheckReport> {
  const damage: string[] = database.integrityFaults().map((fault) => `database: ${fault}`);
  const counts = database.snapshot(() => {
    checkBytes(database, damage);
    return {
      accounts: checkAccounts(database, damage),
      commits: checkCommits(database, damage),
      records: checkRecords(database, damage),
    };
  });
  const packs = await checkPacks(database, blobs, damage);
  let files = 0;
  for await (const _blob of listedBlobs(blobs)) files += 1;
  return {
    ...counts,
    ...packs.report,
    damage,
    strayFiles: Math.max(0, files - packs.files),
  };
}

function checkAccounts(database: Database, damage: string[]): number {
  const accounts = database.all<{ account: Buffer; chain_length: number; chain_head: Buffer }>(
    'SELECT account, chain_length, chain_head FROM accounts WHERE doomed = 0',
  );
  for (const account of accounts) {
    const id = hex(account.account);
    const entries = database.all<{ entry: Buffer }>(
      'SELECT entry FROM chain_entries WHERE account = ? ORDER BY idx',
      account.account,
    );
    try {
      const result = replayChain(entries.map((row) => decodeSignedEntry(row.entry)));
      if (!result.ok) damage.push(`account ${id}: its device chain does not verify (${result.fault})`);
      else if (
        result.chain.head !== hex(account.chain_head) ||
        result.chain.length !== account.chain_length
      ) {
        damage.push(`account ${id}: its device chain is not the one its row names`);
      }
    } catch {
      damage.push(`account ${id}: its device chain does not decode`);
    }
  }
  return accounts.length;
}

function checkCommits(database: Database, damage: string[]): number {
  let count = 0;
  const vaults = database.all<{
    key: number;
    vault: Buffer;
    head_seq: number;
    head_hash: Buffer;
    floor_seq: number;
  }>('SELECT key, vault, head_seq, head_hash, floor_seq FROM vaults');
  for (const vault of vaults) {
    const where = `vault ${hex(vault.vault)}`;
    let previous = '0'.repeat(64);
    let last = 0;
    const rows = database.iterate<{
      seq: number;
      hash: Buffer;
      header: Buffer;
      entries: Buffer | null;
      packs: Buffer | null;
    }>(
      `SELECT c.seq, c.hash, c.header, l.entries, l.packs FROM commits c
       LEFT JOIN commit_lists l ON l.vault = c.vault AND l.seq = c.seq WHERE c.vault = ? ORDER BY c.seq`,
      vault.key,
    );
    for (const row of rows) {
      count += 1;
      const fault = commitFault(row, previous, vault.floor_seq);
      if (fault !== null) damage.push(`${where}, commit ${row.seq}: ${fault}`);
      previous = hex(row.hash);
      last = row.seq;
    }
    if (last !== vault.head_seq || previous !== hex(vault.head_hash)) {
      damage.push(`${where}: its head is not its last commit`);
    }
  }
  return count;
}

function commitFault(
  row: { seq: number; hash: Buffer; header: Buffer; entries: Buffer | null; packs: Buffer | null },
  previous: string,
  floorSeq: number,
): string | null {
  try {
    if (commitHash(row.header) !== hex(row.hash)) return 'its header has another hash';
    const header = decodeHeader(row.header);
    if (header.seq !== row.seq || header.previous !== previous) return 'it does not follow the one before';
    if (row.entries === null || row.packs === null)
      return row.seq > floorSeq ? 'its lists are missing' : null;
    decodeEntries(row.entries);
    decodePacks(row.packs);
    if (hashOf(row.entries) !== header.entriesHash) return 'its entries have another hash';
    if (hashOf(row.packs) !== header.packsHash) return 'its packs have another hash';
    return null;
  } catch {
    return 'it does not decode';
  }
}

function checkRecords(database: Database, damage: string[]): number {
  let count = 0;
  const rows = database.iterate<{
    vault: Buffer;
    node: Buffer;
    revision: number;
    object_hash: Buffer;
    object: Buffer;
  }>(
    `SELECT v.vault, r.node, r.revision, r.object_hash, r.object FROM records r JOIN vaults v ON v.key = r.vault
     WHERE r.object IS NOT NULL`,
  );
  for (const row of rows) {
    count += 1;
    if (hashOf(row.object) !== hex(row.object_hash)) {
      damage.push(`vault ${hex(row.vault)}, node ${hex(row.node)}, revision ${row.revision}: another hash`);
    }
  }
  return count;
}

/** The counts accounts are charged by, against the rows they sum up. */
function checkBytes(database: Database, damage: string[]): void {
  const rows = database.all<{ account: Buffer }>(
    `SELECT a.account FROM accounts a WHERE a.doomed = 0 AND (
       a.live_bytes IS NOT (SELECT coalesce(sum(length(r.object)), 0) FROM records r JOIN vaults v ON v.key = r.vault
           WHERE v.account = a.account AND r.to_seq IS NULL)
         + (SELECT coalesce(sum(p.size + length(p.index_object)), 0) FROM packs p JOIN vaults v ON v.key = p.vault
           WHERE v.account = a.account AND p.state = 'live')
       OR a.uncommitted_bytes IS NOT (SELECT coalesce(sum(p.size), 0) FROM packs p JOIN vaults v ON v.key = p.vault
           WHERE v.account = a.account AND p.state = 'uploaded')
         + (SELECT coalesce(sum(u.size), 0) FROM uploads u JOIN vaults v ON v.key = u.vault WHERE v.account = a.account)
       OR a.retained_bytes IS NOT (SELECT coalesce(sum(length(r.object)), 0) FROM records r JOIN vaults v ON v.key = r.vault
           WHERE v.account = a.account AND r.to_seq IS NOT NULL)
         + (SELECT coalesce(sum(p.size + length(p.index_object)), 0) FROM packs p JOIN vaults v ON v.key = p.vault
           WHERE v.account = a.account AND p.state = 'dropped')
         + (SELECT coalesce(sum(length(p.index_object)), 0) FROM packs p JOIN vaults v ON v.key = p.vault
           WHERE v.account = a.account AND p.state = 'purged'))`,
  );
  for (const row of rows)
    damage.push(`account ${hex(row.account)}: its byte counts are not what its rows sum up to`);
}

async function checkPacks(
  database: Database,
  blobs: BlobStore,
  damage: string[],
): Promise<{ report: { packs: number; blobBytes: number }; files: number }> {
  const rows = database.all<{
    key: number;
    account: Buffer;
    vault: Buffer;
    name: Buffer;
    size: number;
    state: string;
    inline: Buffer | null;
    index_hash: Buffer | null;
    index_object: Buffer | null;
  }>(
    `SELECT p.key, v.account, v.vault, p.name, p.size, p.state, i.bytes AS inline, p.index_hash, p.index_object
     FROM packs p JOIN vaults v ON v.key = p.vault JOIN accounts a ON a.account = v.account
     LEFT JOIN inline_packs i ON i.pack = p.key WHERE a.doomed = 0`,
  );
  let files = 0;
  let blobBytes = 0;
  for (const row of rows) {
    const where = `pack ${hex(row.name)}`;
    if (
      row.index_hash !== null &&
      (row.index_object === null || hashOf(row.index_object) !== hex(row.index_hash))
    ) {
      damage.push(`${where}: its index has another hash`);
    }
    if (row.state === 'deleting' || row.state === 'purged') continue;
    if (row.inline !== null) {
      const digest = createHash('sha256').update(row.inline).digest('hex');
      if (digest !== hex(row.name) || row.inline.length !== row.size) damage.push(`${where}: damaged`);
      continue;
    }
    const name = {
      account: hex(row.account) as AccountId,
      vault: hex(row.vault) as VaultId,
      pack: hex(row.name) as PackName,
    };
    const state = await blobs.verify(name, row.size);
    if (state !== 'missing') files += 1;
    if (state === 'sound') blobBytes += row.size;
    else if (stillThere(database, row.key)) damage.push(`${where}: ${state}`);
  }
  return { report: { packs: rows.length, blobBytes }, files };
}

/** The server may have removed a pack since its row was read. */
function stillThere(database: Database, key: number): boolean {
  return (
    database.get("SELECT 1 FROM packs WHERE key = ? AND state NOT IN ('deleting', 'purged')", key) !== null
  );
}
