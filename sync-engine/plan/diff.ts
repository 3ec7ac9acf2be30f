/**
 * Matches one folder's listing to the nodes known there, so that moves stay moves and edits stay edits. Pure:
 * what it must look up elsewhere comes as functions. It works folder by folder; a known node that is no longer
 * listed is `missing`, and the caller holds it until the scan ends, because a later folder may claim it as moved.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { NodeType } from './tree.ts';

/** The identity and the outside of something on the disk. Times in microseconds since 1970. */
export interface Seen {
  readonly name: string;
  readonly type: NodeType;
  readonly mode: number;
  readonly size: number;
  readonly mtimeUs: number;
  readonly ctimeUs: number;
  /** 0 where the file system keeps none. */
  readonly birthUs: number;
  readonly ino: number;
  readonly dev: number;
}

/** A node as it was last seen. */
export interface Known extends Seen {
  readonly id: NodeId;
  /** What its disk keeps of an mtime: what was set to another within it is shown as this. */
  readonly mtimeGranularityUs: number;
}

export type FolderChange<E extends Seen, K extends Known> =
  /** The same node; its content must be read again. */
  | { readonly kind: 'edited'; readonly known: K; readonly entry: E }
  /** The same node and content, under a new stat or mode. */
  | { readonly kind: 'touched'; readonly known: K; readonly entry: E }
  /** A node known elsewhere is here now; `edited` when its content must be read again. */
  | { readonly kind: 'moved'; readonly known: K; readonly entry: E; readonly edited: boolean }
  | { readonly kind: 'created'; readonly entry: E }
  | { readonly kind: 'missing'; readonly known: K };

export interface FolderDiff<E extends Seen, K extends Known> {
  /** Nodes known in this folder, by name on the disk. */
  readonly known: readonly K[];
  readonly entries: readonly E[];
  /** Nodes known anywhere with that inode. */
  identity(dev: number, ino: number): readonly K[];
  /** Whether a node known elsewhere still stands where it was, under the same inode: then the new name is a hard link. */
  stillThere(known: K): boolean;
}

/** Same size and times: the content need not be read. */
function sameOutside(known: Known, entry: Seen): boolean {
  return known.size === entry.size && Math.abs(known.mtimeUs - entry.mtimeUs) < known.mtimeGranularityUs;
}

/** One object on disk: an inode is used again after a deletion, the time of birth then differs. */
function sameObject(known: Seen, entry: Seen): boolean {
  return (
    known.ino === entry.ino &&
    known.dev === entry.dev &&
    known.type === entry.type &&
    known.birthUs === entry.birthUs
  );
}

/** Nothing to write down: the identity too is as known (device numbers change from mount to mount). */
function unchanged(known: Known, entry: Seen): boolean {
  if (!sameObject(known, entry) || known.mode !== entry.mode) return false;
  if (entry.type === 'folder') return true;
  return known.ctimeUs === entry.ctimeUs && sameOutside(known, entry);
}

/** Changes in the order of the entries, then what is missing. */
export function diffFolder<E extends Seen, K extends Known>(folder: FolderDiff<E, K>): FolderChange<E, K>[] {
  const changes: FolderChange<E, K>[] = [];
  const byName = new Map(folder.known.map((known) => [known.name, known]));
  const claimed = new Set<NodeId>();
  const unmatched: E[] = [];
  for (const entry of folder.entries) {
    const known = byName.get(entry.name);
    if (known?.type !== entry.type) {
      unmatched.push(entry);
      continue;
    }
    if (unchanged(known, entry)) {
      claimed.add(known.id);
      continue;
    }
    // A folder is its inode first: another one under the old name may be a known one moved here. A file is
    // its name: editors write a new one and rename it over the old.
    if (entry.type === 'folder' && known.ino !== entry.ino) {
      unmatched.push(entry);
      continue;
    }
    claimed.add(known.id);
    changes.push({ kind: isEdited(known, entry) ? 'edited' : 'touched', known, entry });
  }
  // Folders found by inode, before any is taken for the one that had its name.
  const moved = new Map<E, K>();
  for (const entry of unmatched) {
    const known = claimant(folder, entry, claimed);
    if (known === null) continue;
    claimed.add(known.id);
    moved.set(entry, known);
  }
  for (const entry of unmatched) {
    const from = moved.get(entry);
    const sameName = byName.get(entry.name);
    if (from !== undefined) {
      changes.push({
        kind: 'moved',
        known: from,
        entry,
        // Known by an mtime that this disk does not show, its content proves what it is.
        edited: entry.type !== 'folder' && (from.size !== entry.size || from.mtimeUs !== entry.mtimeUs),
      });
    } else if (isReplaced(sameName, entry) && !claimed.has(sameName.id)) {
      claimed.add(sameName.id);
      changes.push({ kind: 'touched', known: sameName, entry });
    } else {
      changes.push({ kind: 'created', entry });
    }
  }
  for (const known of folder.known) if (!claimed.has(known.id)) changes.push({ kind: 'missing', known });
  return changes;
}

/** A restored backup has new inodes throughout, and must not for that look like a new tree. */
function isReplaced<K extends Known>(known: K | undefined, entry: Seen): known is K {
  return known?.type === 'folder' && entry.type === 'folder';
}

/** A change of the mode alone moves ctime and nothing else; any other ctime means that the content may differ. */
function isEdited(known: Known, entry: Seen): boolean {
  if (entry.type === 'folder') return false;
  if (known.ino !== entry.ino || !sameOutside(known, entry)) return true;
  // An edit within the time that the disk cannot tell apart shows in ctime alone.
  if (known.mtimeUs !== entry.mtimeUs) return known.ctimeUs !== entry.ctimeUs;
  return known.mode === entry.mode && known.ctimeUs !== entry.ctimeUs;
}

/** The known node this entry is, moved here. */
function claimant<E extends Seen, K extends Known>(
  folder: FolderDiff<E, K>,
  entry: E,
  claimed: ReadonlySet<NodeId>,
): K | null {
  for (const known of folder.identity(entry.dev, entry.ino)) {
    if (claimed.has(known.id) || !sameObject(known, entry)) continue;
    if (entry.type !== 'folder' && known.size !== entry.size) continue;
    // Without a time of birth an inode alone proves little: of a folder nothing, and a file's times must agree.
    if (known.birthUs === 0 && (entry.type === 'folder' || !sameOutside(known, entry))) continue;
    if (folder.stillThere(known)) continue;
    return known;
  }
  return null;
}
