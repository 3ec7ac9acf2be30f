/**
 * Taking something from its place so that nothing is lost whatever happens next. What lies at a path is
 * renamed into `.coffre/replacing/<id>/` first and looked at there, where nobody else changes it: if it is not
 * what the plan saw, it goes back. There is no moment at which a file saved by another program could be
 * overwritten, and for two system calls the path is empty. A stop in between is made good by
 * `recoverDisplaced`, which must run before the first scan after a start, or the gap would look like a deletion.
 */
import { DiskError, type Disk, type DiskStat } from './disk.ts';
import { splitPath, withFolder, writeNewFile } from './inside.ts';
import { ENTRY_NAME, ITEM_NAME, readTrashRecord, trashRecordBytes, type TrashRecord } from './local-trash.ts';
import { putAt, renameWhole } from './place.ts';
import { REPLACING, TRASH } from './root-marker.ts';
import { isSame, removeTree, type KnownStat } from './subtree.ts';

/** The folders a displacement works in, held. */
export interface Bench {
  readonly disk: Disk;
  readonly replacing: number;
  readonly trash: number;
}

/** Something taken from its place. One of its ends must be called: `trash` or `keep`, `undo`, `forget`. */
export class Displaced {
  readonly stat: DiskStat;
  readonly #bench: Bench;
  readonly #id: string;
  readonly #origin: string;

  constructor(bench: Bench, id: string, origin: string, stat: DiskStat) {
    this.#bench = bench;
    this.#id = id;
    this.#origin = origin;
    this.stat = stat;
  }

  /** Where it lies now. */
  get path(): string {
    return `${this.#bench.disk.inFolder(this.#bench.replacing, this.#id)}/${ITEM_NAME}`;
  }

  /** It goes to the local trash. @throws DiskError: then it is not there, and still lies where it was moved aside */
  trash(): void {
    const { disk, replacing, trash } = this.#bench;
    disk.rename(disk.inFolder(replacing, this.#id), disk.inFolder(trash, this.#id));
  }

  /** It goes to the local trash; if that fails, with the next recovery, for its place is taken. */
  keep(): void {
    unlessDiskFails(() => {
      this.trash();
    });
  }

  /** It goes back to its place; to the local trash when something else is there by now, or its folder went. */
  undo(): void {
    const back = unlessPlaceGone(
      () => putAt(this.#bench.disk, this.path, this.#origin, this.stat.type) === 'put',
    );
    if (back) this.forget();
    else this.keep();
  }

  /** It was moved on from `path`: only its record is left. */
  forget(): void {
    unlessDiskFails(() => removeTree(this.#bench.disk, this.#bench.replacing, this.#id));
  }
}

/** Its folder went, or became a link: the trash is where it is safe. */
function unlessPlaceGone(putBack: () => boolean): boolean {
  const gone: readonly string[] = ['not-found', 'is-a-link', 'not-a-folder', 'illegal-name'];
  try {
    return putBack();
  } catch (cause) {
    if (cause instanceof DiskError && gone.includes(cause.code)) return false;
    throw cause;
  }
}

/** What matters is done by then; recovery finds the rest. */
export function unlessDiskFails(action: () => void): void {
  try {
    action();
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
  }
}

/**
 * Takes what is at `origin` (a path from inFolder). Null when that is not what was known, which is then where
 * it was. Throws DiskError; what was taken is back then, or put back by recoverDisplaced.
 */
export function displace(
  bench: Bench,
  id: string,
  origin: string,
  known: KnownStat,
  record: TrashRecord,
): Displaced | null {
  const { disk } = bench;
  const folder = disk.inFolder(bench.replacing, id);
  disk.makeFolder(folder, 0o700);
  try {
    writeNewFile(disk, `${folder}/${ENTRY_NAME}`, trashRecordBytes(record));
    renameWhole(disk, origin, `${folder}/${ITEM_NAME}`);
  } catch (cause) {
    // A rename may fail after it was done (a network disk, a mode that cannot be set back).
    const stat = disk.lstat(`${folder}/${ITEM_NAME}`);
    const displaced = stat === null ? null : new Displaced(bench, id, origin, stat);
    if (displaced === null) unlessDiskFails(() => removeTree(disk, bench.replacing, id));
    else displaced.undo();
    if (cause instanceof DiskError && cause.code === 'not-found') return null;
    throw cause;
  }
  const stat = disk.lstat(`${folder}/${ITEM_NAME}`);
  if (stat === null) throw new DiskError('not-found', 'displace');
  const displaced = new Displaced(bench, id, origin, stat);
  if (isSame(stat, known, 'without ctime')) return displaced;
  displaced.undo();
  return null;
}

/**
 * After a start: what was taken from its place and not replaced goes back, the rest to the local trash.
 * Returns how many went back. Throws DiskError.
 */
export function recoverDisplaced(disk: Disk, root: string): number {
  return withFolder(disk, root, REPLACING, (replacing) =>
    withFolder(disk, root, TRASH, (trash) => {
      const bench: Bench = { disk, replacing, trash };
      let restored = 0;
      for (const { name, stat } of disk.list(disk.inFolder(replacing, '.')).entries) {
        if (stat.type === 'folder') restored += recoverOne(bench, root, name) ? 1 : 0;
        // A staged file on its way into place: it may share its inode with the file in place, so it is
        // removed and never opened.
        else disk.removeFile(disk.inFolder(replacing, name));
      }
      return restored;
    }),
  );
}

function recoverOne(bench: Bench, root: string, id: string): boolean {
  const { disk, replacing } = bench;
  const entry = disk.openFolder(disk.inFolder(replacing, id));
  let record: TrashRecord | null;
  let stat: DiskStat | null;
  try {
    record = readTrashRecord(disk, entry);
    stat = disk.lstat(disk.inFolder(entry, ITEM_NAME));
  } finally {
    disk.close(entry);
  }
  if (stat === null) {
    removeTree(disk, replacing, id);
    return false;
  }
  if (record?.to !== undefined && isAt(bench, root, record.to, id, stat)) {
    removeTree(disk, replacing, id);
    return false;
  }
  const back = record !== null && putBack(bench, root, id, record.path, stat);
  if (back) removeTree(disk, replacing, id);
  else disk.rename(disk.inFolder(replacing, id), disk.inFolder(bench.trash, id));
  return back;
}

/** The move was done but for the old name: put back too, it would be there twice, and one in the way of the other. */
function isAt(bench: Bench, root: string, path: string, id: string, stat: DiskStat): boolean {
  const { disk } = bench;
  const item = `${disk.inFolder(bench.replacing, id)}/${ITEM_NAME}`;
  try {
    const [folder, name] = splitPath(path);
    return withFolder(disk, root, folder, (parent) => {
      const at = disk.inFolder(parent, name);
      const there = disk.lstat(at);
      if (there?.type !== stat.type) return false;
      if (stat.type === 'symlink') return disk.readLink(at) === disk.readLink(item);
      return there.ino === stat.ino && there.dev === stat.dev;
    });
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    return false; // nothing is known of the place, so the old one is the safe one
  }
}

function putBack(bench: Bench, root: string, id: string, path: string, stat: DiskStat): boolean {
  const { disk } = bench;
  const item = `${disk.inFolder(bench.replacing, id)}/${ITEM_NAME}`;
  return unlessPlaceGone(() => {
    const [folder, name] = splitPath(path);
    return withFolder(
      disk,
      root,
      folder,
      (parent) => putAt(disk, item, disk.inFolder(parent, name), stat.type) === 'put',
    );
  });
}
