/**
 * Promise 2: more than 30 % and more than 50 files going within 10 minutes asks first. Counted against the
 * files that were in sync when the window began, and kept as plain data across restarts. Pure.
 */
export const GUARD_WINDOW_MS = 10 * 60_000;
export const GUARD_MIN_FILES = 50;
export const GUARD_SHARE = 0.3;

export interface RemovalWindow {
  /** When its first removal was asked for, ms since 1970. */
  readonly beganMs: number;
  /** Files in sync at that moment. */
  readonly files: number;
  /** Files that have gone, or were asked to go, since. */
  readonly gone: number;
  /** The person said yes: nothing more is asked until the window ends. */
  readonly allowed: boolean;
}

export interface RemovalRequest {
  readonly nowMs: number;
  /** Files in sync now. */
  readonly syncedFiles: number;
  /** Files about to go; moves and replacements are none. */
  readonly going: number;
}

export interface RemovalVerdict {
  readonly ask: boolean;
  /** The window with this request counted, or unchanged when it asks: what is held back is counted when it goes. */
  readonly window: RemovalWindow | null;
}

export function judgeRemoval(window: RemovalWindow | null, request: RemovalRequest): RemovalVerdict {
  const { nowMs, syncedFiles, going } = request;
  if (going === 0) return { ask: false, window };
  // A clock that went back begins a new window: asking once more loses nothing.
  const isOpen = window !== null && nowMs >= window.beganMs && nowMs - window.beganMs < GUARD_WINDOW_MS;
  const current: RemovalWindow = isOpen
    ? window
    : { beganMs: nowMs, files: syncedFiles, gone: 0, allowed: false };
  const gone = current.gone + going;
  const tooMany = gone > GUARD_MIN_FILES && gone > current.files * GUARD_SHARE;
  if (tooMany && !current.allowed) return { ask: true, window: current };
  return { ask: false, window: { ...current, gone } };
}
