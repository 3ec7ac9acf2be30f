import type { ByteMoves } from '../quota/quota.ts';

/**
 * Where a pack stands. `uploaded`: stored, named by no commit yet. `live`. `dropped`: kept for the retention
 * time, can be revived. `purged`: dropped, its bytes given up on request, its index kept for readers of the
 * log. `deleting`: the reaper has it; it can be neither revived, uploaded nor named.
 */
export type PackState = 'uploaded' | 'live' | 'dropped' | 'purged' | 'deleting';

/** An upload that has not ended after this never will: its bytes are no longer charged. */
export const UPLOAD_MS = 60 * 60_000;

/** Bytes a pack no longer counts for, once the reaper has it. */
export function doomedMoves(pack: {
  readonly state: 'dropped' | 'purged' | 'uploaded';
  readonly size: number;
  readonly index_bytes: number;
}): ByteMoves {
  if (pack.state === 'uploaded') return { live: 0, uncommitted: -pack.size, retained: 0 };
  const bytes = pack.state === 'dropped' ? pack.size + pack.index_bytes : pack.index_bytes;
  return { live: 0, uncommitted: 0, retained: -bytes };
}
