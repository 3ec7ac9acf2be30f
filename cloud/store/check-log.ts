/** Verifies the log of one vault: that its commits follow each other, and that their lists are those they name. */
import { commitHash, decodeEntries, decodeHeader, decodePacks } from '../../protocol/commit.ts';
import { ZERO_HASH } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { hex } from './columns.ts';
import { beside, type TableReader } from './tables.ts';

export interface CheckedVault {
  key: number;
  vault: Buffer;
  head_seq: number;
  head_hash: Buffer;
  floor_seq: number;
}

interface CommitColumns {
  seq: number;
  hash: Buffer;
  header: Buffer;
}

interface ListColumns {
  seq: number;
  entries: Buffer;
  packs: Buffer;
}

/** Adds to `damage` what is wrong; how many commits there are. */
export async function checkLog(tables: TableReader, vault: CheckedVault, damage: string[]): Promise<number> {
  const where = `vault ${hex(vault.vault)}`;
  const commits = tables.rows<CommitColumns>('commits', { vault: vault.key });
  const lists = tables.rows<ListColumns>('commit_lists', { vault: vault.key });
  let count = 0;
  let previous: string = ZERO_HASH;
  let last = 0;
  for await (const [commit, list] of beside(commits, lists, (one, its) => one.seq - its.seq)) {
    count += 1;
    const fault = commitFault(commit, list, previous, vault.floor_seq);
    if (fault !== null) damage.push(`${where}, commit ${commit.seq}: ${fault}`);
    previous = hex(commit.hash);
    last = commit.seq;
  }
  if (last !== vault.head_seq || previous !== hex(vault.head_hash)) {
    damage.push(`${where}: its head is not its last commit`);
  }
  return count;
}

function commitFault(
  commit: CommitColumns,
  list: ListColumns | null,
  previous: string,
  floorSeq: number,
): string | null {
  try {
    if (commitHash(commit.header) !== hex(commit.hash)) return 'its header has another hash';
    const header = decodeHeader(commit.header);
    if (header.seq !== commit.seq || header.previous !== previous) return 'it does not follow the one before';
    if (list === null) return commit.seq > floorSeq ? 'its lists are missing' : null;
    decodeEntries(list.entries);
    decodePacks(list.packs);
    if (hashOf(list.entries) !== header.entriesHash) return 'its entries have another hash';
    if (hashOf(list.packs) !== header.packsHash) return 'its packs have another hash';
    return null;
  } catch {
    return 'it does not decode';
  }
}
