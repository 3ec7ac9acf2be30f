/**
 * Turns what a scan saw into the local tree. The scan is the truth, hints only say where to look. What is no
 * longer listed is held until the whole scan ended well: a move may claim it, and a walk that broke off says
 * nothing about what it did not reach.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { DirectoryEntry, DiskStat } from '../local-fs/disk.ts';
import { IgnoreRules } from '../local-fs/ignore-rules.ts';
import { remoteNameOf } from '../local-fs/path-rules.ts';
import type { RootProblem } from '../local-fs/root-marker.ts';
import type { WalkedFolder } from '../local-fs/walk.ts';
import type { IssueRow, LocalNode, Manifest } from '../manifest/manifest.ts';
import { diffFolder, type FolderChange, type Known, type Seen } from '../plan/diff.ts';
import type { NodeType } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { IssueCode } from './issue-codes.ts';
import type { PairDisk } from './pair-disk.ts';
import { folderOf, standingPath } from './paths.ts';

export interface ObserverParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly disk: PairDisk;
  readonly newId: () => NodeId;
  readonly raise: (node: NodeId | null, code: IssueCode, path: string) => void;
  readonly clearAt: (path: string, code: IssueCode) => void;
}

export type ScanOutcome =
  | { readonly outcome: 'done'; readonly changes: number }
  | { readonly outcome: 'stopped'; readonly code: RootProblem | 'aborted' };

interface SeenEntry extends Seen {
  readonly stat: DiskStat;
}
interface KnownRow extends Known {
  readonly row: LocalNode;
}

/** What a row is called on the disk, with its id, while a scan looks where it went. */
export const EVICTED = '\u0000gone/';
/** Hints beyond this many folders are one scan of everything. */
const MAX_HINTS = 2000;

export class Observer {
  /** The pair's ignore rules, as last read. */
  readonly rules = new IgnoreRules();
  readonly #parts: ObserverParts;
  readonly #hints = new Set<string>();
  #everything = true;
  /** Rule texts by folder, to see them change. */
  readonly #ruleTexts = new Map<string, string>();
  /** Of what no account could hold, by folder and path; read from the manifest at first. */
  #reported: Map<string, Map<string, IssueCode>> | null = null;
  #changes = 0;
  /** Folders that seemed to stand within themselves, since the last scan of everything. */
  readonly #swallowed = new Set<NodeId>();

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  get hasHints(): boolean {
    return this.#everything || this.#hints.size > 0;
  }

  /** Something may have changed in a folder (relative path); it will be listed. */
  hint(path: string): void {
    if (this.#everything) return;
    this.#hints.add(path);
    if (this.#hints.size > MAX_HINTS) this.hintEverything();
  }

  hintEverything(): void {
    this.#everything = true;
    this.#hints.clear();
  }

  async scan(everything: boolean): Promise<ScanOutcome> {
    const all = everything || this.#everything;
    let folders = all
      ? [{ path: '', recursive: true }]
      : [...this.#hints].map((path) => ({ path, recursive: false }));
    this.#hints.clear();
    this.#everything = false;
    this.#changes = 0;
    if (all) this.#swallowed.clear();
    const missing = new Map<NodeId, LocalNode>();
    // What a listing reveals to need a look of its own: new and moved folders, folders whose rules changed.
    while (folders.length > 0) {
      const deeper = new Map<string, boolean>();
      const walked = new Set<string>();
      const parts: WalkedFolder[] = [];
      const outcome = await this.#parts.disk.walk(folders, (batch) => {
        this.#parts.manifest.transaction(() => {
          for (const part of batch) {
            parts.push(part);
            if (!part.last) continue;
            const folder = joined(parts.splice(0));
            walked.add(folder.path);
            this.#take(folder, missing, deeper);
          }
        });
      });
      if (outcome.outcome === 'stopped') {
        if (outcome.code === 'aborted') return outcome;
        this.hintEverything();
        return outcome;
      }
      folders = [...deeper]
        .filter(([path]) => !walked.has(path))
        .map(([path, recursive]) => ({ path, recursive }));
    }
    this.#parts.manifest.transaction(() => {
      this.#settleMissing(missing);
      this.#forgetGoneFolders();
    });
    return { outcome: 'done', changes: this.#changes };
  }

  #take(folder: WalkedFolder, missing: Map<NodeId, LocalNode>, deeper: Map<string, boolean>): void {
    const { books, raise, clearAt } = this.#parts;
    const { pair } = books;
    const folderId = pair.localAt(folder.path);
    if (folderId === null) return;
    if (folder.error !== null) {
      // Something else stands there, or nothing: the folder above says what.
      if (['not-found', 'not-a-folder', 'is-a-link'].includes(folder.error)) {
        if (folder.path !== '') deeper.set(folderOf(folder.path), false);
      } else if (folder.error !== 'ignored') {
        raise(folderId, folder.error === 'too-deep' ? 'path-too-long' : 'unreadable', folder.path);
      }
      return;
    }
    if (pair.local.get(folderId)?.type !== 'folder' && folderId !== pair.config.bound) {
      // A file stood there when the folder above was last listed: that one comes first, then this one again.
      deeper.set(folderOf(folder.path), false);
      this.hint(folder.path);
      return;
    }
    clearAt(folder.path, 'unreadable');
    this.#takeRules(folder, folderId, deeper);
    this.#report(folder);
    const entries = folder.entries.flatMap((entry) => this.#seen(entry));
    const rows = pair.localChildren(folderId).filter((row) => !row.parked);
    const ignored = new Set(folder.ignored);
    const known: KnownRow[] = [];
    for (const row of rows) {
      const diskName = row.localName ?? row.name;
      // Ignored now: it stays where it is, and is nobody's business any more.
      if (ignored.has(diskName)) books.vanished(row.id);
      else known.push(this.#known(row));
    }
    const changes = diffFolder<SeenEntry, KnownRow>({
      known,
      entries,
      identity: (dev, ino) =>
        // A parked one too: an error after it was brought back may have kept that from its row.
        pair.localByIdentity(dev, ino).map((row) => this.#known(row)),
      stillThere: (node) => this.#stillThere(node),
    });
    const swallowed = changes.filter(
      (change) => change.kind === 'moved' && this.#isWithin(folderId, change.known.id),
    );
    const [first] = swallowed;
    if (first?.kind === 'moved' && this.#looksAgain(first.known.id, folder.path)) return;
    for (const change of changes) {
      // What still stands within itself is another one to us.
      const isNew = change.kind === 'moved' && swallowed.includes(change);
      const told = isNew ? ({ kind: 'created', entry: change.entry } as const) : change;
      this.#apply(told, folder.path, folderId, missing, deeper);
    }
  }

  #isWithin(folder: NodeId, id: NodeId): boolean {
    const { pair } = this.#parts.books;
    for (let at = folder; at !== pair.config.bound;) {
      if (at === id) return true;
      const row = pair.local.get(at);
      if (row === undefined) return false;
      at = row.parent;
    }
    return false;
  }

  /**
   * A folder stands within itself: another one has its place and was filled with it, and the folder above was not
   * listed since. That one comes first, then this one again. False when it was so before.
   */
  #looksAgain(id: NodeId, path: string): boolean {
    const stood = this.#parts.books.pair.diskPath(id);
    if (stood === null || this.#swallowed.has(id)) return false;
    this.#swallowed.add(id);
    this.hint(folderOf(stood));
    this.hint(path);
    return true;
  }

  #known(row: LocalNode): KnownRow {
    return {
      ...this.#parts.disk.known(row),
      id: row.id,
      name: row.localName ?? row.name,
      mode: row.mode,
      birthUs: row.birthUs,
      dev: row.dev,
      row,
    };
  }

  #stillThere(node: KnownRow): boolean {
    const { row } = node;
    const path = standingPath(this.#parts.books.pair, row.id);
    if (path === null) return false;
    const stat = this.#parts.disk.lstat(path);
    return stat !== null && stat.ino === node.ino && stat.dev === node.dev;
  }

  #seen(entry: DirectoryEntry): SeenEntry[] {
    const { type } = entry.stat;
    if (type === 'other') return [];
    return [{ ...entry.stat, ...normal(type, entry.stat), type, name: entry.name, stat: entry.stat }];
  }

  #apply(
    change: FolderChange<SeenEntry, KnownRow>,
    folderPath: string,
    folderId: NodeId,
    missing: Map<NodeId, LocalNode>,
    deeper: Map<string, boolean>,
  ): void {
    const { pair } = this.#parts.books;
    this.#changes += 1;
    if (change.kind === 'missing') {
      missing.set(change.known.id, change.known.row);
      return;
    }
    const { entry } = change;
    const path = folderPath === '' ? entry.name : `${folderPath}/${entry.name}`;
    const row = this.#row(change, folderId);
    if (change.kind === 'created' || change.kind === 'moved') {
      // The row that held the name was seen to be gone or replaced; its place is free.
      const holder = pair.localByDiskName(folderId, entry.name);
      if (holder !== undefined && holder.id !== row.id) this.#evict(holder, missing);
      missing.delete(row.id);
      if (entry.type === 'folder') deeper.set(path, true);
    }
    pair.putLocal(row);
    pair.markDirty(row.id);
    pair.release(row.id);
  }

  /** A name was taken over before its old node was found elsewhere: it stands aside until the scan ends. */
  #evict(row: LocalNode, missing: Map<NodeId, LocalNode>): void {
    missing.set(row.id, row);
    const moved = this.#parts.books.pair.local.get(row.id);
    if (moved !== undefined) this.#parts.books.pair.putLocal({ ...moved, localName: `${EVICTED}${row.id}` });
  }

  #row(change: Exclude<FolderChange<SeenEntry, KnownRow>, { kind: 'missing' }>, folderId: NodeId): LocalNode {
    const { disk, newId } = this.#parts;
    const { entry } = change;
    const { stat } = entry;
    const identity = { dev: stat.dev, ino: stat.ino, birthUs: stat.birthUs, ctimeUs: stat.ctimeUs };
    const outside = { size: entry.type === 'folder' ? 0 : stat.size, mtimeUs: entry.mtimeUs };
    if (change.kind === 'created') {
      return {
        id: newId(),
        parent: folderId,
        ...this.#names(folderId, entry.name, null),
        type: entry.type,
        mode:
          disk.capabilities.modes || entry.type === 'symlink'
            ? entry.mode
            : entry.type === 'folder'
              ? 0o755
              : 0o644,
        ...outside,
        content: null,
        ...identity,
        parked: false,
      };
    }
    const { row } = change.known;
    const mtimeUs = disk.mtimeOf(row.mtimeUs, entry.mtimeUs);
    const mode = disk.capabilities.modes ? entry.mode : row.mode;
    const isRead = change.kind === 'touched' || (change.kind === 'moved' && !change.edited);
    const placed =
      change.kind === 'moved' ? { parent: folderId, ...this.#names(folderId, entry.name, row) } : {};
    return {
      ...row,
      ...placed,
      mode,
      ...outside,
      mtimeUs,
      content: isRead ? row.content : null,
      ...identity,
      parked: false,
    };
  }

  /** The account's name of a name on disk: undoes an alias, unless that name stands in the folder itself. */
  #names(
    folderId: NodeId,
    diskName: string,
    row: LocalNode | null,
  ): { name: string; localName: string | null } {
    const { books, disk } = this.#parts;
    if (row !== null && (row.localName ?? row.name) === diskName)
      return { name: row.name, localName: row.localName };
    const name = remoteNameOf(diskName, disk.capabilities);
    if (name === diskName || books.pair.local.child(folderId, name) !== undefined) {
      return { name: diskName, localName: null };
    }
    return { name, localName: diskName };
  }

  #takeRules(folder: WalkedFolder, folderId: NodeId, deeper: Map<string, boolean>): void {
    const { books, raise, clearAt } = this.#parts;
    const text = folder.rules?.text ?? '';
    const path = folder.path === '' ? '.coffreignore' : `${folder.path}/.coffreignore`;
    if (typeof folder.rules?.problem === 'string') raise(null, 'ignore-file', path);
    else clearAt(path, 'ignore-file');
    const before = this.#ruleTexts.get(folder.path);
    if (before === text || (before === undefined && text === '')) return;
    this.#ruleTexts.set(folder.path, text);
    this.rules.setFile(folder.path, text === '' ? null : text);
    books.hasRules = [...this.#ruleTexts.values()].some((each) => each !== '');
    if (before !== undefined) deeper.set(folder.path, true);
    // What the rules now let in or keep out is planned again.
    books.markRemoteSubtree(folderId);
  }

  /** What a folder holds that no account could, and what it no longer does. */
  #report(folder: WalkedFolder): void {
    const { books, manifest, raise, clearAt } = this.#parts;
    this.#reported ??= foreignByFolder(
      manifest.issues().filter((issue) => issue.pair === books.pair.config.id),
    );
    const before = this.#reported.get(folder.path);
    const now = new Map<string, IssueCode>();
    const at = (name: string): string => (folder.path === '' ? name : `${folder.path}/${name}`);
    for (const name of folder.invalid) now.set(at(name), 'invalid-name');
    for (const entry of folder.entries)
      if (entry.stat.type === 'other') now.set(at(entry.name), 'not-supported');
    // Said once: what a person dismissed does not come back with every scan.
    for (const [path, code] of now) if (before?.get(path) !== code) raise(null, code, path);
    for (const [path, code] of before ?? []) if (now.get(path) !== code) clearAt(path, code);
    if (now.size > 0) this.#reported.set(folder.path, now);
    else this.#reported.delete(folder.path);
  }

  /** With a folder goes what it held and no account could. */
  #forgetGoneFolders(): void {
    for (const [folder, paths] of this.#reported ?? []) {
      if (this.#parts.books.pair.localAt(folder) !== null) continue;
      for (const [path, code] of paths) this.#parts.clearAt(path, code);
      this.#reported?.delete(folder);
    }
  }

  #settleMissing(missing: ReadonlyMap<NodeId, LocalNode>): void {
    const { books } = this.#parts;
    for (const [id, before] of missing) {
      const now = books.pair.local.get(id);
      if (now?.parent !== before.parent || now.parked || now.name !== before.name) continue;
      books.vanished(id);
    }
  }
}

/** Issues of what was only seen in a folder, by folder and path. */
function foreignByFolder(issues: readonly IssueRow[]): Map<string, Map<string, IssueCode>> {
  const byFolder = new Map<string, Map<string, IssueCode>>();
  for (const { code, path } of issues) {
    if (code !== 'invalid-name' && code !== 'not-supported') continue;
    const folder = folderOf(path);
    const known = byFolder.get(folder);
    if (known === undefined) byFolder.set(folder, new Map([[path, code]]));
    else known.set(path, code);
  }
  return byFolder;
}

/** Folders keep no size or mtime, symlinks no mode or mtime. */
function normal(type: NodeType, stat: DiskStat): { mode: number; size: number; mtimeUs: number } {
  switch (type) {
    case 'folder':
      return { mode: stat.mode, size: 0, mtimeUs: 0 };
    case 'symlink':
      return { mode: 0o777, size: stat.size, mtimeUs: 0 };
    case 'file':
      return { mode: stat.mode, size: stat.size, mtimeUs: stat.mtimeUs };
  }
}

function joined(parts: readonly WalkedFolder[]): WalkedFolder {
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error('a folder has a part');
  if (rest.length === 0) return first;
  return {
    ...first,
    entries: parts.flatMap((part) => part.entries),
    ignored: parts.flatMap((part) => part.ignored),
    last: true,
  };
}
