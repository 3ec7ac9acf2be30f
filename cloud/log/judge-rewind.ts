/** What becomes of records and packs when a `void` entry takes a vault back to an older head. Pure. */
import type { PackState } from '../packs/pack-state.ts';
import type { ByteMoves } from '../quota/quota.ts';

/** A pack that a commit after the pin has named. */
export interface TouchedPack {
  readonly size: number;
  readonly state: PackState;
  readonly index_bytes: number;
  /** When it last became live, and when it was last dropped, at or before the pin. */
  readonly starts: number | null;
  readonly ends: number | null;
}

/** How it stood at the pin; what was first added after it counts as uploaded again. */
export function stateAtPin(pack: TouchedPack): 'uploaded' | 'live' | 'dropped' {
  if (pack.starts === null) return 'uploaded';
  return pack.ends === null || pack.starts >= pack.ends ? 'live' : 'dropped';
}

/** Its bytes are with the reaper, and stay there. */
export function bytesGone(pack: TouchedPack): boolean {
  return pack.state === 'purged' || pack.state === 'deleting';
}

/** How the account's bytes move when a pack goes back. */
export function packBackMoves(pack: TouchedPack): ByteMoves {
  const whole = pack.size + pack.index_bytes;
  const away = pack.state === 'live' ? { live: -whole, retained: 0 } : { live: 0, retained: -whole };
  switch (stateAtPin(pack)) {
    case 'uploaded':
      return { ...away, uncommitted: pack.size };
    case 'live':
      return { live: away.live + whole, retained: away.retained, uncommitted: 0 };
    case 'dropped':
      return { live: away.live, retained: away.retained + whole, uncommitted: 0 };
  }
}

/** The same for records: bytes of those that go (live, retained) and of those that are live again. */
export function recordBackMoves(bytes: {
  readonly liveGone: number;
  readonly retainedGone: number;
  readonly back: number;
}): ByteMoves {
  return { live: bytes.back - bytes.liveGone, retained: -bytes.back - bytes.retainedGone, uncommitted: 0 };
}
