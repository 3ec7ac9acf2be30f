/**
 * Packs a commit brings back that this device never knew: dropped before it took the live state. Their indexes
 * are read from the live state as of that commit; the commit's signature covers their hashes.
 */
import type { PackEntry } from '../../protocol/commit.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import type { PackName, VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { openPackIndex } from '../crypto/pack-index.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import type { ChunkRow, PackRow } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import { LogFault } from './log-fault.ts';
import { chunkRows } from './pack-rows.ts';
import { isVouchedFor } from './pack-trust.ts';

export interface FoundPack {
  readonly row: PackRow;
  readonly chunks: readonly ChunkRow[];
}

/** The cursor that a page of packs begins after. */
function cursorBefore(name: PackName): string {
  const before = (BigInt(`0x${name}`) - 1n).toString(16).padStart(64, '0');
  return `p${before.length > 64 ? '0'.repeat(64) : before}`;
}

/** As rows of dropped packs, which the commit then makes live. @throws CloudError, LogFault */
export async function readRevived(
  parts: {
    readonly vault: VaultId;
    readonly cloud: Pick<Cloud, 'state'>;
    readonly keys: VaultKeys;
    readonly chain: DeviceChain;
  },
  seq: number,
  packs: readonly PackEntry[],
): Promise<FoundPack[]> {
  const { vault, cloud, keys, chain } = parts;
  const found: FoundPack[] = [];
  for (const { name, size, indexHash } of packs) {
    const page = await cloud.state(vault, seq, cursorBefore(name));
    const sent = page.packs.find((pack) => pack.name === name);
    if (sent?.size !== size || hashOf(sent.index) !== indexHash) {
      throw new LogFault('bad-object');
    }
    const opened = openPackIndex(keys, name, sent.index);
    found.push({
      row: {
        name,
        size,
        indexHash,
        epoch: opened.ok ? opened.epoch : 0,
        state: 'dropped',
        trusted: isVouchedFor(chain, null),
        author: null,
        index: null,
      },
      chunks: opened.ok ? chunkRows(name, opened.index) : [],
    });
  }
  return found;
}
