/**
 * Watches every folder by itself (Linux: inotify(7)). Files are never looked at, only the kinds that a folder's
 * listing tells: with chokidar, which takes the metadata of every file first, the start was most of what an engine
 * with many files took for it (docs/decisions/0042).
 */
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './disk-errors.ts';
import { HintGatherer } from './hint-gatherer.ts';
import { PAIR_FOLDER } from './ignore-rules.ts';
import { EVERYTHING, type Watcher, type WatcherHooks } from './watcher.ts';

interface WatchedFolder {
  /** null: the pair's own folder. */
  readonly parent: WatchedFolder | null;
  readonly name: string;
  readonly handle: FSWatcher;
  readonly children: Map<string, WatchedFolder>;
  /** Names in it that came, went or moved since it was last looked at. */
  readonly renamed: Set<string>;
  /** Names of folders that may not be read: until something about them changes. */
  readonly denied: Set<string>;
  /** What is at its path now is something else, or nothing. */
  isGone: boolean;
}

/** Looked at one by one; above it, listing the folder costs less. */
const FEW_NAMES = 16;
/** Of a folder that just went, or that the scan reports. */
const EXPECTED = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'];
const DENIED = ['EACCES', 'EPERM'];

export class FolderWatcher implements Watcher {
  #tree: FolderTree | null = null;

  async start(root: string, hooks: WatcherHooks): Promise<void> {
    this.#tree = new FolderTree(root, hooks);
    await this.#tree.begin();
  }

  close(): Promise<void> {
    this.#tree?.end();
    this.#tree = null;
    return Promise.resolve();
  }
}

class FolderTree {
  readonly #root: string;
  readonly #gatherer: HintGatherer;
  /** Told of the coming and going of the pair's folder; null where its parent may not be read. */
  #above: FSWatcher | null = null;
  #top: WatchedFolder | null = null;
  /** Folders in which names were `renamed`. */
  readonly #unsettled = new Set<WatchedFolder>();
  #isSettling = false;
  /** Since the last turn of the event loop that brought none. */
  #events = 0;
  readonly #maxQueued = maxQueuedEvents();
  #hasEnded = false;

  constructor(root: string, hooks: WatcherHooks) {
    this.#root = root;
    this.#gatherer = new HintGatherer(hooks);
  }

  async begin(): Promise<void> {
    const name = basename(this.#root);
    const above = this.#handle(dirname(this.#root), (event, changed) => {
      if (event === 'rename' && changed === name) this.#startAnew();
    });
    this.#above = above === 'denied' ? null : above;
    await this.#watchTop();
  }

  end(): void {
    this.#hasEnded = true;
    this.#gatherer.close();
    this.#above?.close();
    if (this.#top !== null) drop(this.#top);
  }

  async #watchTop(): Promise<void> {
    this.#top = this.#watch(null, '');
    if (this.#top !== null) await this.#watchBelow(this.#top, false);
  }

  /** The pair's folder itself came or went, or events were lost. */
  #startAnew(): void {
    this.#gatherer.add(EVERYTHING);
    if (this.#top !== null) drop(this.#top);
    this.#unsettled.clear();
    void this.#watchTop().then(() => {
      this.#gatherer.add(EVERYTHING);
    });
  }

  /** @param tells hints at each folder once it is watched */
  async #watchBelow(first: WatchedFolder, tells: boolean): Promise<void> {
    const open = [first];
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      if (this.#hasEnded) return;
      if (tells) this.#gatherer.add(pathOf(folder));
      for (const name of await this.#foldersIn(this.#absolute(folder))) {
        if (folder.isGone) break;
        if (folder.children.has(name)) continue;
        const child = this.#watch(folder, name);
        if (child !== null) open.push(child);
      }
    }
  }

  #watch(parent: WatchedFolder | null, name: string): WatchedFolder | null {
    if (this.#hasEnded || (parent !== null && isOwn(parent, name))) return null;
    const path = parent === null ? this.#root : join(this.#absolute(parent), name);
    const handle = this.#handle(path, (event, changed) => {
      this.#seen(folder, event, changed);
    });
    if (handle === 'denied') parent?.denied.add(name);
    if (handle === null || handle === 'denied') return null;
    const folder: WatchedFolder = {
      parent,
      name,
      handle,
      children: new Map(),
      renamed: new Set(),
      denied: new Set(),
      isGone: false,
    };
    parent?.children.set(name, folder);
    return folder;
  }

  #handle(path: string, listener: (event: string, name: string | null) => void): FSWatcher | 'denied' | null {
    try {
      return watch(path, listener).on('error', (error) => {
        this.#failed(error);
      });
    } catch (error) {
      this.#failed(error);
      return DENIED.includes(errnoOf(error)) ? 'denied' : null;
    }
  }

  #seen(folder: WatchedFolder, event: string, name: string | null): void {
    if (folder.isGone) return;
    this.#count();
    this.#gatherer.add(pathOf(folder));
    if (name === null || (event !== 'rename' && !folder.denied.has(name))) return;
    folder.denied.delete(name);
    folder.renamed.add(name);
    this.#unsettled.add(folder);
    if (!this.#isSettling) void this.#settle();
  }

  /**
   * The kernel keeps so many events and drops what comes after, which Node does not tell. They are all read within
   * a turn of the event loop, so one that brings half as many or more may have followed on a loss: those for a folder
   * that was let go meanwhile are not counted.
   */
  #count(): void {
    if (this.#events === 0)
      setImmediate(() => {
        const mayHaveLost = this.#events >= this.#maxQueued / 2;
        this.#events = 0;
        if (mayHaveLost && !this.#hasEnded) this.#startAnew();
      });
    this.#events += 1;
  }

  /** Watches what came, one folder after the other: however much comes at a time, little is under way. */
  async #settle(): Promise<void> {
    this.#isSettling = true;
    for (const folder of this.#unsettled) {
      this.#unsettled.delete(folder);
      const names = new Set(folder.renamed);
      folder.renamed.clear();
      for (const name of await this.#foldersAmong(folder, names)) {
        if (folder.isGone) break;
        if (folder.children.has(name)) continue;
        const child = this.#watch(folder, name);
        if (child !== null) await this.#watchBelow(child, true);
      }
    }
    this.#isSettling = false;
  }

  /** What bore one of the names before is another folder now, or none: its handle is of no use. */
  async #foldersAmong(folder: WatchedFolder, names: ReadonlySet<string>): Promise<readonly string[]> {
    for (const name of names) {
      const child = folder.children.get(name);
      if (child !== undefined) drop(child);
    }
    const path = this.#absolute(folder);
    if (names.size > FEW_NAMES) return this.#foldersIn(path);
    const found: string[] = [];
    for (const name of names) if (await this.#isFolder(join(path, name))) found.push(name);
    return found;
  }

  /** Not behind links. */
  async #foldersIn(path: string): Promise<readonly string[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    } catch (error) {
      this.#failed(error);
      return [];
    }
  }

  async #isFolder(path: string): Promise<boolean> {
    try {
      return (await lstat(path)).isDirectory();
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    if (!EXPECTED.includes(errnoOf(error))) this.#gatherer.trouble(error);
  }

  #absolute(folder: WatchedFolder): string {
    const path = pathOf(folder);
    return path === '' ? this.#root : join(this.#root, path);
  }
}

/** Relative to the pair's folder, '/' between. */
function pathOf(folder: WatchedFolder): string {
  if (folder.parent === null) return '';
  const above = pathOf(folder.parent);
  return above === '' ? folder.name : `${above}/${folder.name}`;
}

function drop(folder: WatchedFolder): void {
  folder.isGone = true;
  folder.handle.close();
  folder.parent?.children.delete(folder.name);
  for (const child of folder.children.values()) drop(child);
}

function isOwn(parent: WatchedFolder, name: string): boolean {
  return parent.parent === null && name === PAIR_FOLDER;
}

/** Events the kernel keeps (inotify(7)); what it usually keeps when it cannot be asked. */
function maxQueuedEvents(): number {
  try {
    const said = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    return Number.isSafeInteger(said) && said > 0 ? said : 16_384;
  } catch {
    return 16_384;
  }
}
