/**
 * The scan: what the disk holds below a pair's folder, in batches. It runs in a worker thread, and inline in
 * the simulation. Depth first, every folder before what is in it; no link is followed, and `.coffre/` and what
 * is ignored are not entered.
 *
 * A batch is sent only after the pair's marker was seen again, so that nothing is taken for absent on a disk
 * that went away under the walk.
 */
import { MAX_DEPTH } from '../../protocol/limits.ts';
import { DiskError, type DirectoryEntry, type Disk, type DiskErrorCode } from './disk.ts';
import { IGNORE_FILE, IgnoreRules, MAX_IGNORE_FILE_BYTES, type IgnoreFileProblem } from './ignore-rules.ts';
import { openBelow, partsOf, readSmallFile } from './inside.ts';
import { displayName, nameProblem } from './path-rules.ts';
import { checkRoot, type RootExpectation, type RootProblem } from './root-marker.ts';

/** Entries in one batch; the memory of a walk is bounded by this and by its largest single folder. */
export const BATCH_ENTRIES = 2_000;
/** Folders in one batch: empty ones count too. */
const BATCH_FOLDERS = 500;

export interface WalkRequest {
  /** Absolute. */
  readonly root: string;
  readonly expected: RootExpectation;
  /** Relative to the root, '' for the root itself; a folder below another that is recursive is left out. */
  readonly folders: readonly { readonly path: string; readonly recursive: boolean }[];
}

interface WalkedRules {
  /** Null when the file cannot be used, for the reason in `problem`. */
  readonly text: string | null;
  readonly problem: IgnoreFileProblem | null;
}

/** A folder, or a part of a very large one: parts of one folder follow each other, `last` closes it. */
export interface WalkedFolder {
  readonly path: string;
  /** What is there and not ignored, each with its lstat. */
  readonly entries: readonly DirectoryEntry[];
  /** Names no account can hold (not UTF-8, too long), made showable: reported, never synced. */
  readonly invalid: readonly string[];
  /** Names there that are ignored: not absent. */
  readonly ignored: readonly string[];
  /**
   * Why the folder could not be listed; its entries are then unknown, not absent. `not-found` and
   * `not-a-folder`: it changed under the walk, its parent tells.
   */
  readonly error: DiskErrorCode | 'too-deep' | 'ignored' | null;
  readonly last: boolean;
  /** Its rule file; null when there is none. In the first part only. */
  readonly rules: WalkedRules | null;
}

export type WalkOutcome =
  | { readonly outcome: 'done'; readonly folders: number; readonly entries: number }
  /** Batches sent before hold; of the rest nothing is known. */
  | { readonly outcome: 'stopped'; readonly code: RootProblem | 'aborted' };

/**
 * Walks the requested folders and hands over what they hold.
 * Never throws for the state of the disk; a folder that cannot be read is reported and the walk goes on.
 */
export function walk(
  disk: Disk,
  request: WalkRequest,
  emit: (batch: readonly WalkedFolder[]) => void,
  isAborted: () => boolean = () => false,
): WalkOutcome {
  const walker = new Walker(disk, request, emit, isAborted);
  try {
    walker.ensureRoot();
    for (const { path, recursive } of withoutCovered(request.folders)) walker.enter(path, recursive);
    walker.send();
    return { outcome: 'done', folders: walker.folders, entries: walker.entries };
  } catch (cause) {
    if (cause instanceof Stop) return { outcome: 'stopped', code: cause.code };
    throw cause;
  }
}

/** Unwinds the walk; never leaves this file. */
class Stop extends Error {
  readonly code: RootProblem | 'aborted';

  constructor(code: RootProblem | 'aborted') {
    super(code);
    this.code = code;
  }
}

class Walker {
  readonly #disk: Disk;
  readonly #request: WalkRequest;
  readonly #emit: (batch: readonly WalkedFolder[]) => void;
  readonly #isAborted: () => boolean;
  readonly #rules = new IgnoreRules();
  readonly #rulesRead = new Map<string, WalkedRules | null>();
  #batch: WalkedFolder[] = [];
  #batchEntries = 0;
  folders = 0;
  entries = 0;

  constructor(
    disk: Disk,
    request: WalkRequest,
    emit: (batch: readonly WalkedFolder[]) => void,
    isAborted: () => boolean,
  ) {
    this.#disk = disk;
    this.#request = request;
    this.#emit = emit;
    this.#isAborted = isAborted;
  }

  ensureRoot(): void {
    const check = checkRoot(this.#disk, this.#request.root, this.#request.expected);
    if (check.state !== 'ok') throw new Stop(check.state);
  }

  /** Starts at a requested folder, under the rules of the folders above it. */
  enter(path: string, recursive: boolean): void {
    const parts = partsOf(path);
    for (let depth = 0; depth < parts.length; depth += 1) this.#loadRulesAt(parts.slice(0, depth).join('/'));
    if (this.#rules.ignores(path, true)) {
      this.#add(unlisted(path, 'ignored'), 1);
      return;
    }
    const handle = this.#attempt(path, () => openBelow(this.#disk, this.#request.root, path));
    if (handle !== null) this.#walkFolder(handle, path, parts.length, recursive);
  }

  send(): void {
    if (this.#batch.length === 0) return;
    this.ensureRoot();
    this.#emit(this.#batch);
    this.#batch = [];
    this.#batchEntries = 0;
  }

  /** Takes over the handle. */
  #walkFolder(handle: number, path: string, depth: number, recursive: boolean): void {
    try {
      if (this.#isAborted()) throw new Stop('aborted');
      const subfolders = this.#attempt(path, () => this.#listFolder(handle, path));
      if (!recursive || subfolders === null) return;
      for (const name of subfolders)
        this.#descend(handle, name, path === '' ? name : `${path}/${name}`, depth + 1);
    } finally {
      this.#disk.close(handle);
    }
  }

  #descend(parent: number, name: string, path: string, depth: number): void {
    if (depth >= MAX_DEPTH) {
      this.#add(unlisted(path, 'too-deep'), 1);
      return;
    }
    const handle = this.#attempt(path, () => this.#disk.openFolder(this.#disk.inFolder(parent, name)));
    if (handle === null) return;
    this.#walkFolder(handle, path, depth, true);
    // Its rules hold nowhere else, and a big tree may have many.
    this.#rules.dropFolder(path);
    this.#rulesRead.delete(path);
  }

  /** Reports the folder and returns the names of those in it. */
  #listFolder(handle: number, path: string): string[] {
    const listing = this.#disk.list(this.#disk.inFolder(handle, '.'));
    const hasRules = listing.entries.some(
      (entry) => entry.name === IGNORE_FILE && entry.stat.type === 'file',
    );
    const rules = this.#loadRules(handle, path, hasRules);
    const entries: DirectoryEntry[] = [];
    const ignored: string[] = [];
    const invalid = [...listing.invalid];
    for (const entry of listing.entries) {
      if (nameProblem(entry.name) !== null) invalid.push(displayName(entry.name));
      else if (this.#isIgnored(path, entry)) ignored.push(entry.name);
      else entries.push(entry);
    }
    this.folders += 1;
    this.entries += entries.length;
    this.#addParts({ path, entries, invalid, ignored, error: null, last: true, rules });
    return entries.filter((entry) => entry.stat.type === 'folder').map((entry) => entry.name);
  }

  #isIgnored(folder: string, { name, stat }: DirectoryEntry): boolean {
    return this.#rules.ignoresEntry(folder === '' ? name : `${folder}/${name}`, stat.type === 'folder');
  }

  /** The rules of a folder above a requested one; a folder that cannot be read has none that count. */
  #loadRulesAt(path: string): void {
    if (this.#rulesRead.has(path)) return;
    try {
      const handle = openBelow(this.#disk, this.#request.root, path);
      try {
        const stat = this.#disk.lstat(this.#disk.inFolder(handle, IGNORE_FILE));
        this.#loadRules(handle, path, stat?.type === 'file');
      } finally {
        this.#disk.close(handle);
      }
    } catch (cause) {
      // The requested folder below it fails in the same way, and is reported.
      if (!(cause instanceof DiskError)) throw cause;
    }
  }

  #loadRules(handle: number, path: string, exists: boolean): WalkedRules | null {
    const rules = exists ? this.#readRules(handle, path) : null;
    if (rules === null) this.#rules.setFile(path, null);
    this.#rulesRead.set(path, rules);
    return rules;
  }

  #readRules(handle: number, path: string): WalkedRules {
    try {
      const bytes = readSmallFile(
        this.#disk,
        this.#disk.inFolder(handle, IGNORE_FILE),
        MAX_IGNORE_FILE_BYTES,
      );
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      const problem = this.#rules.setFile(path, text);
      return { text: problem === null ? text : null, problem };
    } catch (cause) {
      this.#rules.setFile(path, null);
      if (cause instanceof DiskError) {
        return { text: null, problem: cause.code === 'unsupported' ? 'too-large' : 'unreadable' };
      }
      if (cause instanceof TypeError) return { text: null, problem: 'unreadable' }; // not UTF-8
      throw cause;
    }
  }

  #attempt<T>(path: string, action: () => T): T | null {
    try {
      return action();
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause;
      this.#add(unlisted(path, cause.code), 1);
      return null;
    }
  }

  #addParts(folder: WalkedFolder): void {
    const { entries, ignored } = folder;
    const total = Math.max(entries.length, ignored.length, 1);
    for (let start = 0; start < total; start += BATCH_ENTRIES) {
      const end = start + BATCH_ENTRIES;
      const part = {
        entries: entries.slice(start, end),
        ignored: ignored.slice(start, end),
        last: end >= total,
      };
      const first = start === 0;
      this.#add(
        { ...folder, ...part, invalid: first ? folder.invalid : [], rules: first ? folder.rules : null },
        part.entries.length + part.ignored.length,
      );
    }
  }

  #add(folder: WalkedFolder, entries: number): void {
    if (this.#batchEntries + entries > BATCH_ENTRIES || this.#batch.length >= BATCH_FOLDERS) {
      if (this.#isAborted()) throw new Stop('aborted');
      this.send();
    }
    this.#batch.push(folder);
    this.#batchEntries += entries;
  }
}

function unlisted(path: string, error: NonNullable<WalkedFolder['error']>): WalkedFolder {
  return { path, entries: [], invalid: [], ignored: [], error, last: true, rules: null };
}

function withoutCovered(folders: WalkRequest['folders']): WalkRequest['folders'] {
  const recursive = new Set(folders.filter((folder) => folder.recursive).map((folder) => folder.path));
  const seen = new Set<string>();
  return folders.filter(({ path, recursive: whole }) => {
    const parts = partsOf(path);
    const above = parts.map((_, depth) => parts.slice(0, depth).join('/'));
    if (above.some((folder) => recursive.has(folder)) || seen.has(path)) return false;
    if (!whole && recursive.has(path)) return false;
    seen.add(path);
    return true;
  });
}
