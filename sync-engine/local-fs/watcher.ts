/**
 * Hints where the disk changed; the scan is the truth. Folders are watched, not files: a hint names the folder
 * in which something changed, and one comes for every new folder once it is watched itself, so that what was
 * put into it before is not missed.
 *
 * Hints can get lost (the queue of the kernel overflows, a network disk tells nothing), which is why there
 * are scans at intervals too.
 */
import { dirname, join, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { errnoOf } from './disk-errors.ts';
import { PAIR_FOLDER } from './ignore-rules.ts';

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
  /** Resolves when all folders are watched; changes from then on are hinted. Never rejects. */
  start(root: string, hooks: WatcherHooks): Promise<void>;
  /** No hint comes after. */
  close(): Promise<void>;
}

/** Hints gathered before they are told; a burst of thousands of events becomes one hint a folder. */
const GATHER_MS = 20;
/** Above it, naming the folders costs more than a full scan. */
const MAX_GATHERED = 5_000;

export class ChokidarWatcher implements Watcher {
  #watcher: FSWatcher | null = null;
  readonly #hints = new Set<Hint>();
  readonly #told = new Set<WatchTrouble>();
  #timer: NodeJS.Timeout | null = null;

  async start(root: string, hooks: WatcherHooks): Promise<void> {
    const own = join(root, PAIR_FOLDER);
    const watcher = watch(root, {
      // First without stats: an answer then would hold for whatever is there.
      ignored: (path, stats) => path === own || (stats !== undefined && !stats.isDirectory()),
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true, // the scan reports a folder that cannot be read
    });
    this.#watcher = watcher;
    const hint = (path: string): void => this.#hint(root, path, hooks);
    watcher.on('raw', (_event: string, name: unknown, details: unknown) => {
      const folder = watchedPathOf(details) ?? root;
      // A system that watches the whole tree at once names a path below.
      hint(typeof name === 'string' ? join(folder, name) : join(folder, '?'));
    });
    // Told before the folder is watched, in the same turn: by the next one it is.
    watcher.on('addDir', (path) => setImmediate(() => hint(join(path, '?'))));
    watcher.on('unlinkDir', (path) => hint(path));
    watcher.on('error', (error) => {
      this.#trouble(troubleOf(error), hooks);
      hint(root);
    });
    await new Promise<void>((resolve) => {
      watcher.once('ready', resolve);
    });
  }

  async close(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#hints.clear();
    await watcher?.close();
  }

  /** Something at the path changed, so the folder it is in is to be looked at. */
  #hint(root: string, path: string, hooks: WatcherHooks): void {
    if (this.#watcher === null) return;
    const folder = relative(root, dirname(path)).split(sep).join('/');
    if (path === root) {
      this.#hints.add(EVERYTHING); // the pair's folder itself came or went
    } else if (folder === '..' || folder.startsWith('../') || isOwn(folder)) {
      return; // a neighbour of the pair's folder, which is watched for the pair's own coming and going
    } else {
      this.#hints.add(folder);
    }
    this.#timer ??= setTimeout(() => {
      this.#tell(hooks);
    }, GATHER_MS);
  }

  #tell(hooks: WatcherHooks): void {
    this.#timer = null;
    const hints: readonly Hint[] =
      this.#hints.has(EVERYTHING) || this.#hints.size > MAX_GATHERED ? [EVERYTHING] : [...this.#hints];
    this.#hints.clear();
    for (const hint of hints) hooks.onHint(hint);
  }

  #trouble(trouble: WatchTrouble, hooks: WatcherHooks): void {
    if (this.#watcher === null || this.#told.has(trouble)) return;
    this.#told.add(trouble);
    hooks.onTrouble(trouble);
  }
}

/** What a failed watch means. ENOSPC: no more watches; EMFILE: no more inotify instances or handles. */
export function troubleOf(error: unknown): WatchTrouble {
  return ['ENOSPC', 'EMFILE', 'ENFILE'].includes(errnoOf(error)) ? 'watch-limit' : 'watch-failed';
}

function isOwn(folder: string): boolean {
  return folder === PAIR_FOLDER || folder.startsWith(`${PAIR_FOLDER}/`);
}

function watchedPathOf(details: unknown): string | null {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return null;
  return typeof details.watchedPath === 'string' ? details.watchedPath : null;
}
