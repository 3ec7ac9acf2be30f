/** What the file system of a pair can hold, found out by trying it. */
import { DiskError, type Disk, type DiskErrorCode } from './disk.ts';
import { withFolder, writeNewFile } from './inside.ts';

export interface Capabilities {
  /** Whether `a` and `A` are two names. */
  readonly caseSensitive: boolean;
  /** Whether the composed and the decomposed spelling of a letter are two names. */
  readonly unicodeSensitive: boolean;
  /** Whether a name reads back in the spelling it was written in. */
  readonly unicodePreserving: boolean;
  readonly symlinks: boolean;
  readonly hardLinks: boolean;
  /** Whether permission bits read back as set. */
  readonly modes: boolean;
  /** The characters refused, of those that are refused anywhere. */
  readonly illegal: string;
  /** Whether the names of Windows apply: devices, no trailing dot or space. */
  readonly windowsNames: boolean;
  readonly mtimeGranularityUs: number;
}

/** Those of ext4, APFS in its case-sensitive form and every other file system that takes a name as bytes. */
export const POSIX_CAPABILITIES: Capabilities = {
  caseSensitive: true,
  unicodeSensitive: true,
  unicodePreserving: true,
  symlinks: true,
  hardLinks: true,
  modes: true,
  illegal: '',
  windowsNames: false,
  mtimeGranularityUs: 1,
};

const SUSPECTS = ['\\', ':', '<', '>', '"', '|', '?', '*', '\u0001'];
const COMPOSED = 'coffre-\u00e9';
const DECOMPOSED = 'coffre-e\u0301';
/** Exact to the microsecond, odd in every coarser unit. */
const TRIAL_MTIME_US = 1_234_567_891_234_567;

/**
 * Tries names, links, modes and times in a folder of its own below `root`/`folder` (use `.coffre`), and
 * removes it again. Throws DiskError when the folder cannot be written at all.
 */
export function probe(disk: Disk, root: string, folder: string): Capabilities {
  const name = 'probe';
  withFolder(disk, root, folder, (handle) => {
    clear(disk, disk.inFolder(handle, name));
    disk.makeFolder(disk.inFolder(handle, name), 0o700);
  });
  try {
    return withFolder(disk, root, `${folder}/${name}`, (handle) => tryAll(disk, handle));
  } finally {
    withFolder(disk, root, folder, (handle) => {
      clear(disk, disk.inFolder(handle, name));
    });
  }
}

function tryAll(disk: Disk, handle: number): Capabilities {
  const at = (name: string): string => disk.inFolder(handle, name);
  writeNewFile(disk, at('case'), new Uint8Array(1));
  writeNewFile(disk, at(COMPOSED), new Uint8Array(1));
  const names = disk.list(at('.')).entries.map((entry) => entry.name);
  return {
    caseSensitive: disk.lstat(at('CASE')) === null,
    unicodeSensitive: disk.lstat(at(DECOMPOSED)) === null,
    unicodePreserving: names.includes(COMPOSED),
    symlinks: works(() => disk.makeLink('case', at('link'))),
    hardLinks: works(() => disk.makeHardLink(at('case'), at('hard'))),
    modes: holdsModes(disk, at('case')),
    illegal: SUSPECTS.filter((character) => !holdsName(disk, handle, `x${character}x`)).join(''),
    windowsNames: !holdsName(disk, handle, 'dot.'),
    mtimeGranularityUs: granularity(disk, at('case')),
  };
}

/** Made, and there under that very name: Windows takes `x:x` for a stream of `x` and drops a trailing dot. */
function holdsName(disk: Disk, handle: number, name: string): boolean {
  const path = disk.inFolder(handle, name);
  if (!works(() => writeNewFile(disk, path, new Uint8Array(1)))) return false;
  const found = disk.list(disk.inFolder(handle, '.')).entries.some((entry) => entry.name === name);
  works(() => disk.removeFile(path));
  return found;
}

function holdsModes(disk: Disk, path: string): boolean {
  return [0o640, 0o755].every(
    (mode) => works(() => disk.setMode(path, mode)) && disk.lstat(path)?.mode === mode,
  );
}

/** Whether a disk that was given the one time (in microseconds) may show the other: FAT keeps two seconds, HFS+ one. */
export function isShownAs(givenUs: number, shownUs: number, granularityUs: number): boolean {
  return Math.abs(shownUs - givenUs) < granularityUs;
}

function granularity(disk: Disk, path: string): number {
  disk.setMtime(path, TRIAL_MTIME_US);
  const lost = Math.abs(TRIAL_MTIME_US - (disk.lstat(path)?.mtimeUs ?? 0));
  return [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].find((unit) => lost < unit) ?? 2_000_000;
}

const CANNOT: readonly DiskErrorCode[] = ['unsupported', 'permission', 'illegal-name', 'not-found', 'exists'];
/** Some file systems say `io` of what they cannot do, every time; a disk that fails says it now and then. */
const IO_TRIES = 4;

/** Whether the file system does it; a full or failing disk says nothing about that and is thrown. */
function works(action: () => void): boolean {
  for (let left = IO_TRIES - 1; ; left -= 1) {
    try {
      action();
      return true;
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause;
      // Made by the try before, which failed after that.
      if (cause.code === 'exists' && left < IO_TRIES - 1) return true;
      if (CANNOT.includes(cause.code)) return false;
      if (cause.code !== 'io') throw cause;
      if (left === 0) return false;
    }
  }
}

/** Removes a trial folder and its files; a killed process may have left one. */
function clear(disk: Disk, path: string): void {
  if (disk.lstat(path) === null) return;
  for (const entry of disk.list(path).entries) disk.removeFile(`${path}/${entry.name}`);
  disk.removeFolder(path);
}
