/**
 * Hints where the disk changed; the scan is the truth. Folders are watched, not files: a hint names the folder
 * in which something changed, and one comes for every new folder once it is watched itself, so that what was
 * put into it before is not missed.
 *
 * Hints can get lost (a network disk tells nothing), which is why there are scans at intervals too.
 */
import { errnoOf } from './disk-errors.ts';

/** A folder relative to the pair ('' is the pair's folder), or all of it. */
export const EVERYTHING: unique symbol = Symbol('everything');
export type Hint = string | typeof EVERYTHING;

/** `watch-limit`: the system allows no more watches (fs.inotify.max_user_watches): scan more often. */
export type WatchTrouble = 'watch-limit' | 'watch-failed';

export interface WatcherHooks {
  /** Not for each event: a folder is named once however much changed in it at a time. */
  onHint(hint: Hint): void;
  /** Some changes will go unnoticed from here on. Told once for each kind. */
  onTrouble(trouble: WatchTrouble): void;
}

export interface Watcher {
  /**
   * Resolves when all folders are watched; changes from then on are hinted. Never rejects. Again after `close`:
   * a disk that was taken away and brought back has to be watched anew.
   */
  start(root: string, hooks: WatcherHooks): Promise<void>;
  /** No hint comes after. A start under way resolves. */
  close(): Promise<void>;
}

/** What a failed watch means. ENOSPC: no more watches; EMFILE: no more inotify instances or handles. */
export function troubleOf(error: unknown): WatchTrouble {
  return ['ENOSPC', 'EMFILE', 'ENFILE'].includes(errnoOf(error)) ? 'watch-limit' : 'watch-failed';
}
