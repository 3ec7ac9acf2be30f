/**
 * The local trash: what applying changes from elsewhere has displaced, kept for a while in the pair itself.
 * `.coffre/trash/<id>/` holds `item` and `entry.json`, which says where it came from. Ids sort by time.
 */
import { z } from 'zod';
import { DiskError, type Disk, type DiskStat } from './disk.ts';
import { lstatInside, readSmallFile, splitPath, withFolder } from './inside.ts';
import { putAt } from './place.ts';
import { TRASH } from './root-marker.ts';
import { bytesOfTree, removeTree } from './subtree.ts';

export const ENTRY_NAME = 'entry.json';
export const ITEM_NAME = 'item';
/** A path of 4,096 bytes, escaped, and the rest. */
const MAX_ENTRY_BYTES = 32 * 1024;

const entrySchema = z.object({
  version: z.literal(1),
  /** Relative to the pair. */
  path: z.string(),
  /** Of a move: where to, relative to the pair. */
  to: z.string().optional(),
  /** `replaced` by newer content, `removed` elsewhere, or on the way of a move (`moved`). */
  why: z.enum(['replaced', 'removed', 'moved']),
  /** When, ms since 1970: shown, and the age that limits measure. */
  atMs: z.number(),
  /** Bytes of files in it. */
  bytes: z.number(),
});
export type TrashRecord = z.infer<typeof entrySchema>;

export interface TrashEntry {
  readonly id: string;
  /** Null when entry.json was lost to a power failure; the item is whole. */
  readonly record: TrashRecord | null;
  readonly stat: DiskStat;
}

export interface TrashLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export const TRASH_MAX_AGE_MS = 30 * 24 * 60 * 60 * 1000;
export const TRASH_MAX_BYTES = 10_000_000_000;

/** A tenth of the disk, 10 GB at most, for 30 days. */
export function defaultTrashLimits(diskBytes: number): TrashLimits {
  return { maxAgeMs: TRASH_MAX_AGE_MS, maxBytes: Math.min(TRASH_MAX_BYTES, Math.floor(diskBytes / 10)) };
}

/** The beginning of an entry's id: ids sort by time. */
export function timeKey(nowMs: number): string {
  return Math.max(0, Math.floor(nowMs)).toString(36).padStart(9, '0');
}

export function trashRecordBytes(record: TrashRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

/** The record in a held entry folder, null when there is none that can be parsed. Throws DiskError. */
export function readTrashRecord(disk: Disk, entryHandle: number): TrashRecord | null {
  try {
    const bytes = readSmallFile(disk, disk.inFolder(entryHandle, ENTRY_NAME), MAX_ENTRY_BYTES);
    return entrySchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    if (cause instanceof DiskError && ['not-found', 'unsupported', 'is-a-link'].includes(cause.code))
      return null;
    throw cause;
  }
}

/** Oldest first. Throws DiskError. */
export function listTrash(disk: Disk, root: string): TrashEntry[] {
  return withFolder(disk, root, TRASH, (trash) => {
    const found: TrashEntry[] = [];
    for (const { name, stat } of disk.list(disk.inFolder(trash, '.')).entries) {
      if (stat.type !== 'folder') continue;
      const entry = disk.openFolder(disk.inFolder(trash, name));
      try {
        const item = disk.lstat(disk.inFolder(entry, ITEM_NAME));
        if (item !== null) found.push({ id: name, record: readTrashRecord(disk, entry), stat: item });
      } finally {
        disk.close(entry);
      }
    }
    return found.sort((one, other) => (one.id < other.id ? -1 : 1));
  });
}

export type RestoreResult = { readonly outcome: 'restored' } | { readonly outcome: 'gone' | 'taken' };

/**
 * Puts an entry back, at its own path or at `to` (relative to the pair; the folder above must exist). Replaces
 * nothing. Throws DiskError, `not-found` also when the folder above is missing.
 */
export function restoreFromTrash(disk: Disk, root: string, id: string, to?: string): RestoreResult {
  return withFolder(disk, root, TRASH, (trash) => {
    if (disk.lstat(disk.inFolder(trash, splitPath(id)[1]))?.type !== 'folder') return { outcome: 'gone' };
    const entry = disk.openFolder(disk.inFolder(trash, id));
    try {
      const path = to ?? readTrashRecord(disk, entry)?.path;
      const item = disk.inFolder(entry, ITEM_NAME);
      const stat = disk.lstat(item);
      if (path === undefined || stat === null) return { outcome: 'gone' };
      if (lstatInside(disk, root, path) !== null) return { outcome: 'taken' };
      const [folder, name] = splitPath(path);
      const put = withFolder(disk, root, folder, (parent) =>
        putAt(disk, item, disk.inFolder(parent, name), stat.type),
      );
      if (put === 'taken') return { outcome: 'taken' };
    } finally {
      disk.close(entry);
    }
    removeTree(disk, trash, id);
    return { outcome: 'restored' };
  });
}

/** Removes what is too old, then the oldest until the rest fits; returns how many went. Throws DiskError. */
export function pruneTrash(disk: Disk, root: string, limits: TrashLimits, nowMs: number): number {
  const entries = listTrash(disk, root).map((entry) => ({
    ...entry,
    bytes: entry.record?.bytes ?? bytesOf(disk, root, entry),
    // Without a record: what is known is when the item was last moved, which was to here.
    atMs: entry.record?.atMs ?? entry.stat.ctimeUs / 1000,
  }));
  let total = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  return withFolder(disk, root, TRASH, (trash) => {
    let removed = 0;
    for (const entry of entries) {
      if (nowMs - entry.atMs <= limits.maxAgeMs && total <= limits.maxBytes) continue;
      removeTree(disk, trash, entry.id);
      total -= entry.bytes;
      removed += 1;
    }
    removed += clearLeftovers(disk, trash);
    return removed;
  });
}

/** Entries without an item: a restore or a removal that was cut short. */
function clearLeftovers(disk: Disk, trash: number): number {
  let removed = 0;
  for (const { name, stat } of disk.list(disk.inFolder(trash, '.')).entries) {
    if (stat.type === 'folder' && disk.lstat(`${disk.inFolder(trash, name)}/${ITEM_NAME}`) !== null) continue;
    removeTree(disk, trash, name);
    removed += 1;
  }
  return removed;
}

function bytesOf(disk: Disk, root: string, { id, stat }: TrashEntry): number {
  return withFolder(disk, root, `${TRASH}/${id}`, (entry) =>
    bytesOfTree(disk, disk.inFolder(entry, ITEM_NAME), stat),
  );
}
