import { beforeEach, describe, expect, it } from 'vitest';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { probe, POSIX_CAPABILITIES } from './capabilities.ts';
import { codeOf, writeText } from './disk-acceptance.ts';
import { checkRoot, createMarker, readMarker, type PairMarker } from './root-marker.ts';

const marker: PairMarker = { version: 1, pair: 'p', account: 'a', device: 'd', random: '0123456789abcdef' };
const expected = { marker, remembered: null };
const root = '/pair';
let disk: SimDisk;

beforeEach(() => {
  disk = new SimDisk();
  disk.makeFolder(root, 0o755);
});

describe('the marker', () => {
  it('is written with the folders beside it, all private', () => {
    createMarker(disk, root, marker);
    expect(readMarker(disk, root)).toEqual(marker);
    expect(disk.lstat(`${root}/.coffre`)?.mode).toBe(0o700);
    expect(
      disk
        .list(`${root}/.coffre`)
        .entries.map(({ name }) => name)
        .sort(),
    ).toEqual(['marker.json', 'parked', 'replacing', 'staging', 'trash']);
    disk.crash();
    expect(readMarker(disk, root)).toEqual(marker);
    createMarker(disk, root, { ...marker, device: 'other' });
    expect(readMarker(disk, root)?.device).toBe('other');
  });

  it('is not written through a link', () => {
    disk.makeFolder('/outside', 0o755);
    disk.makeLink('/outside', `${root}/.coffre`);
    expect(codeOf(() => createMarker(disk, root, marker))).toBe('is-a-link');
    expect(disk.list('/outside').entries).toEqual([]);
  });
});

describe('checkRoot', () => {
  it('knows its own folder, and hints when it lies elsewhere than remembered', () => {
    createMarker(disk, root, marker);
    const check = checkRoot(disk, root, expected, true);
    if (check.state !== 'ok') throw new Error(check.state);
    expect(check.replaced).toBe(false);
    expect(checkRoot(disk, root, { marker, remembered: check.identity })).toMatchObject({ replaced: false });
    const remembered = { ...check.identity, ino: 1 };
    expect(checkRoot(disk, root, { marker, remembered })).toMatchObject({ state: 'ok', replaced: true });
    expect(disk.list(`${root}/.coffre/staging`).entries).toEqual([]);
  });

  it.each([
    ['root-missing', () => disk.removeFolder(root)],
    ['root-missing', () => disk.unmounted.add(root)],
    [
      'not-a-folder',
      () => {
        disk.rename(root, '/real');
        disk.makeLink('/real', root);
      },
    ],
    ['missing', () => {}],
    [
      'missing',
      () => {
        disk.makeFolder(`${root}/.coffre`, 0o700);
        writeText(disk, `${root}/.coffre/marker.json`, '{"version":1');
      },
    ],
    [
      'missing',
      () => {
        disk.makeFolder('/other', 0o755);
        createMarker(disk, '/other', marker);
        disk.makeLink('/other/.coffre', `${root}/.coffre`);
      },
    ],
    ['foreign', () => createMarker(disk, root, { ...marker, pair: 'q' })],
    ['foreign', () => createMarker(disk, root, { ...marker, random: 'another-random-text' })],
    [
      'unreadable',
      () => {
        createMarker(disk, root, marker);
        disk.setMode(`${root}/.coffre/marker.json`, 0);
      },
    ],
    [
      'read-only',
      () => {
        createMarker(disk, root, marker);
        disk.readOnly = true;
      },
    ],
  ] as const)('answers %s (%#)', (state, act) => {
    act();
    expect(checkRoot(disk, root, expected, true)).toEqual({ state });
  });

  it('does not take a full disk for a read-only one', () => {
    disk = new SimDisk({ capacityBytes: 1_000 });
    disk.makeFolder(root, 0o755);
    createMarker(disk, root, marker);
    writeText(disk, `${root}/filler`, 'x'.repeat(disk.freeBytes(root)));
    expect(codeOf(() => writeText(disk, `${root}/more`, ''))).toBe('full');
    expect(checkRoot(disk, root, expected, true).state).toBe('ok');
  });
});

describe('probe', () => {
  it('finds out what the file system holds, and leaves nothing', () => {
    createMarker(disk, root, marker);
    expect(probe(disk, root, '.coffre')).toEqual(POSIX_CAPABILITIES);
    expect(probe(disk, root, '.coffre')).toEqual(POSIX_CAPABILITIES);
    expect(disk.lstat(`${root}/.coffre/probe`)).toBeNull();
  });

  it.each(['io', 'busy'] as const)(
    'takes no call that fails once with %s for what the disk cannot do',
    (code) => {
      createMarker(disk, root, marker);
      let calls = 0;
      disk.hooks = { before: () => (calls += 1) };
      probe(disk, root, '.coffre');
      for (let failing = 1; failing <= calls; failing += 1) {
        let call = 0;
        disk.hooks = {
          before: () => {
            call += 1;
            if (call === failing) disk.failNext(code);
          },
        };
        let found: unknown = 'refused';
        try {
          found = probe(disk, root, '.coffre');
        } catch (cause) {
          expect(cause).toMatchObject({ code });
        }
        expect([POSIX_CAPABILITIES, 'refused'], `call ${failing}`).toContainEqual(found);
      }
    },
  );

  it('tells a poorer one', () => {
    disk = new SimDisk({
      caseSensitive: false,
      unicodeSensitive: false,
      illegal: ':?',
      symlinks: false,
      hardLinks: false,
      mtimeGranularityUs: 2_000_000,
    });
    disk.makeFolder(root, 0o755);
    expect(probe(disk, '/', 'pair')).toEqual({
      caseSensitive: false,
      unicodeSensitive: false,
      unicodePreserving: true,
      symlinks: false,
      hardLinks: false,
      modes: true,
      illegal: ':?',
      windowsNames: false,
      mtimeGranularityUs: 2_000_000,
    });
  });
});
