/** What a simulated disk holds, read behind everyone's back. */
import type { Disk, DiskStat } from '../../sync-engine/local-fs/disk.ts';

export interface FoundFile {
  /** Relative to where the walk began. */
  readonly path: string;
  readonly stat: DiskStat;
  /** Of a file its content, of a link its target, of a folder ''. */
  readonly text: string;
}

/** Everything beneath a folder, folders first, siblings by name; what `skip` names is not entered. */
export function findFiles(
  disk: Disk,
  root: string,
  skip: (path: string) => boolean = () => false,
): FoundFile[] {
  if (disk.lstat(root)?.type !== 'folder') return [];
  const found: FoundFile[] = [];
  const enter = (folder: string): void => {
    const { entries } = disk.list(folder === '' ? root : `${root}/${folder}`);
    const sorted = [...entries].sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const { name, stat } of sorted) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (skip(path)) continue;
      found.push({ path, stat, text: textOf(disk, `${root}/${path}`, stat) });
      if (stat.type === 'folder') enter(path);
    }
  };
  enter('');
  return found;
}

function textOf(disk: Disk, path: string, stat: DiskStat): string {
  if (stat.type === 'symlink') return disk.readLink(path);
  if (stat.type !== 'file') return '';
  const handle = disk.open(path, 'read');
  const bytes = new Uint8Array(stat.size);
  disk.read(handle, bytes, 0);
  disk.close(handle);
  return new TextDecoder('latin1').decode(bytes);
}

/** Writes or replaces a whole file, its bytes durable at once: a loss of power never changes
 * what a person wrote, at most takes it. */
export function writeFile(disk: Disk, path: string, text: string): void {
  const isNew = disk.lstat(path) === null;
  const handle = disk.open(path, isNew ? 'create' : 'update');
  disk.truncate(handle, 0);
  disk.write(handle, Buffer.from(text, 'latin1'), 0);
  disk.sync(handle);
  disk.close(handle);
  if (isNew) disk.setMode(path, 0o644);
  // Where one journal keeps all names, flushing a file flushes every change of a name before it.
  disk.flush('/', false);
}

export function removeAll(disk: Disk, path: string): void {
  const stat = disk.lstat(path);
  if (stat === null) return;
  if (stat.type !== 'folder') {
    disk.removeFile(path);
    return;
  }
  for (const { name } of disk.list(path).entries) removeAll(disk, `${path}/${name}`);
  disk.removeFolder(path);
}
