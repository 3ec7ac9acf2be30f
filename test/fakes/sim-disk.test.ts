import { describe, expect, it } from 'vitest';
import { acceptDisk, codeOf, readText, writeText } from '../../sync-engine/local-fs/disk-acceptance.ts';
import { SimDisk } from './sim-disk.ts';

/** Mulberry32. */
function fractions(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('the simulated disk', () => {
  acceptDisk(() => {
    const disk = new SimDisk();
    disk.makeFolder('/root', 0o755);
    return { disk, root: '/root' };
  });
});

describe('knobs', () => {
  it('case and spelling', () => {
    const disk = new SimDisk({ caseSensitive: false, unicodeSensitive: false });
    writeText(disk, '/Name', 'x');
    writeText(disk, '/e\u0301', 'x');
    expect(disk.lstat('/nAME')?.size).toBe(1);
    expect(disk.lstat('/\u00c9')?.size).toBe(1);
    expect(codeOf(() => writeText(disk, '/NAME', ''))).toBe('exists');
    disk.rename('/Name', '/NAME');
    expect(disk.list('/').entries.map((entry) => entry.name)).toEqual(['NAME', 'e\u0301']);
    expect(disk.lstat('/name')?.links).toBe(1);
    disk.makeFolder('/Folder', 0o755);
    disk.rename('/Folder', '/folder');
    writeText(disk, '/folder/in it', 'x');
  });

  it('characters, links and time', () => {
    const disk = new SimDisk({
      illegal: ':?',
      symlinks: false,
      hardLinks: false,
      mtimeGranularityUs: 2_000_000,
    });
    expect(codeOf(() => writeText(disk, '/a:b', ''))).toBe('illegal-name');
    expect(codeOf(() => disk.makeLink('x', '/l'))).toBe('unsupported');
    writeText(disk, '/f', '');
    expect(codeOf(() => disk.makeHardLink('/f', '/g'))).toBe('unsupported');
    disk.setMtime('/f', 5_000_001);
    expect(disk.lstat('/f')?.mtimeUs).toBe(4_000_000);
  });

  it('reuses inodes when asked to', () => {
    for (const reusesInodes of [true, false]) {
      const disk = new SimDisk({ reusesInodes });
      writeText(disk, '/a', '');
      const first = disk.lstat('/a')?.ino;
      disk.removeFile('/a');
      writeText(disk, '/b', '');
      expect(disk.lstat('/b')?.ino === first).toBe(reusesInodes);
    }
  });

  it('is full, and has room again', () => {
    const disk = new SimDisk({ capacityBytes: 10 });
    writeText(disk, '/a', 'eight by');
    expect(disk.freeBytes('/')).toBe(2);
    expect(codeOf(() => writeText(disk, '/b', 'xyz'))).toBe('full');
    disk.removeFile('/a');
    expect(disk.freeBytes('/')).toBe(10);
  });

  it('binds modes', () => {
    const disk = new SimDisk();
    disk.makeFolder('/d', 0o555);
    expect(codeOf(() => writeText(disk, '/d/f', ''))).toBe('permission');
    disk.setMode('/d', 0o755);
    writeText(disk, '/d/f', '');
    disk.setMode('/d/f', 0o200);
    expect(codeOf(() => disk.open('/d/f', 'read'))).toBe('permission');
  });

  it('is read-only, or away', () => {
    const disk = new SimDisk();
    disk.makeFolder('/d', 0o755);
    writeText(disk, '/d/f', 'x');
    disk.readOnly = true;
    expect(codeOf(() => disk.removeFile('/d/f'))).toBe('read-only');
    disk.unmounted.add('/d');
    expect(disk.lstat('/d')).toBeNull();
    expect(codeOf(() => disk.list('/d'))).toBe('not-found');
    disk.unmounted.clear();
    expect(readText(disk, '/d/f')).toBe('x');
  });

  it('fails the next calls as told', () => {
    const disk = new SimDisk();
    disk.failNext('io', 'lstat', 2);
    writeText(disk, '/f', '');
    expect(codeOf(() => disk.lstat('/f'))).toBe('io');
    expect(codeOf(() => disk.lstat('/f'))).toBe('io');
    expect(disk.lstat('/f')?.type).toBe('file');
  });
});

describe('hooks', () => {
  it('let another program act before any call, and a stop end the caller there', () => {
    const disk = new SimDisk();
    writeText(disk, '/f', 'mine');
    disk.hooks = {
      before: (call) => {
        if (call === 'rename') disk.removeFile('/f');
        if (call === 'lstat') throw new Error('stopped');
      },
    };
    expect(codeOf(() => disk.rename('/f', '/g'))).toBe('not-found');
    expect(() => disk.lstat('/f')).toThrow('stopped');
  });

  it('tell what changed by its true path', () => {
    const disk = new SimDisk();
    disk.makeFolder('/d', 0o755);
    const changed: string[] = [];
    disk.hooks = { changed: (path) => changed.push(path) };
    const folder = disk.openFolder('/d');
    writeText(disk, disk.inFolder(folder, 'f'), 'x');
    disk.rename('/d', '/e');
    disk.removeFile(disk.inFolder(folder, 'f'));
    expect(changed).toEqual(['/d/f', '/d/f', '/d', '/e', '/e/f']);
  });
});

describe('a stop', () => {
  it('of the process keeps all that was written', () => {
    const disk = new SimDisk();
    const handle = disk.open('/f', 'create');
    disk.write(handle, Uint8Array.of(1), 0);
    disk.kill();
    expect(disk.lstat('/f')?.size).toBe(1);
    expect(() => disk.read(handle, new Uint8Array(1), 0)).toThrow();
  });

  it('of the power keeps all that was flushed', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const disk = new SimDisk({ random: fractions(seed) });
      disk.makeFolder('/d', 0o755);
      writeText(disk, '/d/a', 'flushed');
      disk.flush('/', true);
      disk.crash();
      expect(readText(disk, '/d/a')).toBe('flushed');
    }
  });

  it('of the power may lose names and data, each step of names whole', () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 200; seed += 1) {
      const disk = new SimDisk({ random: fractions(seed) });
      writeText(disk, '/a', 'old');
      disk.flush('/', true);
      writeText(disk, '/new', 'fresh');
      disk.rename('/new', '/a');
      disk.crash();
      seen.add(
        disk
          .list('/')
          .entries.map(({ name }) => `${name}=${JSON.stringify(readText(disk, `/${name}`))}`)
          .join(' '),
      );
    }
    expect(seen).toContain('a="old"'); // neither step reached the disk
    expect(seen).toContain('a="fresh"');
    expect(seen).toContain('a=""'); // the name came through, its data did not
    expect(seen).toContain('a="\\u0000\\u0000\\u0000\\u0000\\u0000"');
    expect(seen).toContain('a="old" new="fresh"');
    for (const state of seen) expect(state).toMatch(/^a=/);
  });

  it('of the power keeps data that was synced, if its name came through', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const disk = new SimDisk({ random: fractions(seed) });
      const handle = disk.open('/f', 'create');
      disk.write(handle, new TextEncoder().encode('synced'), 0);
      disk.sync(handle);
      disk.close(handle);
      disk.flush('/', false);
      disk.crash();
      expect(readText(disk, '/f')).toBe('synced');
    }
  });
});
