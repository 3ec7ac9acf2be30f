import { beforeEach, describe, expect, it } from 'vitest';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { writeText } from './disk-acceptance.ts';
import { createMarker, type PairMarker } from './root-marker.ts';
import { BATCH_ENTRIES, walk, type WalkedFolder, type WalkOutcome, type WalkRequest } from './walk.ts';

const marker: PairMarker = { version: 1, pair: 'p', account: 'a', device: 'd', random: '0123456789abcdef' };
const root = '/pair';
let disk: SimDisk;

beforeEach(() => {
  disk = new SimDisk();
  disk.makeFolder(root, 0o755);
  createMarker(disk, root, marker);
});

function put(path: string, text = 'x'): void {
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = `${root}/${parts.slice(0, depth).join('/')}`;
    if (disk.lstat(folder) === null) disk.makeFolder(folder, 0o755);
  }
  writeText(disk, `${root}/${path}`, text);
}

function run(folders: WalkRequest['folders'] = [{ path: '', recursive: true }], isAborted?: () => boolean) {
  const batches: (readonly WalkedFolder[])[] = [];
  const request = { root, expected: { marker, remembered: null }, folders };
  const outcome: WalkOutcome = walk(disk, request, (batch) => batches.push(batch), isAborted);
  const found = new Map(batches.flat().map((folder) => [folder.path, folder]));
  const names = (path: string): string[] =>
    (found.get(path)?.entries ?? []).map((entry) => entry.name).sort();
  return { outcome, batches, found, names };
}

describe('a walk', () => {
  it('reports every folder with what is in it, a folder before its own', () => {
    put('a/b/f');
    put('g');
    disk.makeFolder(`${root}/empty`, 0o755);
    const { outcome, found, names } = run();
    expect(outcome).toEqual({ outcome: 'done', folders: 4, entries: 5 });
    expect([...found.keys()]).toEqual(['', 'a', 'a/b', 'empty']);
    expect(names('')).toEqual(['a', 'empty', 'g']);
    expect(names('a/b')).toEqual(['f']);
    expect(found.get('')?.ignored).toEqual(['.coffre']);
    expect(found.get('a/b')?.entries[0]?.stat).toEqual(disk.lstat(`${root}/a/b/f`));
    expect(disk.openHandles).toBe(0);
  });

  it('takes folders alone or whole, and none twice', () => {
    put('a/b/f');
    put('c/d/f');
    const { found } = run([
      { path: 'a', recursive: true },
      { path: 'a/b', recursive: false },
      { path: 'c', recursive: false },
      { path: 'c', recursive: false },
    ]);
    expect([...found.keys()]).toEqual(['a', 'a/b', 'c']);
  });

  it('follows no link', () => {
    disk.makeFolder('/outside', 0o755);
    writeText(disk, '/outside/secret', 'x');
    disk.makeLink('/outside', `${root}/link`);
    const { found } = run([{ path: '', recursive: true }]);
    expect([...found.keys()]).toEqual(['']);
    expect(run([{ path: 'link', recursive: true }]).found.get('link')?.error).toBe('is-a-link');
  });

  it('applies rules of the folders above and of the folder itself, and hands them over', () => {
    put('.coffreignore', '*.log\n');
    put('a/.coffreignore', '/private/\n!keep.log\n');
    put('a/x.log');
    put('a/keep.log');
    put('a/private/f');
    put('b/private/f');
    const whole = run();
    expect(whole.names('a')).toEqual(['.coffreignore', 'keep.log']);
    expect([...(whole.found.get('a')?.ignored ?? [])].sort()).toEqual(['private', 'x.log']);
    expect(whole.found.has('a/private')).toBe(false);
    expect(whole.found.get('b/private')?.entries).toHaveLength(1);
    expect(whole.found.get('a')?.rules).toEqual({ text: '/private/\n!keep.log\n', problem: null });
    expect(whole.found.get('b')?.rules).toBeNull();
    const part = run([{ path: 'a', recursive: true }]);
    expect(part.names('a')).toEqual(['.coffreignore', 'keep.log']);
    expect(run([{ path: 'a/private', recursive: true }]).found.get('a/private')?.error).toBe('ignored');
  });

  it('reports a rule file it cannot use, and goes on', () => {
    put('.coffreignore', '*'.repeat(70_000));
    put('f');
    expect(run().found.get('')?.rules).toEqual({ text: null, problem: 'too-large' });
    expect(run().names('')).toEqual(['.coffreignore', 'f']);
    disk.setMode(`${root}/.coffreignore`, 0);
    expect(run().found.get('')?.rules).toEqual({ text: null, problem: 'unreadable' });
  });

  it('reports names no account can hold', () => {
    put('bad-\ud800');
    put('good');
    const { found, names } = run();
    expect(names('')).toEqual(['good']);
    expect(found.get('')?.invalid).toEqual(['bad-\\u{d800}']);
  });

  it('reports a folder that cannot be read, and walks the others', () => {
    put('closed/f');
    put('open/f');
    disk.setMode(`${root}/closed`, 0);
    const { outcome, found, names } = run();
    expect(outcome.outcome).toBe('done');
    expect(found.get('closed')).toMatchObject({ error: 'permission', entries: [] });
    expect(names('open')).toEqual(['f']);
    expect(run([{ path: 'nothing', recursive: true }]).found.get('nothing')?.error).toBe('not-found');
  });

  it('goes no deeper than a tree may be', () => {
    put(`${'d/'.repeat(130)}f`);
    const { outcome, found } = run();
    expect(outcome.outcome).toBe('done');
    expect([...found.values()].filter(({ error }) => error === 'too-deep')).toHaveLength(1);
  });

  it('sends batches of bounded size, a large folder in parts', () => {
    for (let count = 0; count < 4_500; count += 1) put(`big/${count}`);
    for (let count = 0; count < 1_200; count += 1) disk.makeFolder(`${root}/e${count}`, 0o755);
    const { batches } = run();
    for (const batch of batches) {
      expect(batch.reduce((sum, { entries }) => sum + entries.length, 0)).toBeLessThanOrEqual(BATCH_ENTRIES);
      expect(batch.length).toBeLessThanOrEqual(500);
    }
    const parts = batches.flat().filter(({ path }) => path === 'big');
    expect(parts.map(({ last }) => last)).toEqual([false, false, true]);
    expect(new Set(parts.flatMap(({ entries }) => entries.map(({ name }) => name))).size).toBe(4_500);
  });
});

describe('a walk stops', () => {
  it.each([
    ['root-missing', () => disk.unmounted.add(root)],
    ['missing', () => disk.removeFile(`${root}/.coffre/marker.json`)],
    ['foreign', () => createMarker(disk, root, { ...marker, random: 'fedcba9876543210' })],
    ['unreadable', () => disk.failNext('io', 'lstat')],
  ] as const)('with %s, before it says anything', (code, act) => {
    put('f');
    act();
    const { outcome, batches } = run();
    expect(outcome).toEqual({ outcome: 'stopped', code });
    expect(batches).toEqual([]);
  });

  it('when the disk goes away under it, at any call, without taking anything for absent', () => {
    put('a/f');
    put('b/f');
    const whole = run();
    let calls = 0;
    disk.hooks = { before: () => (calls += 1) };
    run();
    for (let at = 1; at <= calls; at += 1) {
      let count = 0;
      disk.hooks = {
        before: () => {
          count += 1;
          if (count === at) disk.unmounted.add(root);
        },
      };
      const { outcome, found } = run();
      disk.unmounted.clear();
      // What was held is still read; but nothing is sent once the marker is out of sight.
      if (outcome.outcome === 'stopped') expect(found.size).toBe(0);
      for (const [path, folder] of found) expect(folder).toEqual(whole.found.get(path));
    }
  });

  it('when told to', () => {
    put('a/f');
    let asked = 0;
    const { outcome } = run(undefined, () => (asked += 1) > 1);
    expect(outcome).toEqual({ outcome: 'stopped', code: 'aborted' });
    expect(disk.openHandles).toBe(0);
  });
});
