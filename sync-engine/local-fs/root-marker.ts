/**
 * Knows a pair's folder from another one at the same path: an unmounted disk, an emptied mount point or a
 * copied folder must not look like "everything was deleted".
 *
 * `.coffre/` holds the marker and four folders: `staging/` (downloads under way), `trash/` (displaced bytes),
 * `parked/` (nodes moved aside within one plan) and `replacing/` (what a placement has taken from its place
 * and not yet put a new thing for; see displace.ts).
 */
import { z } from 'zod';
import { DiskError, type Disk } from './disk.ts';
import { PAIR_FOLDER } from './ignore-rules.ts';
import { readSmallFile, withFolder, writeNewFile } from './inside.ts';

export const STAGING = `${PAIR_FOLDER}/staging`;
export const TRASH = `${PAIR_FOLDER}/trash`;
export const PARKED = `${PAIR_FOLDER}/parked`;
export const REPLACING = `${PAIR_FOLDER}/replacing`;

const MARKER_NAME = 'marker.json';
const MAX_MARKER_BYTES = 4096;

const markerSchema = z.object({
  version: z.literal(1),
  pair: z.string().min(1),
  account: z.string().min(1),
  device: z.string().min(1),
  random: z.string().min(16),
});
/** What `.coffre/marker.json` says; `random` tells two folders of one pair (a copy) from each other. */
export type PairMarker = z.infer<typeof markerSchema>;

export interface RootIdentity {
  readonly dev: number;
  readonly ino: number;
}

export type RootProblem =
  | 'root-missing'
  | 'not-a-folder' // a file, or a link: the pair keeps the real path
  | 'unreadable'
  | 'read-only' // only told when writing was asked about
  | 'missing' // no marker, or one that cannot be parsed: not this pair's folder, or no longer
  | 'foreign'; // the marker of another pair, account, device or copy

export type RootCheck =
  | {
      readonly state: 'ok';
      readonly identity: RootIdentity;
      /** Another device or inode than remembered: a remount, or the folder copied with its marker. Only a hint. */
      readonly replaced: boolean;
    }
  | { readonly state: RootProblem };

export interface RootExpectation {
  readonly marker: PairMarker;
  readonly remembered: RootIdentity | null;
}

/**
 * Looks whether `root` is the pair's folder, with `probeWrite` also whether it can be written.
 * Never throws for the state of the disk.
 */
export function checkRoot(
  disk: Disk,
  root: string,
  expected: RootExpectation,
  probeWrite = false,
): RootCheck {
  try {
    const stat = disk.lstat(root);
    if (stat === null) return { state: 'root-missing' };
    if (stat.type !== 'folder') return { state: 'not-a-folder' };
    const marker = readMarker(disk, root);
    if (marker === null) return { state: 'missing' };
    if (!isSameMarker(marker, expected.marker)) return { state: 'foreign' };
    if (probeWrite && !isWritable(disk, root)) return { state: 'read-only' };
    const { remembered } = expected;
    return {
      state: 'ok',
      identity: { dev: stat.dev, ino: stat.ino },
      replaced: remembered !== null && (remembered.dev !== stat.dev || remembered.ino !== stat.ino),
    };
  } catch (cause) {
    if (cause instanceof DiskError) return { state: 'unreadable' };
    throw cause;
  }
}

/** The marker of a folder, null when there is none that can be parsed. Throws DiskError when it cannot be read. */
export function readMarker(disk: Disk, root: string): PairMarker | null {
  let bytes: Uint8Array;
  try {
    bytes = withFolder(disk, root, PAIR_FOLDER, (handle) =>
      readSmallFile(disk, disk.inFolder(handle, MARKER_NAME), MAX_MARKER_BYTES),
    );
  } catch (cause) {
    const none: readonly string[] = ['not-found', 'not-a-folder', 'is-a-link', 'unsupported'];
    if (cause instanceof DiskError && none.includes(cause.code)) return null;
    throw cause;
  }
  try {
    return markerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch {
    return null; // not JSON
  }
}

/**
 * Makes `.coffre/` (0700) and the folders in it, and writes the marker, flushed, in place of any other.
 * Throws DiskError; `is-a-link` when `.coffre` is a link.
 */
export function createMarker(disk: Disk, root: string, marker: PairMarker): void {
  makePairFolders(disk, root);
  withFolder(disk, root, PAIR_FOLDER, (handle) => {
    const fresh = disk.inFolder(handle, `${MARKER_NAME}.new`);
    if (disk.lstat(fresh) !== null) disk.removeFile(fresh);
    writeNewFile(disk, fresh, new TextEncoder().encode(`${JSON.stringify(marker)}\n`));
    const file = disk.open(fresh, 'read');
    try {
      disk.sync(file);
    } finally {
      disk.close(file);
    }
    disk.rename(fresh, disk.inFolder(handle, MARKER_NAME));
    disk.flush(disk.inFolder(handle, '.'), false);
  });
}

/** Makes what is missing of `.coffre/` and its folders. Throws DiskError. */
export function makePairFolders(disk: Disk, root: string): void {
  withFolder(disk, root, '', (handle) => makeIfMissing(disk, disk.inFolder(handle, PAIR_FOLDER)));
  withFolder(disk, root, PAIR_FOLDER, (handle) => {
    for (const path of [STAGING, TRASH, PARKED, REPLACING]) {
      makeIfMissing(disk, disk.inFolder(handle, path.slice(PAIR_FOLDER.length + 1)));
    }
  });
}

function makeIfMissing(disk: Disk, path: string): void {
  try {
    disk.makeFolder(path, 0o700);
  } catch (cause) {
    if (!(cause instanceof DiskError && cause.code === 'exists')) throw cause;
  }
}

function isSameMarker(one: PairMarker, other: PairMarker): boolean {
  return (
    one.pair === other.pair &&
    one.account === other.account &&
    one.device === other.device &&
    one.random === other.random
  );
}

function isWritable(disk: Disk, root: string): boolean {
  try {
    withFolder(disk, root, STAGING, (handle) => {
      const probe = disk.inFolder(handle, 'write-probe');
      if (disk.lstat(probe) !== null) disk.removeFile(probe);
      disk.close(disk.open(probe, 'create'));
      disk.removeFile(probe);
    });
    return true;
  } catch (cause) {
    // A full disk can be written again as soon as something is deleted from it.
    if (cause instanceof DiskError) return cause.code === 'full';
    throw cause;
  }
}
