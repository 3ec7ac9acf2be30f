/**
 * A disk in memory for the simulation. Knobs: case and Unicode sensitivity, illegal characters, time
 * granularity, inode reuse, hard and symbolic links, capacity, read-only, unmounted folders, failing calls,
 * power loss. The world stops between any two calls: `before` may act as another program, or throw to kill the
 * caller there; `changed` stands for the watcher.
 */
import {
  DiskError,
  type DirectoryListing,
  type Disk,
  type DiskErrorCode,
  type DiskStat,
  type OpenMode,
} from '../../sync-engine/local-fs/disk.ts';
import { SimFiles, type SimNode } from './sim-files.ts';

export interface SimDiskOptions {
  /** In [0, 1); decides what a power loss loses. */
  readonly random: () => number;
  /** Microseconds since 1970. */
  readonly nowUs: () => number;
  readonly caseSensitive: boolean;
  /** Whether NFC and NFD spellings are two names. */
  readonly unicodeSensitive: boolean;
  /** Characters no name may hold, besides `/` and NUL. */
  readonly illegal: string;
  readonly symlinks: boolean;
  readonly hardLinks: boolean;
  readonly mtimeGranularityUs: number;
  readonly reusesInodes: boolean;
  readonly capacityBytes: number;
  /** Whether permission bits bind, as for everyone but root. */
  readonly enforcesModes: boolean;
}

export type DiskCall = keyof Disk;

export interface SimDiskHooks {
  /** Before every call. `path` is where the call acts, '' when it has a handle. Calls from here do not come back here. */
  before?(call: DiskCall, path: string): void;
  /** After a change; absolute path of what changed. */
  changed?(path: string): void;
}

const NO_HOOKS: SimDiskHooks = {};
const MAX_LINKS = 40;
const HELD = '.held';

interface Handle {
  readonly node: SimNode;
  readonly path: string;
  readonly writable: boolean;
}

/** Where a path leads: a name in a folder, and what is there. `node` of the root folder has no folder. */
interface Place {
  readonly folder: SimNode | null;
  readonly name: string;
  readonly key: string;
  readonly node: SimNode | undefined;
}

export class SimDisk implements Disk {
  readonly #options: SimDiskOptions;
  readonly #files: SimFiles;
  readonly #handles = new Map<number, Handle>();
  #lastHandle = 2;
  #inHook = false;
  #failures: { code: DiskErrorCode; call: DiskCall | null; times: number }[] = [];

  hooks: SimDiskHooks = NO_HOOKS;
  readOnly = false;
  /** What it holds at most, from now on. */
  capacityBytes: number;
  /** Absolute paths of folders whose disk is gone: nothing is found there. */
  readonly unmounted = new Set<string>();

  constructor(options: Partial<SimDiskOptions> = {}) {
    let clockUs = 1_700_000_000_000_000;
    this.#options = {
      random: () => 0.5,
      nowUs: () => (clockUs += 1_000),
      caseSensitive: true,
      unicodeSensitive: true,
      illegal: '',
      symlinks: true,
      hardLinks: true,
      mtimeGranularityUs: 1,
      reusesInodes: false,
      capacityBytes: Number.MAX_SAFE_INTEGER,
      enforcesModes: true,
      ...options,
    };
    this.capacityBytes = this.#options.capacityBytes;
    this.#files = new SimFiles(this.#options);
  }

  /** The next calls (of one kind, or any) fail with the code. */
  failNext(code: DiskErrorCode, call: DiskCall | null = null, times = 1): void {
    this.#failures.push({ code, call, times });
  }

  /** The process is gone: its handles are closed, all it wrote stays. What was to fail for it fails for nobody else. */
  kill(): void {
    this.#handles.clear();
    this.#failures = [];
  }

  /** The power went: what was not flushed may be lost, old or zeros. */
  crash(): void {
    this.#handles.clear();
    this.#failures = [];
    this.#files.losePower();
  }

  get mtimeGranularityUs(): number {
    return this.#options.mtimeGranularityUs;
  }

  get usedBytes(): number {
    return this.#files.usedBytes;
  }

  get openHandles(): number {
    return this.#handles.size;
  }

  lstat(path: string): DiskStat | null {
    this.#enter('lstat', path);
    try {
      const { node } = this.#resolve('lstat', path);
      return node === undefined ? null : statOf(node);
    } catch (cause) {
      if (cause instanceof DiskError && cause.code === 'not-found') return null;
      throw cause;
    }
  }

  list(path: string): DirectoryListing {
    this.#enter('list', path);
    const folder = this.#folderAt('list', path);
    this.#permit('list', folder, 0o400);
    const entries = this.#files.entries(folder).map(({ name, node }) => ({ name, stat: statOf(node) }));
    return { entries, invalid: [] };
  }

  readLink(path: string): string {
    this.#enter('readLink', path);
    const { node } = this.#resolve('readLink', path);
    if (node?.type !== 'symlink') throw new DiskError('not-found', 'readLink');
    return new TextDecoder().decode(node.data.subarray(0, node.size));
  }

  open(path: string, mode: OpenMode): number {
    this.#enter('open', path);
    const place = this.#resolve('open', path);
    if (mode === 'create') {
      const node = this.#create('open', place, 'file', 0o600);
      this.#changed(path, node);
      return this.#handle(node, path, true);
    }
    const { node } = place;
    if (node === undefined) throw new DiskError('not-found', 'open');
    if (node.type === 'symlink') throw new DiskError('is-a-link', 'open');
    if (node.type === 'folder' && mode === 'update') throw new DiskError('is-a-folder', 'open');
    if (mode === 'update') this.#writable('open');
    this.#permit('open', node, mode === 'update' ? 0o600 : 0o400);
    return this.#handle(node, path, mode === 'update');
  }

  stat(handle: number): DiskStat {
    this.#enter('stat', '');
    return statOf(this.#held(handle).node);
  }

  read(handle: number, buffer: Uint8Array, position: number): number {
    this.#enter('read', '');
    const { node } = this.#held(handle);
    if (node.type === 'folder') throw new DiskError('is-a-folder', 'read');
    const part = node.data.subarray(position, Math.min(position + buffer.length, node.size));
    buffer.set(part);
    return part.length;
  }

  write(handle: number, bytes: Uint8Array, position: number): void {
    this.#enter('write', '');
    const { node, path } = this.#writing('write', handle);
    const size = Math.max(node.size, position + bytes.length);
    this.#ensureSpace('write', size - node.size);
    this.#files.resize(node, size);
    node.data.set(bytes, position);
    this.#wrote(node);
    this.#changed(path, node);
  }

  truncate(handle: number, size: number): void {
    this.#enter('truncate', '');
    const { node, path } = this.#writing('truncate', handle);
    this.#ensureSpace('truncate', size - node.size);
    this.#files.resize(node, size);
    this.#wrote(node);
    this.#changed(path, node);
  }

  sync(handle: number): void {
    this.#enter('sync', '');
    const { node } = this.#held(handle);
    if (node.type === 'file') this.#files.sync(node);
    else this.#files.flushNames();
  }

  close(handle: number): void {
    // Closing is no moment of its own: a hook that throws here would leak, as no process can.
    this.#held(handle);
    this.#handles.delete(handle);
  }

  makeFolder(path: string, mode: number): void {
    this.#enter('makeFolder', path);
    this.#changed(path, this.#create('makeFolder', this.#resolve('makeFolder', path), 'folder', mode));
  }

  makeLink(target: string, path: string): void {
    this.#enter('makeLink', path);
    if (!this.#options.symlinks) throw new DiskError('unsupported', 'makeLink');
    if (target === '') throw new DiskError('not-found', 'makeLink');
    const node = this.#create('makeLink', this.#resolve('makeLink', path), 'symlink', 0o777);
    node.data = new TextEncoder().encode(target);
    node.size = node.data.length;
    this.#changed(path, node);
  }

  makeHardLink(path: string, newPath: string): void {
    this.#enter('makeHardLink', newPath);
    if (!this.#options.hardLinks) throw new DiskError('unsupported', 'makeHardLink');
    const { node } = this.#resolve('makeHardLink', path);
    if (node === undefined) throw new DiskError('not-found', 'makeHardLink');
    if (node.type === 'folder') throw new DiskError('unsupported', 'makeHardLink');
    const place = this.#resolve('makeHardLink', newPath);
    const folder = this.#vacant('makeHardLink', place);
    this.#files.change([{ folder, key: place.key, entry: { name: place.name, node } }]);
    this.#touch(folder);
    node.ctimeUs = this.#now();
    this.#changed(newPath, node);
  }

  rename(from: string, to: string): void {
    this.#enter('rename', to);
    this.#writable('rename');
    const source = this.#resolve('rename', from);
    const target = this.#resolve('rename', to);
    const { node } = source;
    if (
      node === undefined ||
      source.folder === null ||
      target.folder === null ||
      this.#isRemoved(target.folder)
    ) {
      throw new DiskError('not-found', 'rename');
    }
    this.#permit('rename', source.folder, 0o200);
    this.#permit('rename', target.folder, 0o200);
    this.#checkName('rename', target.name);
    if (node.type === 'folder' && this.#files.isWithin(target.folder, node)) {
      throw new DiskError('unsupported', 'rename');
    }
    // Its entry `..` changes.
    if (node.type === 'folder' && source.folder !== target.folder) this.#permit('rename', node, 0o200);
    if (target.node !== undefined && target.node !== node) this.#ensureReplaceable(node, target.node);
    const isSameName = source.folder === target.folder && source.key === target.key;
    if (target.node === node && !isSameName) return; // two hard links of one file: nothing happens
    const put = { folder: target.folder, key: target.key, entry: { name: target.name, node } };
    // Where case does not count, it is the same entry under another spelling.
    if (isSameName) this.#files.change([put]);
    else this.#files.change([{ folder: source.folder, key: source.key, entry: null }, put]);
    this.#touch(source.folder);
    this.#touch(target.folder);
    node.ctimeUs = this.#now();
    this.#changed(from);
    this.#changed(to, node);
  }

  removeFile(path: string): void {
    this.#enter('removeFile', path);
    const place = this.#resolve('removeFile', path);
    if (place.node?.type === 'folder') throw new DiskError('is-a-folder', 'removeFile');
    this.#remove('removeFile', place);
    this.#changed(path);
  }

  removeFolder(path: string): void {
    this.#enter('removeFolder', path);
    const place = this.#resolve('removeFolder', path);
    if (place.node !== undefined && place.node.type !== 'folder') {
      throw new DiskError('not-a-folder', 'removeFolder');
    }
    if (place.node !== undefined && this.#files.entries(place.node).length > 0) {
      throw new DiskError('not-empty', 'removeFolder');
    }
    this.#remove('removeFolder', place);
    this.#changed(path);
  }

  setMode(path: string, mode: number): void {
    this.#enter('setMode', path);
    const node = this.#existing('setMode', path);
    if (node.type === 'symlink') throw new DiskError('is-a-link', 'setMode');
    node.mode = mode & 0o777;
    node.ctimeUs = this.#now();
    this.#changed(path, node);
  }

  setMtime(path: string, mtimeUs: number): void {
    this.#enter('setMtime', path);
    const node = this.#existing('setMtime', path);
    node.mtimeUs = this.#coarse(mtimeUs);
    node.ctimeUs = this.#now();
    this.#changed(path, node);
  }

  openFolder(path: string): number {
    this.#enter('openFolder', path);
    const { node } = this.#resolve('openFolder', path);
    if (node === undefined) throw new DiskError('not-found', 'openFolder');
    if (node.type === 'symlink') throw new DiskError('is-a-link', 'openFolder');
    if (node.type !== 'folder') throw new DiskError('not-a-folder', 'openFolder');
    this.#permit('openFolder', node, 0o400);
    return this.#handle(node, path, false);
  }

  inFolder(handle: number, name: string): string {
    const { node } = this.#held(handle);
    if (node.type !== 'folder') throw new Error('inFolder: not a held folder');
    return `/${HELD}/${handle}/${name}`;
  }

  flush(path: string, everything: boolean): void {
    this.#enter('flush', path);
    this.#folderAt('flush', path);
    if (everything) this.#files.flush();
    else this.#files.flushNames();
  }

  freeBytes(path: string): number {
    this.#enter('freeBytes', path);
    this.#existing('freeBytes', path, false);
    return Math.max(0, this.capacityBytes - this.#files.usedBytes);
  }

  #enter(call: DiskCall, path: string): void {
    if (!this.#inHook && this.hooks.before !== undefined) {
      this.#inHook = true;
      try {
        this.hooks.before(call, path);
      } finally {
        this.#inHook = false;
      }
    }
    const failure = this.#inHook
      ? undefined
      : this.#failures.find((one) => one.call === null || one.call === call);
    if (failure === undefined) return;
    failure.times -= 1;
    if (failure.times === 0) this.#failures = this.#failures.filter((one) => one !== failure);
    throw new DiskError(failure.code, call);
  }

  #changed(path: string, node?: SimNode): void {
    const { changed } = this.hooks;
    if (changed === undefined) return;
    changed(node?.type === 'folder' ? this.#pathOf(node) : this.#realPath(path));
  }

  /** With what a held folder stands for. */
  #realPath(path: string): string {
    const [, first, handle, ...rest] = path.split('/');
    if (first !== HELD) return path;
    const names = rest.filter((name) => name !== '.');
    return [this.#pathOf(this.#held(Number(handle)).node), ...names].join('/');
  }

  #pathOf(node: SimNode): string {
    return node.parent === null ? '' : `${this.#pathOf(node.parent)}/${this.#files.nameOf(node)}`;
  }

  #resolve(call: DiskCall, path: string, depth = 0): Place {
    if (depth > MAX_LINKS) throw new DiskError('is-a-link', call);
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    let folder = this.#files.root;
    if (names[0] === HELD) {
      folder = this.#held(Number(names[1])).node;
      names.splice(0, 2);
    } else if ([...this.unmounted].some((gone) => path === gone || path.startsWith(`${gone}/`))) {
      throw new DiskError('not-found', call);
    }
    const last = names.pop();
    if (last === undefined) return { folder: folder.parent, name: '', key: '', node: folder };
    for (const [index, name] of names.entries()) {
      const node = this.#step(folder, name);
      if (node?.type === 'symlink') {
        const target = new TextDecoder().decode(node.data.subarray(0, node.size));
        const base = target.startsWith('/') ? target : `${this.#pathOf(folder)}/${target}`;
        return this.#resolve(call, [base, ...names.slice(index + 1), last].join('/'), depth + 1);
      }
      if (node?.type !== 'folder') throw new DiskError('not-found', call);
      folder = node;
    }
    if (last === '..') return { folder: null, name: '', key: '', node: folder.parent ?? folder };
    const key = this.#key(last);
    return { folder, name: last, key, node: this.#files.child(folder, key) };
  }

  #step(folder: SimNode, name: string): SimNode | undefined {
    return name === '..' ? (folder.parent ?? folder) : this.#files.child(folder, this.#key(name));
  }

  #key(name: string): string {
    const composed = this.#options.unicodeSensitive ? name : name.normalize('NFC');
    return this.#options.caseSensitive ? composed : composed.toUpperCase();
  }

  #existing(call: DiskCall, path: string, writes = true): SimNode {
    if (writes) this.#writable(call);
    const { node } = this.#resolve(call, path);
    if (node === undefined) throw new DiskError('not-found', call);
    return node;
  }

  /** Follows a link, as the system does for a folder to list. */
  #folderAt(call: DiskCall, path: string): SimNode {
    const place = this.#resolve(call, path);
    // A name below it makes a link a step on the way.
    const node = place.node?.type === 'symlink' ? this.#resolve(call, `${path}/..x`).folder : place.node;
    if (node === undefined || node === null) throw new DiskError('not-found', call);
    if (node.type !== 'folder') throw new DiskError('not-a-folder', call);
    return node;
  }

  #create(call: DiskCall, place: Place, type: SimNode['type'], mode: number): SimNode {
    const folder = this.#vacant(call, place);
    const node = this.#files.create(type, mode & 0o777, this.#coarse(this.#now()));
    this.#files.change([{ folder, key: place.key, entry: { name: place.name, node } }]);
    this.#touch(folder);
    return node;
  }

  #vacant(call: DiskCall, { folder, name, node }: Place): SimNode {
    this.#writable(call);
    if (node !== undefined) throw new DiskError('exists', call);
    if (folder === null || this.#isRemoved(folder)) throw new DiskError('not-found', call);
    this.#checkName(call, name);
    this.#permit(call, folder, 0o200);
    this.#ensureSpace(call, 0);
    return folder;
  }

  /** Held still, but nothing can be made in it. */
  #isRemoved(folder: SimNode): boolean {
    return folder.links === 0;
  }

  #remove(call: DiskCall, { folder, key, node }: Place): void {
    this.#writable(call);
    if (node === undefined) throw new DiskError('not-found', call);
    if (folder === null) throw new DiskError('busy', call);
    this.#permit(call, folder, 0o200);
    this.#files.change([{ folder, key, entry: null }]);
    node.ctimeUs = this.#now();
    this.#touch(folder);
  }

  #ensureReplaceable(node: SimNode, target: SimNode): void {
    if (target.type !== 'folder') {
      if (node.type === 'folder') throw new DiskError('not-a-folder', 'rename');
      return;
    }
    if (node.type !== 'folder') throw new DiskError('is-a-folder', 'rename');
    if (this.#files.entries(target).length > 0) throw new DiskError('not-empty', 'rename');
  }

  #checkName(call: DiskCall, name: string): void {
    if (Buffer.byteLength(name) > 255) throw new DiskError('name-too-long', call);
    const illegal = Array.from(name).some(
      (letter) => letter === '\0' || this.#options.illegal.includes(letter),
    );
    if (illegal) throw new DiskError('illegal-name', call);
  }

  #writable(call: DiskCall): void {
    if (this.readOnly) throw new DiskError('read-only', call);
  }

  #permit(call: DiskCall, node: SimNode, bits: number): void {
    if (this.#options.enforcesModes && (node.mode & bits) !== bits) throw new DiskError('permission', call);
  }

  /** A full disk takes no name either. */
  #ensureSpace(call: DiskCall, bytes: number): void {
    const free = this.capacityBytes - this.#files.usedBytes;
    if (bytes > free || free <= 0) throw new DiskError('full', call);
  }

  #wrote(node: SimNode): void {
    node.synced = false;
    node.ctimeUs = this.#now();
    node.mtimeUs = this.#coarse(node.ctimeUs);
  }

  #touch(folder: SimNode): void {
    folder.ctimeUs = this.#now();
    folder.mtimeUs = this.#coarse(folder.ctimeUs);
  }

  #now(): number {
    return this.#options.nowUs();
  }

  #coarse(us: number): number {
    const unit = this.#options.mtimeGranularityUs;
    return Math.floor(us / unit) * unit;
  }

  #handle(node: SimNode, path: string, writable: boolean): number {
    this.#lastHandle += 1;
    this.#handles.set(this.#lastHandle, { node, path: this.#realPath(path), writable });
    return this.#lastHandle;
  }

  #held(handle: number): Handle {
    const held = this.#handles.get(handle);
    if (held === undefined) throw new Error('a handle that is not open');
    return held;
  }

  #writing(call: DiskCall, handle: number): Handle {
    const held = this.#held(handle);
    if (!held.writable) throw new DiskError('permission', call);
    this.#writable(call);
    return held;
  }
}

function statOf(node: SimNode): DiskStat {
  const { mode, size, mtimeUs, ctimeUs, birthUs, ino, links, type } = node;
  return { type, mode, size, mtimeUs, ctimeUs, birthUs, ino, dev: 1, links };
}
