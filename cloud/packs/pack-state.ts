/**
 * Where a pack stands. `uploaded`: stored, named by no commit yet. `live`. `dropped`: kept for the retention
 * time, can be revived. `purged`: dropped, its bytes given up on request, its index kept for readers of the
 * log. `deleting`: the reaper has it; it can be neither revived, uploaded nor named.
 */
export type PackState = 'uploaded' | 'live' | 'dropped' | 'purged' | 'deleting';
