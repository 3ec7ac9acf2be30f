/** A device of the account that lies to the others about what it stored. */
import type { PackName } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { METHOD_STORED, sealPackIndex, type IndexChunk } from '../../sync-engine/crypto/pack-index.ts';
import { padPack } from '../../sync-engine/crypto/padding.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { sealSegment } from '../../sync-engine/crypto/segment.ts';
import type { HostileDevice } from './hostile-world.ts';
import { forge } from './insider.ts';

/** Commits a pack whose index says that it holds `claimed`, while it holds `held`. Returns its name. */
export async function poisoned(
  device: HostileDevice,
  claimed: Uint8Array,
  held: Uint8Array,
): Promise<PackName> {
  const keys = device.identity.vaultKeys(device.vault);
  const segment = sealSegment(keys, 0, held, secureRandom);
  const pack = padPack([segment], secureRandom);
  const name = hashOf(pack) as string as PackName;
  const { length } = claimed;
  const id = keys.chunkId(claimed);
  const chunk: IndexChunk = {
    id,
    segment: 0,
    method: METHOD_STORED,
    offset: 0,
    storedLength: length,
    length,
  };
  const segments = [{ epoch: 0, offset: 0, length: segment.length }];
  const index = sealPackIndex(keys, 0, name, { segments, chunks: [chunk] }, secureRandom);
  await device.line.cloud.putPack(device.vault, name, { size: pack.length, chunks: () => [pack] });
  const added = { name, size: pack.length, indexHash: hashOf(index) };
  const forged = forge(device, [], { packs: { added: [added], revived: [], dropped: [] }, indexes: [index] });
  const outcome = await device.line.cloud.commit(device.vault, forged.frame);
  if (outcome.kind !== 'committed') throw new Error(outcome.kind);
  return name;
}
