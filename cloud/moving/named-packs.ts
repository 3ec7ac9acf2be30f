import type { AccountId, PackName, VaultId } from '../../protocol/ids.ts';
import type { PackState } from '../packs/pack-state.ts';
import type { BlobName } from '../store/blob-store.ts';
import { hex } from '../store/columns.ts';
import type { TableReader } from '../store/tables.ts';

export interface NamedPack {
  readonly name: BlobName;
  readonly size: number;
}

/** The packs whose bytes are to be in the blob store: of accounts that are not deleted, and not about to go. */
export async function namedPacks(tables: TableReader): Promise<readonly NamedPack[]> {
  const packs: NamedPack[] = [];
  const doomed = new Set<string>();
  for await (const row of tables.rows<{ account: Buffer; doomed: boolean }>('accounts')) {
    if (row.doomed) doomed.add(hex(row.account));
  }
  const owners = new Map<number, { account: AccountId; vault: VaultId }>();
  for await (const row of tables.rows<{ key: number; account: Buffer; vault: Buffer }>('vaults')) {
    const account = hex(row.account) as AccountId;
    if (!doomed.has(account)) owners.set(row.key, { account, vault: hex(row.vault) as VaultId });
  }
  for await (const row of tables.rows<PackColumns>('packs')) {
    const owner = owners.get(row.vault);
    if (owner === undefined || row.inline || row.state === 'deleting' || row.state === 'purged') continue;
    packs.push({ name: { ...owner, pack: hex(row.name) as PackName }, size: row.size });
  }
  return packs;
}

interface PackColumns {
  vault: number;
  name: Buffer;
  size: number;
  state: PackState;
  inline: boolean;
}
