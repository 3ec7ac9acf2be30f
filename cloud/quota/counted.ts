/** What each stored thing counts for, in bytes of its account: what the counts of accounts must sum up to. */
import type { PackState } from '../packs/pack-state.ts';
import type { ByteMoves } from './quota.ts';

export const NO_BYTES: ByteMoves = { live: 0, uncommitted: 0, retained: 0 };

export function plus(a: ByteMoves, b: ByteMoves): ByteMoves {
  return {
    live: a.live + b.live,
    uncommitted: a.uncommitted + b.uncommitted,
    retained: a.retained + b.retained,
  };
}

/** Records by whether a later revision or a tombstone took their place. */
export function countedRecords(superseded: boolean, bytes: number): ByteMoves {
  return superseded ? { ...NO_BYTES, retained: bytes } : { ...NO_BYTES, live: bytes };
}

/** Packs of one state together: of their bytes, and of their indexes. */
export function countedPacks(state: PackState, bytes: number, indexBytes: number): ByteMoves {
  switch (state) {
    case 'uploaded':
      return { ...NO_BYTES, uncommitted: bytes };
    case 'live':
      return { ...NO_BYTES, live: bytes + indexBytes };
    case 'dropped':
      return { ...NO_BYTES, retained: bytes + indexBytes };
    case 'purged':
      return { ...NO_BYTES, retained: indexBytes };
    case 'deleting':
      return NO_BYTES;
  }
}

/** Bytes charged before they arrive. */
export function countedUploads(bytes: number): ByteMoves {
  return { ...NO_BYTES, uncommitted: bytes };
}
