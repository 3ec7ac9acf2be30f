/** What every Disk must do: run by the real one and by the simulated one, so that they cannot drift apart. */
import { expect, it } from 'vitest';
import { DiskError, type Disk, type DiskErrorCode } from './disk.ts';

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An empty folder, absolute. */
  readonly root: string;
}

export function codeOf(action: () => unknown): DiskErrorCode | 'no error' {
  try {
    action();
    return 'no error';
  } catch (cause) {
    if (cause instanceof DiskError) return cause.code;
    throw cause;
  }
}

export function writeText(disk: Disk, path: string, text: string): void {
  const handle = disk.open(path, 'create');
  disk.write(handle, new TextEncoder().encode(text), 0);
  disk.close(handle);
}

export function readText(disk: Disk, path: string): string {
  const handle = disk.open(path, 'read');
  const bytes = new Uint8Array(disk.stat(handle).size);
  const count = disk.read(handle, bytes, 0);
  disk.close(handle);
  return new TextDecoder().decode(bytes.subarray(0, count));
}

export function acceptDisk(setUp: () => DiskUnderTest): void {
  const names = (disk: Disk, path: string): string[] =>
    disk
      .list(path)
      .entries.map((entry) => entry.name)
      .sort();

  it('answers null for what is not there, and for what is below a file', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/file`, 'x');
    expect(disk.lstat(`${root}/nothing`)).toBeNull();
    expect(disk.lstat(`${root}/nothing/below`)).toBeNull();
    expect(disk.lstat(`${root}/file/below`)).toBeNull();
    expect(disk.lstat(root)?.type).toBe('folder');
  });

  it('writes and reads at positions, and truncates', () => {
    const { disk, root } = setUp();
    const handle = disk.open(`${root}/f`, 'create');
    disk.write(handle, Uint8Array.of(1, 2, 3), 0);
    disk.write(handle, Uint8Array.of(9), 5);
    const buffer = new Uint8Array(10);
    expect(disk.read(handle, buffer, 0)).toBe(6);
    expect([...buffer.subarray(0, 6)]).toEqual([1, 2, 3, 0, 0, 9]);
    expect(disk.read(handle, buffer, 4)).toBe(2);
    expect(disk.read(handle, buffer, 6)).toBe(0);
    expect(disk.read(handle, buffer, 60)).toBe(0);
    disk.truncate(handle, 2);
    disk.truncate(handle, 4);
    expect(disk.read(handle, buffer, 0)).toBe(4);
    expect([...buffer.subarray(0, 4)]).toEqual([1, 2, 0, 0]);
    disk.sync(handle);
    expect(disk.stat(handle)).toMatchObject({ type: 'file', size: 4, links: 1 });
    disk.close(handle);
    expect(disk.lstat(`${root}/f`)?.size).toBe(4);
  });

  it('opens by mode', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/f`, 'old');
    expect(codeOf(() => disk.open(`${root}/f`, 'create'))).toBe('exists');
    expect(codeOf(() => disk.open(`${root}/none`, 'read'))).toBe('not-found');
    expect(codeOf(() => disk.open(`${root}/none`, 'update'))).toBe('not-found');
    expect(codeOf(() => disk.open(`${root}/none/f`, 'create'))).toBe('not-found');
    expect(codeOf(() => disk.open(`${root}/f/f`, 'create'))).toBe('not-found');
    expect(codeOf(() => disk.open(root, 'update'))).toBe('is-a-folder');
    const handle = disk.open(`${root}/f`, 'update');
    disk.write(handle, new TextEncoder().encode('n'), 0);
    disk.close(handle);
    expect(readText(disk, `${root}/f`)).toBe('nld');
    expect(disk.lstat(`${root}/f`)?.mode).toBe(0o600);
  });

  it('follows no link at the end of a path', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/f`, 'x');
    disk.makeFolder(`${root}/d`, 0o755);
    disk.makeLink('f', `${root}/to-file`);
    disk.makeLink('d', `${root}/to-folder`);
    disk.makeLink('nowhere/at all', `${root}/dangling`);
    for (const name of ['to-file', 'to-folder', 'dangling']) {
      expect(disk.lstat(`${root}/${name}`)).toMatchObject({ type: 'symlink' });
      expect(codeOf(() => disk.open(`${root}/${name}`, 'read'))).toBe('is-a-link');
      expect(codeOf(() => disk.open(`${root}/${name}`, 'update'))).toBe('is-a-link');
      expect(codeOf(() => disk.open(`${root}/${name}`, 'create'))).toBe('exists');
      expect(codeOf(() => disk.openFolder(`${root}/${name}`))).toBe('is-a-link');
      expect(codeOf(() => disk.setMode(`${root}/${name}`, 0o777))).toBe('is-a-link');
      expect(codeOf(() => disk.removeFolder(`${root}/${name}`))).toBe('not-a-folder');
      disk.setMtime(`${root}/${name}`, 1_000_000);
    }
    expect(disk.readLink(`${root}/dangling`)).toBe('nowhere/at all');
    expect(disk.lstat(`${root}/f`)?.mtimeUs).not.toBe(1_000_000);
    expect(disk.lstat(`${root}/f`)?.mode).toBe(0o600);
    expect(codeOf(() => disk.readLink(`${root}/f`))).toBe('not-found');
    expect(codeOf(() => disk.readLink(`${root}/none`))).toBe('not-found');
    expect(codeOf(() => disk.makeLink('x', `${root}/f`))).toBe('exists');
    disk.removeFile(`${root}/to-folder`);
    expect(disk.lstat(`${root}/d`)?.type).toBe('folder');
  });

  it('follows links on the way of a path, as every system does', () => {
    const { disk, root } = setUp();
    disk.makeFolder(`${root}/d`, 0o755);
    disk.makeLink('d', `${root}/link`);
    writeText(disk, `${root}/link/f`, 'through');
    expect(readText(disk, `${root}/d/f`)).toBe('through');
    expect(names(disk, `${root}/link`)).toEqual(['f']);
  });

  it('lists entries with their lstat', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/file`, 'four');
    disk.makeFolder(`${root}/folder`, 0o755);
    disk.makeLink('file', `${root}/link`);
    const { entries, invalid } = disk.list(root);
    expect(invalid).toEqual([]);
    expect(Object.fromEntries(entries.map(({ name, stat }) => [name, stat.type]))).toEqual({
      file: 'file',
      folder: 'folder',
      link: 'symlink',
    });
    for (const { name, stat } of entries) expect(stat).toEqual(disk.lstat(`${root}/${name}`));
    expect(codeOf(() => disk.list(`${root}/none`))).toBe('not-found');
    expect(codeOf(() => disk.list(`${root}/file`))).toBe('not-a-folder');
  });

  it('makes and removes folders', () => {
    const { disk, root } = setUp();
    disk.makeFolder(`${root}/a`, 0o700);
    expect(disk.lstat(`${root}/a`)).toMatchObject({ type: 'folder', mode: 0o700 });
    expect(codeOf(() => disk.makeFolder(`${root}/a`, 0o755))).toBe('exists');
    expect(codeOf(() => disk.makeFolder(`${root}/none/a`, 0o755))).toBe('not-found');
    writeText(disk, `${root}/a/f`, '');
    expect(codeOf(() => disk.removeFolder(`${root}/a`))).toBe('not-empty');
    expect(codeOf(() => disk.removeFile(`${root}/a`))).toBe('is-a-folder');
    expect(codeOf(() => disk.removeFolder(`${root}/a/f`))).toBe('not-a-folder');
    disk.removeFile(`${root}/a/f`);
    disk.removeFolder(`${root}/a`);
    expect(disk.lstat(`${root}/a`)).toBeNull();
    expect(codeOf(() => disk.removeFile(`${root}/a`))).toBe('not-found');
    expect(codeOf(() => disk.removeFolder(`${root}/a`))).toBe('not-found');
  });

  it('renames, replacing a file by a file and an empty folder by a folder', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/a`, 'a');
    writeText(disk, `${root}/b`, 'b');
    const before = disk.lstat(`${root}/a`);
    disk.rename(`${root}/a`, `${root}/b`);
    expect(readText(disk, `${root}/b`)).toBe('a');
    expect(disk.lstat(`${root}/b`)).toMatchObject({ ino: before?.ino, mtimeUs: before?.mtimeUs });
    expect(names(disk, root)).toEqual(['b']);
    disk.makeFolder(`${root}/d`, 0o755);
    disk.makeFolder(`${root}/e`, 0o755);
    writeText(disk, `${root}/d/f`, '');
    disk.rename(`${root}/d`, `${root}/e`);
    expect(names(disk, `${root}/e`)).toEqual(['f']);
    disk.makeFolder(`${root}/d`, 0o755);
    expect(codeOf(() => disk.rename(`${root}/d`, `${root}/e`))).toBe('not-empty');
    expect(codeOf(() => disk.rename(`${root}/b`, `${root}/e`))).toBe('is-a-folder');
    expect(codeOf(() => disk.rename(`${root}/e`, `${root}/b`))).toBe('not-a-folder');
    expect(codeOf(() => disk.rename(`${root}/none`, `${root}/x`))).toBe('not-found');
    expect(codeOf(() => disk.rename(`${root}/b`, `${root}/none/x`))).toBe('not-found');
    expect(codeOf(() => disk.rename(`${root}/e`, `${root}/e/inside`))).toBe('unsupported');
  });

  it('makes hard links, which replace nothing', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/a`, 'a');
    disk.makeHardLink(`${root}/a`, `${root}/b`);
    expect(disk.lstat(`${root}/b`)).toEqual(disk.lstat(`${root}/a`));
    expect(disk.lstat(`${root}/a`)?.links).toBe(2);
    expect(codeOf(() => disk.makeHardLink(`${root}/a`, `${root}/b`))).toBe('exists');
    expect(codeOf(() => disk.makeHardLink(`${root}/none`, `${root}/c`))).toBe('not-found');
    disk.makeFolder(`${root}/d`, 0o755);
    expect(codeOf(() => disk.makeHardLink(`${root}/d`, `${root}/c`))).toBe('unsupported');
    disk.rename(`${root}/a`, `${root}/b`); // of one file: nothing happens
    expect(names(disk, root)).toEqual(['a', 'b', 'd']);
    disk.removeFile(`${root}/a`);
    expect(disk.lstat(`${root}/b`)?.links).toBe(1);
  });

  it('sets modes and times that read back as set', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/f`, 'x');
    disk.makeFolder(`${root}/d`, 0o755);
    for (const mode of [0o644, 0o400, 0o755, 0o600]) {
      disk.setMode(`${root}/f`, mode);
      expect(disk.lstat(`${root}/f`)?.mode).toBe(mode);
    }
    disk.setMode(`${root}/d`, 0o555);
    expect(disk.lstat(`${root}/d`)?.mode).toBe(0o555);
    for (const mtimeUs of [
      0,
      1,
      999_999,
      1_700_000_000_123_457,
      -1,
      -86_400_000_000 * 365,
      4_000_000_000_000_001,
    ]) {
      disk.setMtime(`${root}/f`, mtimeUs);
      expect(disk.lstat(`${root}/f`)?.mtimeUs).toBe(mtimeUs);
    }
    expect(codeOf(() => disk.setMode(`${root}/none`, 0o644))).toBe('not-found');
    expect(codeOf(() => disk.setMtime(`${root}/none`, 0))).toBe('not-found');
  });

  it('refuses names no file system holds', () => {
    const { disk, root } = setUp();
    expect(codeOf(() => writeText(disk, `${root}/${'n'.repeat(256)}`, ''))).toBe('name-too-long');
    writeText(disk, `${root}/${'é'.repeat(127)}`, '');
    expect(codeOf(() => writeText(disk, `${root}/a\0b`, ''))).toBe('illegal-name');
  });

  it('acts in a held folder, wherever that is by now', () => {
    const { disk, root } = setUp();
    disk.makeFolder(`${root}/a`, 0o755);
    disk.makeFolder(`${root}/a/b`, 0o755);
    const outer = disk.openFolder(`${root}/a`);
    const inner = disk.openFolder(disk.inFolder(outer, 'b'));
    writeText(disk, disk.inFolder(inner, 'f'), 'x');
    expect(names(disk, disk.inFolder(inner, '.'))).toEqual(['f']);
    disk.rename(disk.inFolder(inner, 'f'), disk.inFolder(outer, 'g'));
    expect(readText(disk, `${root}/a/g`)).toBe('x');
    disk.makeHardLink(disk.inFolder(outer, 'g'), disk.inFolder(inner, 'h'));
    expect(disk.lstat(`${root}/a/b/h`)?.links).toBe(2);
    disk.setMode(disk.inFolder(inner, 'h'), 0o640);
    disk.setMtime(disk.inFolder(inner, 'h'), 5_000_000);
    expect(disk.lstat(disk.inFolder(inner, 'h'))).toMatchObject({ mode: 0o640, mtimeUs: 5_000_000 });
    disk.setMode(disk.inFolder(inner, '.'), 0o700);
    expect(disk.lstat(`${root}/a/b`)?.mode).toBe(0o700);
    disk.close(outer);
    disk.close(inner);
    expect(codeOf(() => disk.openFolder(`${root}/a/g`))).toBe('not-a-folder');
    expect(codeOf(() => disk.openFolder(`${root}/none`))).toBe('not-found');
  });

  it('flushes, and knows its free space', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/f`, 'x');
    disk.flush(root, false);
    disk.flush(root, true);
    expect(codeOf(() => disk.flush(`${root}/none`, false))).toBe('not-found');
    expect(codeOf(() => disk.flush(`${root}/none`, true))).toBe('not-found');
    expect(disk.freeBytes(root)).toBeGreaterThan(0);
    expect(codeOf(() => disk.freeBytes(`${root}/none`))).toBe('not-found');
  });

  it('gives each thing an inode of its own, and a birth before its changes', () => {
    const { disk, root } = setUp();
    writeText(disk, `${root}/a`, 'x');
    writeText(disk, `${root}/b`, 'x');
    const a = disk.lstat(`${root}/a`) ?? expect.fail();
    const b = disk.lstat(`${root}/b`) ?? expect.fail();
    expect(a.ino).not.toBe(b.ino);
    expect(a.dev).toBe(b.dev);
    expect(a.birthUs).toBeLessThanOrEqual(a.ctimeUs);
    disk.setMode(`${root}/a`, 0o640);
    expect(disk.lstat(`${root}/a`)?.ctimeUs).toBeGreaterThanOrEqual(a.ctimeUs);
  });
}
