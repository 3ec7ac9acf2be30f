/** How an operation on the disk ends: the results, and the checks that end it early. */
import type { ApplyResult, BlockedCode, StaleCode } from './apply-types.ts';
import type { DiskStat } from './disk.ts';
import { splitPath } from './inside.ts';
import { isSame } from './subtree.ts';

/** Ends an operation with its result; never leaves applyBatch. */
export class Ended extends Error {
  readonly result: ApplyResult;

  constructor(result: ApplyResult) {
    super(result.outcome);
    this.result = result;
  }
}

/** A path of ours that could lead elsewhere is refused, whoever made it. */
export function splitOrEnd(path: string): [folder: string, name: string] {
  try {
    return splitPath(path);
  } catch {
    throw new Ended(blocked('bad-path'));
  }
}

export function onlyName(name: string): string {
  const [folder, last] = splitOrEnd(name);
  if (folder !== '') throw new Ended(blocked('bad-path'));
  return last;
}

/**
 * The stat to remember of what was placed. If another program has changed it already, that is not what was
 * placed: then the stat from before is remembered, and the next scan sees the change.
 */
export function asPlaced(placed: DiskStat, now: DiskStat | null): DiskStat {
  if (now === null || now.type === 'symlink') return now ?? placed;
  return isSame(now, placed, 'without ctime') ? now : placed;
}

/** No change of a node has it. */
const UNKNOWN_CTIME_US = 0;

/**
 * On a disk that keeps coarse mtimes a file of this very moment may have been written by another program since,
 * and shows it in nothing but the ctime, which a change of our own moves too: then none is remembered, and the
 * next scan reads it. Otherwise an edit has a later mtime.
 */
function remembered(stat: DiskStat, granularityUs: number): DiskStat {
  const isRecent = stat.ctimeUs - stat.mtimeUs < 2 * granularityUs;
  if (granularityUs === 1 || stat.type !== 'file' || !isRecent) return stat;
  return { ...stat, ctimeUs: UNKNOWN_CTIME_US };
}

/** What is to be remembered of what was done on a disk with such mtimes. */
export function rememberedOf(result: ApplyResult, granularityUs: number): ApplyResult {
  if (result.outcome !== 'applied') return result;
  return {
    ...result,
    stat: result.stat === null ? null : remembered(result.stat, granularityUs),
    inside: result.inside.map((one) => ({ ...one, stat: remembered(one.stat, granularityUs) })),
  };
}

export function applied(stat: DiskStat | null): ApplyResult {
  return { outcome: 'applied', stat, inside: [] };
}

export function stale(code: StaleCode, found: DiskStat | null): ApplyResult {
  return { outcome: 'stale', code, found };
}

export function blocked(code: BlockedCode): ApplyResult {
  return { outcome: 'blocked', code };
}
