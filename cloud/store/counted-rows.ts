/** Pages of sums, as both stores make them, and what they count for together. */
import type { PackState } from '../packs/pack-state.ts';
import { countedPacks, countedRecords, countedUploads, plus } from '../quota/counted.ts';
import type { ByteMoves } from '../quota/quota.ts';

/** Records or packs summed up at once. */
export const COUNTED_ROWS = 20_000;

export interface RecordSums {
  rows: number;
  live: number;
  retained: number;
  last_node: Buffer;
  last_revision: number;
}

export interface PackSums {
  state: PackState;
  rows: number;
  bytes: number;
  index_bytes: number;
  last_name: Buffer;
}

export interface SummedVault {
  /** Those after a node and revision. */
  records(node: Uint8Array, revision: number): Promise<RecordSums>;
  /** Those after a name, by state. */
  packs(name: Uint8Array): Promise<readonly PackSums[]>;
  uploads(): Promise<number>;
}

const NOTHING = new Uint8Array(0);

export async function countVault(vault: SummedVault): Promise<ByteMoves> {
  let sum = countedUploads(await vault.uploads());
  let records: RecordSums | null = null;
  do {
    records = await vault.records(records?.last_node ?? NOTHING, records?.last_revision ?? 0);
    sum = plus(sum, plus(countedRecords(false, records.live), countedRecords(true, records.retained)));
  } while (records.rows === COUNTED_ROWS);
  for (let name: Uint8Array = NOTHING; ;) {
    const states = await vault.packs(name);
    sum = states.map((of) => countedPacks(of.state, of.bytes, of.index_bytes)).reduce(plus, sum);
    if (states.reduce((rows, of) => rows + of.rows, 0) < COUNTED_ROWS) return sum;
    name = states.map((of) => of.last_name).reduce((a, b) => (Buffer.compare(a, b) > 0 ? a : b));
  }
}
