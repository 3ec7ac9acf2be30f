import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { acceptDisk, codeOf } from './disk-acceptance.ts';
import { diskErrorOf } from './disk-errors.ts';
import { NodeDisk } from './node-disk.ts';

const folders: string[] = [];

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-disk-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('the disk over node:fs', () => {
  acceptDisk(() => ({ disk: new NodeDisk(), root: emptyFolder() }));

  it('reports names that are not UTF-8 with their bytes, and lists the others', () => {
    const root = emptyFolder();
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.of(0xff, 0x5c, 0xfe)]), 'x');
    writeFileSync(`${root}/good-\uFFFD`, 'a real replacement character');
    writeFileSync(`${root}/é`, 'x');
    const { entries, invalid } = new NodeDisk().list(root);
    expect(invalid).toEqual(['bad-\\xff\\x5c\\xfe']);
    expect(entries.map((entry) => entry.name).sort()).toEqual(['good-\uFFFD', 'é']);
  });

  it('neither hangs on a pipe nor takes it for a file', () => {
    const root = emptyFolder();
    execFileSync('mkfifo', [`${root}/pipe`]);
    const disk = new NodeDisk();
    expect(disk.lstat(`${root}/pipe`)?.type).toBe('other');
    const handle = disk.open(`${root}/pipe`, 'read');
    expect(disk.stat(handle).type).toBe('other');
    disk.close(handle);
  });

  it.runIf(process.platform === 'linux')('a held folder stays itself when a link takes its place', () => {
    const root = emptyFolder();
    const outside = emptyFolder();
    mkdirSync(`${root}/a`);
    const disk = new NodeDisk();
    const handle = disk.openFolder(`${root}/a`);
    renameSync(`${root}/a`, `${root}/moved`);
    symlinkSync(outside, `${root}/a`);
    disk.close(disk.open(disk.inFolder(handle, 'f'), 'create'));
    disk.close(handle);
    expect(disk.lstat(`${root}/moved/f`)?.type).toBe('file');
    expect(disk.list(outside).entries).toEqual([]);
  });

  it('sets the mode of a file it may not read', () => {
    const root = emptyFolder();
    writeFileSync(`${root}/f`, 'x', { mode: 0 });
    const disk = new NodeDisk();
    disk.setMode(`${root}/f`, 0o600);
    expect(disk.lstat(`${root}/f`)?.mode).toBe(0o600);
  });
});

describe('errors', () => {
  it.each([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EMFILE', 'too-many-open'],
    ['EACCES', 'permission'],
    ['EROFS', 'read-only'],
    ['EXDEV', 'cross-device'],
    ['EBUSY', 'busy'],
    ['EILSEQ', 'illegal-name'],
    ['EIO', 'io'],
    ['ESTALE', 'io'],
    ['ENEWERRNO', 'io'],
  ])('%s means %s', (errno, code) => {
    expect(diskErrorOf(Object.assign(new Error('secret/path'), { code: errno }), 'open').code).toBe(code);
  });

  it('never carry the path', () => {
    expect(codeOf(() => new NodeDisk().open('/no/such/secret-name', 'read'))).toBe('not-found');
    try {
      new NodeDisk().open('/no/such/secret-name', 'read');
    } catch (cause) {
      expect(String(cause)).not.toContain('secret-name');
      expect((cause as Error).cause).toBeUndefined();
    }
  });
});
