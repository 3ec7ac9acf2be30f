/** Watches with chokidar, which knows how each system tells of whole trees: for macOS and Windows. */
import { dirname, join, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { HintGatherer } from './hint-gatherer.ts';
import { PAIR_FOLDER } from './ignore-rules.ts';
import { EVERYTHING, type Watcher, type WatcherHooks } from './watcher.ts';

export class ChokidarWatcher implements Watcher {
  #watcher: FSWatcher | null = null;
  #gatherer: HintGatherer | null = null;
  #started: (() => void) | null = null;

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
    const gatherer = new HintGatherer(hooks);
    this.#watcher = watcher;
    this.#gatherer = gatherer;
    const hint = (path: string): void => {
      const hinted = hintOf(root, path);
      if (hinted !== null) gatherer.add(hinted);
    };
    watcher.on('raw', (_event: string, name: unknown, details: unknown) => {
      const folder = watchedPathOf(details) ?? root;
      // A system that watches the whole tree at once names a path below.
      hint(typeof name === 'string' ? join(folder, name) : join(folder, '?'));
    });
    // Told before the folder is watched, in the same turn: by the next one it is.
    watcher.on('addDir', (path) => setImmediate(() => hint(join(path, '?'))));
    watcher.on('unlinkDir', (path) => hint(path));
    watcher.on('error', (error) => {
      gatherer.trouble(error);
      hint(root);
    });
    await new Promise<void>((resolve) => {
      this.#started = resolve;
      watcher.once('ready', resolve);
    });
  }

  async close(): Promise<void> {
    this.#gatherer?.close();
    this.#started?.();
    const watcher = this.#watcher;
    this.#watcher = null;
    await watcher?.close();
  }
}

/** Something at the path changed, so the folder it is in is to be looked at. */
function hintOf(root: string, path: string): string | typeof EVERYTHING | null {
  if (path === root) return EVERYTHING; // the pair's folder itself came or went
  const folder = relative(root, dirname(path)).split(sep).join('/');
  // A neighbour of the pair's folder, which is watched for the pair's own coming and going.
  const isOutside = folder === '..' || folder.startsWith('../');
  const isOwn = folder === PAIR_FOLDER || folder.startsWith(`${PAIR_FOLDER}/`);
  return isOutside || isOwn ? null : folder;
}

function watchedPathOf(details: unknown): string | null {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return null;
  return typeof details.watchedPath === 'string' ? details.watchedPath : null;
}
