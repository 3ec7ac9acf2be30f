/**
 * Changes from elsewhere, done to the disk. Every operation looks again right before it acts, and acts in
 * folders it holds, reached without following a link: on Linux nothing can be written outside the pair even
 * while another program swaps a folder for a link. On systems without paths into a held folder the time
 * between the look and the act, some microseconds, remains.
 *
 * Nothing the plan did not see is overwritten or thrown away: what is in a place is first taken out of it
 * (displace.ts), and the new thing comes where nothing is (place.ts).
 *
 * A folder that may not be written still gets its children: it is opened up for the one call and closed again,
 * so the order of a plan need not care about modes.
 */
import {
  applied,
  asPlaced,
  blocked,
  Ended,
  onlyName,
  rememberedOf,
  splitOrEnd,
  stale,
} from './apply-outcome.ts';
import type { ApplyContext, ApplyOperation, ApplyResult } from './apply-types.ts';
import { DiskError, type Disk, type DiskStat } from './disk.ts';
import { displace, unlessDiskFails, type Bench, type Displaced } from './displace.ts';
import { openBelow } from './inside.ts';
import { timeKey, type TrashRecord } from './local-trash.ts';
import { trashParked } from './parked.ts';
import { putAt, renameWhole } from './place.ts';
import { checkRoot, PARKED, REPLACING, STAGING, TRASH } from './root-marker.ts';
import { finishStagedFolder, makeStagedFolder } from './staged-folder.ts';
import { compareTree, isSame, removeTree, type KnownEntry, type KnownStat } from './subtree.ts';

/**
 * Does the operations in order, each on its own: one that cannot be done does not stop the next. One result
 * each. Never throws for the state of the disk.
 */
export function applyBatch(
  disk: Disk,
  context: ApplyContext,
  operations: readonly ApplyOperation[],
): ApplyResult[] {
  const check = checkRoot(disk, context.root, context.expected);
  if (check.state !== 'ok') return operations.map(() => blocked(check.state));
  const handles: number[] = [];
  const hold = (folder: string): number => {
    const handle = openBelow(disk, context.root, folder);
    handles.push(handle);
    return handle;
  };
  try {
    const [staging, parked] = [hold(STAGING), hold(PARKED)];
    const bench: Bench = { disk, replacing: hold(REPLACING), trash: hold(TRASH) };
    const applier = new Applier(disk, context, bench, staging, parked);
    return operations.map((operation) => applier.apply(operation));
  } catch (cause) {
    // Only the holding above throws DiskError here.
    if (cause instanceof DiskError) return operations.map(() => blocked('missing'));
    throw cause;
  } finally {
    for (const handle of handles) disk.close(handle);
  }
}

class Applier {
  readonly #disk: Disk;
  readonly #context: ApplyContext;
  readonly #bench: Bench;
  readonly #staging: number;
  readonly #parked: number;
  #count = 0;

  constructor(disk: Disk, context: ApplyContext, bench: Bench, staging: number, parked: number) {
    this.#disk = disk;
    this.#context = context;
    this.#bench = bench;
    this.#staging = staging;
    this.#parked = parked;
  }

  apply(operation: ApplyOperation): ApplyResult {
    try {
      return rememberedOf(this.#run(operation), this.#context.capabilities.mtimeGranularityUs);
    } catch (cause) {
      if (cause instanceof Ended) return cause.result;
      if (cause instanceof DiskError) return blocked(cause.code);
      throw cause;
    }
  }

  #run(operation: ApplyOperation): ApplyResult {
    switch (operation.kind) {
      case 'make-folder':
        return this.#at(operation.path, (path) => this.#makeFolder(path, operation.mode));
      case 'place-file':
        return this.#at(operation.path, (path) => this.#placeFile(path, operation));
      case 'place-link':
        return this.#at(operation.path, (path) => this.#placeLink(path, operation));
      case 'stage-folder':
        return this.#stageFolder(operation);
      case 'drop-staged':
        removeTree(this.#disk, this.#staging, onlyName(operation.staged));
        return applied(null);
      case 'place-folder':
        return this.#at(operation.path, (path) => this.#placeFolder(path, operation));
      case 'move':
        return this.#at(operation.from, (from) =>
          this.#at(operation.to, (to) => this.#move(from, to, operation)),
        );
      case 'park':
        return this.#at(operation.path, (path) => this.#park(path, operation));
      case 'unpark':
        return this.#at(operation.path, (path) => this.#unpark(path, operation.id));
      case 'trash-parked':
        return this.#trashParked(operation.id, operation.path);
      case 'set-attributes':
        return this.#at(operation.path, (path) => this.#setAttributes(path, operation));
      case 'remove':
        return this.#at(operation.path, (path) => this.#remove(path, operation));
    }
  }

  #makeFolder(path: string, mode: number): ApplyResult {
    this.#expect(path, null);
    try {
      this.#disk.makeFolder(path, mode);
    } catch (cause) {
      if (cause instanceof DiskError && cause.code === 'exists')
        return stale('taken', this.#disk.lstat(path));
      throw cause;
    }
    this.#setMode(path, mode); // what the umask took
    return applied(this.#disk.lstat(path));
  }

  #placeFile(path: string, operation: Extract<ApplyOperation, { kind: 'place-file' }>): ApplyResult {
    this.#expect(path, operation.known);
    const staged = this.#takeStaged(operation);
    try {
      const result = this.#replace(path, operation.path, operation.known, () =>
        putAt(this.#disk, staged.path, path, 'file'),
      );
      if (result !== null) {
        staged.giveBack();
        return result;
      }
    } catch (cause) {
      staged.giveBack();
      throw cause;
    }
    return applied(asPlaced(staged.stat, this.#disk.lstat(path)));
  }

  #placeLink(path: string, operation: Extract<ApplyOperation, { kind: 'place-link' }>): ApplyResult {
    this.#expect(path, operation.known);
    const result = this.#replace(path, operation.path, operation.known, () => {
      try {
        this.#disk.makeLink(operation.target, path);
        return 'put';
      } catch (cause) {
        if (cause instanceof DiskError && cause.code === 'exists') return 'taken';
        throw cause;
      }
    });
    return result ?? applied(this.#disk.lstat(path));
  }

  /** Puts something in a place, taking out first what is known to be there. Null when done. */
  #replace(
    path: string,
    origin: string,
    known: KnownStat | null,
    putNew: () => 'put' | 'taken',
  ): ApplyResult | null {
    if (known === null) return putNew() === 'put' ? null : stale('taken', this.#disk.lstat(path));
    if (known.type === 'folder') return stale('changed', this.#disk.lstat(path));
    const old = this.#displace(path, known, this.#record(origin, 'replaced', known.size));
    if (old === null) return stale('changed', this.#disk.lstat(path));
    let put: 'put' | 'taken';
    try {
      put = putNew();
    } catch (cause) {
      old.undo();
      throw cause;
    }
    if (put === 'put') {
      old.keep();
      return null;
    }
    old.undo(); // goes to the trash: something else is there
    return stale('taken', this.#disk.lstat(path));
  }

  #stageFolder({ staged, inside }: Extract<ApplyOperation, { kind: 'stage-folder' }>): ApplyResult {
    const name = onlyName(staged);
    for (const { path } of inside) splitOrEnd(path);
    makeStagedFolder(this.#disk, this.#staging, name, inside);
    return applied(this.#disk.lstat(this.#disk.inFolder(this.#staging, name)));
  }

  #placeFolder(path: string, operation: Extract<ApplyOperation, { kind: 'place-folder' }>): ApplyResult {
    this.#expect(path, null);
    const { modes } = this.#context.capabilities;
    const staged = this.#stagedPath(operation.staged);
    const inside = finishStagedFolder(this.#disk, staged, operation.inside, modes);
    if (inside === null) return blocked('staging');
    // A folder that may not be written cannot be moved elsewhere, and gets its mode only then.
    const isWritable = (operation.mode & 0o300) === 0o300;
    if (isWritable) this.#setMode(staged, operation.mode);
    if (putAt(this.#disk, staged, path, 'folder') === 'taken') return stale('taken', this.#disk.lstat(path));
    if (!isWritable) this.#setMode(path, operation.mode);
    return { outcome: 'applied', stat: this.#disk.lstat(path), inside };
  }

  #move(from: string, to: string, operation: Extract<ApplyOperation, { kind: 'move' }>): ApplyResult {
    const { known } = operation;
    const found = this.#expect(from, known);
    const target = this.#disk.lstat(to);
    // The same thing under both names: only the case or the spelling changes, or it is a second hard link,
    // which putAt finds in the way.
    const isItself = target !== null && target.ino === found?.ino && target.dev === found.dev;
    if (target !== null && !isItself) return stale('taken', target);
    if (known.type === 'folder') {
      renameWhole(this.#disk, from, to);
      return applied(this.#disk.lstat(to));
    }
    const record = { ...this.#record(operation.from, 'moved', known.size), to: operation.to };
    const taken = this.#displace(from, known, record);
    if (taken === null) return stale('changed', this.#disk.lstat(from));
    try {
      if (putAt(this.#disk, taken.path, to, taken.stat.type) === 'taken') {
        taken.undo();
        return stale('taken', this.#disk.lstat(to));
      }
    } catch (cause) {
      taken.undo();
      throw cause;
    }
    taken.forget();
    return applied(asPlaced(taken.stat, this.#disk.lstat(to)));
  }

  #park(path: string, operation: Extract<ApplyOperation, { kind: 'park' }>): ApplyResult {
    this.#expect(path, operation.known);
    const parked = this.#disk.inFolder(this.#parked, onlyName(operation.id));
    if (this.#disk.lstat(parked) !== null) return blocked('exists');
    renameWhole(this.#disk, path, parked);
    const stat = this.#disk.lstat(parked);
    if (stat === null || isSame(stat, operation.known, 'without ctime')) return applied(stat);
    // Changed in between: back to where it was. If that place is taken again, it stays parked, in safety.
    if (putAt(this.#disk, parked, path, stat.type) === 'taken') return applied(stat);
    return stale('changed', stat);
  }

  #unpark(path: string, id: string): ApplyResult {
    const parked = this.#disk.inFolder(this.#parked, onlyName(id));
    const stat = this.#disk.lstat(parked);
    if (stat === null) return stale('missing', null);
    if (putAt(this.#disk, parked, path, stat.type) === 'taken') return stale('taken', this.#disk.lstat(path));
    return applied(asPlaced(stat, this.#disk.lstat(path)));
  }

  /** Nobody knows what came into it since: all of it is kept. */
  #trashParked(name: string, path: string): ApplyResult {
    const stat = this.#disk.lstat(this.#disk.inFolder(this.#parked, onlyName(name)));
    if (stat === null) return applied(null);
    const { root, nowMs } = this.#context;
    trashParked(this.#disk, root, { name, stat }, { entry: this.#nextId(), path, nowMs });
    return applied(null);
  }

  #setAttributes(path: string, operation: Extract<ApplyOperation, { kind: 'set-attributes' }>): ApplyResult {
    const found = this.#expect(path, operation.known);
    if (found !== null && found.type !== 'symlink' && found.mode !== operation.mode) {
      this.#setMode(path, operation.mode);
    }
    if (operation.mtimeUs !== null && found?.type === 'file') this.#disk.setMtime(path, operation.mtimeUs);
    return applied(this.#disk.lstat(path));
  }

  #remove(path: string, operation: Extract<ApplyOperation, { kind: 'remove' }>): ApplyResult {
    const { known, inside } = operation;
    this.#expect(path, known);
    const before = this.#difference(path, known, inside);
    if (before !== null) return before;
    const sizes = [known, ...inside.map((entry) => entry.stat)].map((stat) =>
      stat.type === 'file' ? stat.size : 0,
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const taken = this.#displace(path, known, this.#record(operation.path, 'removed', bytes));
    if (taken === null) return stale('changed', this.#disk.lstat(path));
    // Once more where no path leads any longer: a file may have come in while the first look was going on.
    const after = this.#difference(taken.path, known, inside);
    if (after !== null) {
      taken.undo();
      return after;
    }
    try {
      taken.trash();
    } catch (cause) {
      // Nothing takes its place: recovery would put it back there, where it would look new.
      taken.undo();
      throw cause;
    }
    return applied(null);
  }

  #difference(path: string, known: KnownStat, inside: readonly KnownEntry[]): ApplyResult | null {
    if (known.type !== 'folder') return null;
    const handle = this.#disk.openFolder(path);
    try {
      const difference = compareTree(this.#disk, handle, inside);
      return difference === null ? null : stale(difference, null);
    } finally {
      this.#disk.close(handle);
    }
  }

  /**
   * Moves a staged file out of `staging` before it gets a second name: what is in staging may be written to by
   * a later download, and must never share its bytes with a file in place.
   */
  #takeStaged(operation: Extract<ApplyOperation, { kind: 'place-file' }>): Staged {
    const staged = this.#stagedPath(operation.staged);
    const found = this.#disk.lstat(staged);
    if (found?.type !== 'file' || found.links !== 1) throw new Ended(blocked('staging'));
    const path = this.#disk.inFolder(this.#bench.replacing, `${this.#nextId()}.new`);
    this.#disk.rename(staged, path);
    const giveBack = (): void => unlessDiskFails(() => this.#disk.rename(path, staged));
    try {
      if (found.mode !== operation.mode) this.#setMode(path, operation.mode);
      if (found.mtimeUs !== operation.mtimeUs) this.#disk.setMtime(path, operation.mtimeUs);
      const stat = this.#disk.lstat(path);
      if (stat === null) throw new DiskError('not-found', 'lstat');
      return { path, stat, giveBack };
    } catch (cause) {
      giveBack();
      throw cause;
    }
  }

  #stagedPath(staged: string): string {
    return this.#disk.inFolder(this.#staging, onlyName(staged));
  }

  #displace(path: string, known: KnownStat, record: TrashRecord): Displaced | null {
    return displace(this.#bench, this.#nextId(), path, known, record);
  }

  #record(path: string, why: TrashRecord['why'], bytes: number): TrashRecord {
    return { version: 1, path, why, atMs: this.#context.nowMs, bytes };
  }

  /** Sorts by time, for the trash. */
  #nextId(): string {
    this.#count += 1;
    return `${timeKey(this.#context.nowMs)}-${this.#context.batchId}-${this.#count.toString(36)}`;
  }

  #setMode(path: string, mode: number): void {
    if (this.#context.capabilities.modes) this.#disk.setMode(path, mode);
  }

  /** Looks whether at the path is what is known, and nothing when that is null; ends the operation if not. */
  #expect(path: string, known: KnownStat | null): DiskStat | null {
    const found = this.#disk.lstat(path);
    if (known === null) {
      if (found !== null) throw new Ended(stale('taken', found));
    } else if (found === null) {
      throw new Ended(stale('missing', null));
    } else if (!isSame(found, known, 'with ctime')) {
      throw new Ended(stale('changed', found));
    }
    return found;
  }

  /** Holds the folder of a path and runs the action on the name in it, opening up what may not be written. */
  #at(path: string, action: (path: string) => ApplyResult): ApplyResult {
    const [folder, name] = splitOrEnd(path);
    const handle = this.#holdParent(folder);
    try {
      const at = this.#disk.inFolder(handle, name);
      try {
        return action(at);
      } catch (cause) {
        if (!(cause instanceof DiskError && cause.code === 'permission')) throw cause;
        return this.#openedUp(this.#disk.inFolder(handle, '.'), cause, () => action(at));
      }
    } finally {
      this.#disk.close(handle);
    }
  }

  #openedUp(folder: string, cause: DiskError, action: () => ApplyResult): ApplyResult {
    const stat = this.#disk.lstat(folder);
    if (stat === null || (stat.mode & 0o300) === 0o300) throw cause;
    this.#disk.setMode(folder, stat.mode | 0o700);
    try {
      return action();
    } finally {
      this.#disk.setMode(folder, stat.mode);
    }
  }

  #holdParent(folder: string): number {
    try {
      return openBelow(this.#disk, this.#context.root, folder);
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause;
      if (cause.code === 'not-found') throw new Ended(stale('parent-missing', null));
      if (cause.code === 'is-a-link' || cause.code === 'not-a-folder')
        throw new Ended(blocked('parent-is-link'));
      throw cause;
    }
  }
}

interface Staged {
  readonly path: string;
  readonly stat: DiskStat;
  giveBack(): void;
}
