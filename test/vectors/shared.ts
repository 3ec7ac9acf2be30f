/** What the collections share: the fixed names and keys, the collector, and a drawing of bytes by seed. */
import { fromHex, ROOT_NODE, toHex, type ChunkId, type VaultId } from '../../protocol/ids.ts';
import { contentIdOf } from '../../sync-engine/crypto/content.ts';
import { accountKeysOf, deviceKeysOf } from '../../sync-engine/crypto/identity.ts';
import type { PackIndex } from '../../sync-engine/crypto/pack-index.ts';
import type { NodeRecord } from '../../sync-engine/crypto/record.ts';
import { VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { run, type Input, type Json, type Vector } from './operations.ts';

/** Bytes for one collection, as hex, from its own seed. */
export function drawing(seed: string): (size: number) => string {
  const random = seededRandom(`coffre frozen vectors 1/${seed}`);
  return (size) => toHex(random(size));
}

const draw = drawing('shared');

export const vault = draw(16);
export const otherVault = draw(16);
export const epochKeys = { 0: draw(32), 1: draw(32) };
export const keys = new VaultKeys(vault as VaultId, [
  [0, fromHex(epochKeys[0])],
  [1, fromHex(epochKeys[1])],
]);
export const node = draw(16);

export function flip(hex: string, at: number, mask = 1): string {
  const bytes = Buffer.from(hex, 'hex');
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ mask;
  return bytes.toString('hex');
}

/** Collects vectors: `make` runs the operation for the expected value, `refuse` states it beforehand. */
export class Collection {
  readonly vectors: Vector[] = [];

  async make(name: string, operation: string, input: Input): Promise<Json> {
    const expected = await run({ operation, input });
    if (expected !== null && typeof expected === 'object' && 'refused' in expected) {
      throw new Error(`${operation} ${name} was refused: ${JSON.stringify(expected)}`);
    }
    this.vectors.push({ name, operation, input, expected });
    return expected;
  }

  expect(name: string, operation: string, input: Input, expected: Json): void {
    this.vectors.push({ name, operation, input, expected });
  }

  refuse(name: string, operation: string, input: Input, fault: Json): void {
    this.expect(name, operation, input, { refused: fault });
  }
}

export const chunk = draw(32) as ChunkId;
const list = [{ chunk, length: 5 }];
export const file: NodeRecord = {
  parent: ROOT_NODE,
  name: 'notes.txt',
  type: 'file',
  mode: 0o644,
  mtimeUs: 1_700_000_000_123_456,
  size: 5,
  depth: 0,
  list,
  content: contentIdOf(list),
};
export const folder: NodeRecord = {
  ...file,
  name: 'Pictures',
  type: 'folder',
  mode: 0o755,
  mtimeUs: 0,
  size: 0,
  list: [],
  content: null,
};

export const pack = draw(32);
export const index: PackIndex = {
  segments: [
    { offset: 0, length: 1080, epoch: 1 },
    { offset: 1080, length: 180, epoch: 0 },
  ],
  chunks: [
    { id: draw(32) as ChunkId, segment: 0, method: 0, offset: 0, storedLength: 600, length: 600 },
    { id: draw(32) as ChunkId, segment: 0, method: 1, offset: 600, storedLength: 400, length: 9000 },
    { id: draw(32) as ChunkId, segment: 1, method: 0, offset: 10, storedLength: 90, length: 90 },
  ],
};

export const deviceSeed = draw(32);
export const deviceBoxSecret = draw(32);
export const device = deviceKeysOf(fromHex(deviceSeed), fromHex(deviceBoxSecret));

export const rootKey = draw(32);
export const account = accountKeysOf(fromHex(rootKey));
export const accountBoxSecret = draw(32);
