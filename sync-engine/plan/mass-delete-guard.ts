/**
 * The brake on mass deletion: when more than 30 % and more than 50 of a pair's files are to go within ten
 * minutes, in either direction, the person is asked first. Pure; the window is plain data, kept in the
 * manifest, so that a restart does not forget what went before it.
 */

export const GUARD_WINDOW_MS = 10 * 60 * 1000;
const GUARD_FILES = 50;
const GUARD_SHARE = 0.3;

export interface DeleteWindow {
  /** Milliseconds since 1970. Only the length of the window comes of it, never an order. */
  readonly startedAtMs: number;
  /** The pair's synced files when the window began. */
  readonly syncedFiles: number;
  /** Files let go within it. */
  readonly gone: number;
}

export interface DeleteQuestion {
  /** Null before the first deletion. */
  readonly window: DeleteWindow | null;
  readonly nowMs: number;
  /** The pair's synced files now. */
  readonly syncedFiles: number;
  /**
   * Files that trash and remove operations are about to take, each folder's subtree counted; without what
   * the same plan moves out, puts back or replaces by another node at the same place. Folders do not count.
   */
  readonly going: number;
}

export type DeleteAnswer =
  /** Go on; keep this window. */
  | { readonly kind: 'allow'; readonly window: DeleteWindow | null }
  /** Ask before any of them goes. `files` and `of` are for the question; keep this window meanwhile. */
  | { readonly kind: 'ask'; readonly window: DeleteWindow; readonly files: number; readonly of: number };

/** Asks nothing of what is not going: `going` 0 is always allowed. */
export function guardDeletes({ window, nowMs, syncedFiles, going }: DeleteQuestion): DeleteAnswer {
  const current = isOpen(window, nowMs) ? window : { startedAtMs: nowMs, syncedFiles, gone: 0 };
  if (going === 0) return { kind: 'allow', window: isOpen(window, nowMs) ? window : null };
  const files = current.gone + going;
  if (files > GUARD_FILES && files > GUARD_SHARE * current.syncedFiles) {
    return { kind: 'ask', window: current, files, of: current.syncedFiles };
  }
  return { kind: 'allow', window: { ...current, gone: files } };
}

/** The person said yes: what went and what goes now is settled, and counting begins anew. */
export function confirmDeletes({ nowMs, syncedFiles, going }: DeleteQuestion): DeleteWindow {
  return { startedAtMs: nowMs, syncedFiles: Math.max(0, syncedFiles - going), gone: 0 };
}

/** A clock set back begins a new window: the old one would stay open longer than its length. */
function isOpen(window: DeleteWindow | null, nowMs: number): window is DeleteWindow {
  if (window === null) return false;
  const age = nowMs - window.startedAtMs;
  return age >= 0 && age < GUARD_WINDOW_MS;
}
