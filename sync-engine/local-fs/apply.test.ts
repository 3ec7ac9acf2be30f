import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import type { NodeId } from '../../protocol/ids.ts';
import { applyBatch } from './apply.ts';
import type { ApplyContext, ApplyOperation, ApplyResult } from './apply-types.ts';
import { POSIX_CAPABILITIES } from './capabilities.ts';
import { codeOf, readText, writeText } from './disk-acceptance.ts';
import type { Disk, DiskStat } from './disk.ts';
import { recoverDisplaced } from './displace.ts';
import { listTrash } from './local-trash.ts';
import { NodeDisk } from './node-disk.ts';
import { createMarker, type PairMarker } from './root-marker.ts';
import { clearStaging, dropStagedFolders } from './staged-folder.ts';
import { listTree, type KnownEntry } from './subtree.ts';

const marker: PairMarker = { version: 1, pair: 'p', account: 'a', device: 'd', random: '0123456789abcdef' };
const ID = 'ab'.repeat(16) as NodeId;

let disk: Disk;
let sim: SimDisk;
let root: string;
let batches: number;

function apply(...operations: ApplyOperation[]): ApplyResult[] {
  batches += 1;
  const context: ApplyContext = {
    root,
    expected: { marker, remembered: null },
    capabilities: POSIX_CAPABILITIES,
    nowMs: 1_700_000_000_000,
    batchId: `b${batches}`,
  };
  return applyBatch(disk, context, operations);
}

function one(operation: ApplyOperation): ApplyResult {
  return apply(operation)[0]!;
}

const stage = (name: string, text: string): void => writeText(disk, `${root}/.coffre/staging/${name}`, text);
const file = (path: string, text: string): DiskStat => {
  writeText(disk, `${root}/${path}`, text);
  return statAt(path);
};
const folder = (path: string, mode = 0o755): DiskStat => {
  disk.makeFolder(`${root}/${path}`, mode);
  return statAt(path);
};
const statAt = (path: string): DiskStat => disk.lstat(`${root}/${path}`) ?? expect.fail(`no ${path}`);
const names = (path: string): string[] =>
  disk
    .list(`${root}/${path}`)
    .entries.map((entry) => entry.name)
    .sort();
const readRoot = (path: string): string => readText(disk, `${root}/${path}`);
const stagedStat = (result: ApplyResult): DiskStat =>
  (result.outcome === 'applied' ? result.stat : null) ?? expect.fail('nothing was staged');
const inTrash = (): { path: string | undefined; why: string | undefined }[] =>
  listTrash(disk, root).map(({ record }) => ({ path: record?.path, why: record?.why }));
const trashed = (): string[] =>
  listTrash(disk, root).map(({ id }) => readText(disk, `${root}/.coffre/trash/${id}/item`));
const inside = (path: string): KnownEntry[] => {
  const handle = disk.openFolder(`${root}/${path}`);
  const entries = [...listTree(disk, handle)];
  disk.close(handle);
  return entries;
};
const placing = (staged: string, path: string, known: DiskStat | null): ApplyOperation => {
  return { kind: 'place-file', staged, path, known, mode: 0o640, mtimeUs: 1_600_000_000_123_456 };
};

function acceptApply(): void {
  it('makes folders, and takes none for its own that is there', () => {
    expect(one({ kind: 'make-folder', path: 'a', mode: 0o755 })).toMatchObject({
      outcome: 'applied',
      stat: { type: 'folder', mode: 0o755 },
    });
    expect(one({ kind: 'make-folder', path: 'a', mode: 0o700 })).toMatchObject({
      outcome: 'stale',
      code: 'taken',
      found: { type: 'folder', mode: 0o755 },
    });
    expect(one({ kind: 'make-folder', path: 'x/y', mode: 0o755 })).toMatchObject({ code: 'parent-missing' });
  });

  it('places a new file with its mode and time, and leaves nothing behind', () => {
    stage('s', 'new');
    const result = one(placing('s', 'f', null));
    expect(result).toEqual({ outcome: 'applied', stat: statAt('f'), inside: [] });
    expect(statAt('f')).toMatchObject({ mode: 0o640, mtimeUs: 1_600_000_000_123_456, links: 1 });
    expect(readText(disk, `${root}/f`)).toBe('new');
    for (const path of ['staging', 'replacing', 'trash']) expect(names(`.coffre/${path}`)).toEqual([]);
  });

  it('replaces what is known, whose bytes go to the trash', () => {
    const known = file('f', 'old');
    stage('s', 'new');
    expect(one(placing('s', 'f', known))).toMatchObject({ outcome: 'applied', stat: { size: 3 } });
    expect(readText(disk, `${root}/f`)).toBe('new');
    expect(inTrash()).toEqual([{ path: 'f', why: 'replaced' }]);
    expect(trashed()).toEqual(['old']);
    expect(names('.coffre/replacing')).toEqual([]);
  });

  it.each([
    ['taken', null, () => file('f', 'another')],
    [
      'changed',
      'known',
      () => {
        disk.removeFile(`${root}/f`);
        file('f', 'edited');
      },
    ],
    ['missing', 'known', () => disk.removeFile(`${root}/f`)],
  ] as const)('is stale when the place is %s', (code, state, act) => {
    const known = state === null ? null : file('f', 'old');
    act();
    const before = disk.lstat(`${root}/f`);
    stage('s', 'new');
    expect(one(placing('s', 'f', known))).toEqual({ outcome: 'stale', code, found: before });
    expect(disk.lstat(`${root}/f`)).toEqual(before);
    expect(names('.coffre/staging')).toEqual(['s']);
    expect(names('.coffre/replacing')).toEqual([]);
    expect(names('.coffre/trash')).toEqual([]);
  });

  it('is stale when only the ctime tells of a change', () => {
    const known = file('f', 'old');
    stage('s', 'new');
    expect(one(placing('s', 'f', { ...known, ctimeUs: known.ctimeUs - 1 }))).toMatchObject({
      code: 'changed',
    });
  });

  it('refuses what is not staged, or is not alone', () => {
    expect(one(placing('none', 'f', null))).toEqual({ outcome: 'blocked', code: 'staging' });
    stage('s', 'x');
    disk.makeHardLink(`${root}/.coffre/staging/s`, `${root}/.coffre/staging/t`);
    expect(one(placing('s', 'f', null))).toEqual({ outcome: 'blocked', code: 'staging' });
    expect(one(placing('../marker.json', 'f', null))).toEqual({ outcome: 'blocked', code: 'bad-path' });
  });

  it.each(['', '.', '..', '../x', 'a/../../x', 'a//b', '/etc', 'a/.', 'x\0y'])(
    'refuses the path %j',
    (path) => {
      expect(one({ kind: 'make-folder', path, mode: 0o755 })).toEqual({
        outcome: 'blocked',
        code: 'bad-path',
      });
    },
  );

  it('places links, as text', () => {
    const link: ApplyOperation = { kind: 'place-link', target: '../../etc/passwd', path: 'l', known: null };
    expect(one(link)).toMatchObject({ outcome: 'applied', stat: { type: 'symlink' } });
    expect(disk.readLink(`${root}/l`)).toBe('../../etc/passwd');
    expect(one(link)).toMatchObject({ code: 'taken' });
    expect(one({ ...link, target: 'other', known: statAt('l') })).toMatchObject({ outcome: 'applied' });
    expect(disk.readLink(`${root}/l`)).toBe('other');
    expect(inTrash()).toEqual([{ path: 'l', why: 'replaced' }]);
  });

  it('makes a folder in staging that files are written to, and takes up one it made before', () => {
    const inside = [
      { path: 'sub', type: 'folder' },
      { path: 'sub/empty', type: 'folder' },
      { path: 'sub/f', type: 'file' },
    ] as const;
    const operation: ApplyOperation = { kind: 'stage-folder', staged: 's', inside };
    const { ino } = stagedStat(one(operation));
    expect(names('.coffre/staging/s/sub')).toEqual(['empty']);
    stage('s/sub/f', 'begun');
    expect(stagedStat(one(operation)).ino).toBe(ino);
    expect(readRoot('.coffre/staging/s/sub/f')).toBe('begun');
    // With something else in it, it is begun anew.
    stage('s/other', 'x');
    one(operation);
    expect(names('.coffre/staging/s')).toEqual(['sub']);
    expect(names('.coffre/staging/s/sub')).toEqual(['empty']);
    expect(names('')).toEqual(['.coffre']);
  });

  it('removes a folder from staging, whatever its modes, and minds none that is not there', () => {
    one({ kind: 'stage-folder', staged: 's', inside: [{ path: 'sub', type: 'folder' }] });
    stage('s/sub/f', 'x');
    disk.setMode(`${root}/.coffre/staging/s/sub`, 0o500);
    expect(one({ kind: 'drop-staged', staged: 's' })).toMatchObject({ outcome: 'applied' });
    expect(names('.coffre/staging')).toEqual([]);
    expect(one({ kind: 'drop-staged', staged: 's' })).toMatchObject({ outcome: 'applied' });
    expect(one({ kind: 'drop-staged', staged: '../trash' })).toEqual({
      outcome: 'blocked',
      code: 'bad-path',
    });
  });

  it('stages nothing outside staging', () => {
    for (const path of ['../x', '/x', 'sub/../../x', '']) {
      const operation = { kind: 'stage-folder', staged: 's', inside: [{ path, type: 'folder' }] } as const;
      expect(one(operation)).toEqual({ outcome: 'blocked', code: 'bad-path' });
    }
    expect(one({ kind: 'stage-folder', staged: 'a/b', inside: [] })).toMatchObject({ code: 'bad-path' });
    disk.makeLink(root, `${root}/.coffre/staging/s`);
    one({ kind: 'stage-folder', staged: 's', inside: [{ path: 'x', type: 'folder' }] });
    expect(names('')).toEqual(['.coffre']);
    expect(names('.coffre/staging/s')).toEqual(['x']);
  });

  it('places a folder whole, with modes, times and links inside', () => {
    one({ kind: 'stage-folder', staged: 's', inside: [{ path: 'sub', type: 'folder' }] });
    stage('s/sub/f', 'deep');
    stage('s/sub/link', '../outside');
    const operation: ApplyOperation = {
      kind: 'place-folder',
      staged: 's',
      path: 'd',
      mode: 0o555,
      inside: [
        { path: 'sub', type: 'folder', mode: 0o300, mtimeUs: 0 },
        { path: 'sub/f', type: 'file', mode: 0o400, mtimeUs: 7_000_000 },
        { path: 'sub/link', type: 'symlink', mode: 0o777, mtimeUs: 0 },
      ],
    };
    const result = one(operation);
    expect(result).toMatchObject({ outcome: 'applied', stat: { mode: 0o555 } });
    expect(statAt('d/sub').mode).toBe(0o300);
    expect(statAt('d/sub/f')).toMatchObject({ mode: 0o400, mtimeUs: 7_000_000 });
    expect(disk.readLink(`${root}/d/sub/link`)).toBe('../outside');
    if (result.outcome !== 'applied') throw new Error('unreachable');
    expect(result.inside.map(({ path }) => path).sort()).toEqual(['sub', 'sub/f', 'sub/link']);
    // As the scan will see it: there is nothing to read again.
    for (const { path, stat } of result.inside) expect(stat).toEqual(statAt(`d/${path}`));
    expect(names('.coffre/staging')).toEqual([]);
  });

  it('places no folder with more or less in it than announced, and over nothing', () => {
    folder('.coffre/staging/s');
    const operation = { kind: 'place-folder', staged: 's', path: 'd', mode: 0o755, inside: [] } as const;
    const announced = { path: 'f', type: 'file', mode: 0o644, mtimeUs: 0 } as const;
    expect(one({ ...operation, inside: [announced] })).toEqual({ outcome: 'blocked', code: 'staging' });
    file('.coffre/staging/s/f', 'x');
    expect(one(operation)).toEqual({ outcome: 'blocked', code: 'staging' });
    // A second name would be a file somewhere else.
    disk.makeHardLink(`${root}/.coffre/staging/s/f`, `${root}/other`);
    expect(one({ ...operation, inside: [announced] })).toEqual({ outcome: 'blocked', code: 'staging' });
    disk.removeFile(`${root}/other`);
    expect(names('')).toEqual(['.coffre']);
    folder('d');
    expect(one({ ...operation, inside: [announced] })).toMatchObject({ code: 'taken' });
    expect(names('d')).toEqual([]);
    expect(names('.coffre/staging/s')).toEqual(['f']);
  });

  it('places no folder with a link whose target is no text', () => {
    one({ kind: 'stage-folder', staged: 's', inside: [] });
    const handle = disk.open(`${root}/.coffre/staging/s/l`, 'create');
    disk.write(handle, Uint8Array.of(0xff, 0xfe), 0);
    disk.close(handle);
    const inside = [{ path: 'l', type: 'symlink', mode: 0o777, mtimeUs: 0 }] as const;
    const result = one({ kind: 'place-folder', staged: 's', path: 'd', mode: 0o755, inside });
    expect(result).toEqual({ outcome: 'blocked', code: 'illegal-name' });
    expect(names('')).toEqual(['.coffre']);
  });

  it('drops what an earlier engine had staged of folders, and keeps what it had of files', () => {
    const download = `${ID}-0123456789abcdef`;
    one({ kind: 'stage-folder', staged: 's', inside: [{ path: 'sub', type: 'folder' }] });
    stage('s/sub/f', 'x');
    disk.setMode(`${root}/.coffre/staging/s/sub`, 0o500);
    stage(download, 'a large one, half of it');
    stage('rules-0123456789abcdef', 'rules, half of them');
    dropStagedFolders(disk, root);
    expect(names('.coffre/staging')).toEqual([download]);
    stage('rules-0123456789abcdef', 'being written');
    clearStaging(disk, root);
    expect(names('.coffre/staging')).toEqual(['rules-0123456789abcdef']);
  });

  it('moves files, folders and links, keeping what they are', () => {
    folder('a');
    folder('b');
    const known = file('a/f', 'x');
    expect(one({ kind: 'move', from: 'a/f', to: 'b/g', known })).toMatchObject({ outcome: 'applied' });
    expect(statAt('b/g')).toMatchObject({ ino: known.ino, mtimeUs: known.mtimeUs, links: 1 });
    expect(one({ kind: 'move', from: 'b', to: 'a/b', known: statAt('b') })).toMatchObject({
      outcome: 'applied',
    });
    disk.makeLink('to', `${root}/l`);
    expect(one({ kind: 'move', from: 'l', to: 'a/l', known: statAt('l') })).toMatchObject({
      outcome: 'applied',
    });
    expect(names('a')).toEqual(['b', 'l']);
    expect(disk.readLink(`${root}/a/l`)).toBe('to');
    expect(names('.coffre/replacing')).toEqual([]);
    expect(names('.coffre/trash')).toEqual([]);
  });

  it('moves nothing over anything, and nothing but what is known', () => {
    const f = file('f', 'f');
    const g = file('g', 'g');
    expect(one({ kind: 'move', from: 'f', to: 'g', known: f })).toMatchObject({
      outcome: 'stale',
      code: 'taken',
    });
    expect(one({ kind: 'move', from: 'f', to: 'h', known: g })).toMatchObject({ code: 'changed' });
    expect(one({ kind: 'move', from: 'n', to: 'h', known: g })).toMatchObject({ code: 'missing' });
    expect(one({ kind: 'move', from: 'f', to: 'n/h', known: f })).toMatchObject({ code: 'parent-missing' });
    disk.makeHardLink(`${root}/f`, `${root}/same`);
    expect(one({ kind: 'move', from: 'f', to: 'same', known: statAt('f') })).toMatchObject({ code: 'taken' });
    const d = folder('d');
    expect(one({ kind: 'move', from: 'd', to: 'd/d', known: d })).toEqual({
      outcome: 'blocked',
      code: 'unsupported',
    });
    expect(names('')).toEqual(['.coffre', 'd', 'f', 'g', 'same']);
    expect([readText(disk, `${root}/f`), readText(disk, `${root}/g`)]).toEqual(['f', 'g']);
  });

  it('puts what is parked in the local trash, with all that came into it', () => {
    folder('d');
    file('d/a', 'A');
    one({ kind: 'park', path: 'd', id: ID, known: statAt('d') });
    writeText(disk, `${root}/.coffre/parked/${ID}/b`, 'B');
    expect(one({ kind: 'trash-parked', id: ID, path: 'here/d' })).toMatchObject({
      outcome: 'applied',
      stat: null,
    });
    expect(names('')).toEqual(['.coffre']);
    expect(names('.coffre/parked')).toEqual([]);
    expect(listTrash(disk, root).map(({ record }) => record?.path)).toEqual(['here/d']);
    expect(one({ kind: 'trash-parked', id: ID, path: 'here/d' })).toMatchObject({
      outcome: 'applied',
      stat: null,
    });
  });

  it('parks and brings back, so that two can change places', () => {
    const [a, b] = [file('a', 'A'), file('b', 'B')];
    const results = apply(
      { kind: 'park', path: 'a', id: ID, known: a },
      { kind: 'move', from: 'b', to: 'a', known: b },
      { kind: 'unpark', id: ID, path: 'b' },
    );
    expect(results.map((result) => result.outcome)).toEqual(['applied', 'applied', 'applied']);
    expect([readText(disk, `${root}/a`), readText(disk, `${root}/b`)]).toEqual(['B', 'A']);
    expect(one({ kind: 'unpark', id: ID, path: 'c' })).toMatchObject({ code: 'missing' });
    expect(one({ kind: 'park', path: 'a', id: ID, known: a })).toMatchObject({ code: 'changed' });
    one({ kind: 'park', path: 'a', id: ID, known: statAt('a') });
    expect(one({ kind: 'unpark', id: ID, path: 'b' })).toMatchObject({ code: 'taken' });
    expect(one({ kind: 'park', path: 'b', id: ID, known: statAt('b') })).toEqual({
      outcome: 'blocked',
      code: 'exists',
    });
  });

  it('sets attributes of what is known', () => {
    const known = file('f', 'x');
    const operation = { kind: 'set-attributes', path: 'f', known, mode: 0o400, mtimeUs: 3_000_000 } as const;
    expect(one(operation)).toMatchObject({ outcome: 'applied', stat: { mode: 0o400, mtimeUs: 3_000_000 } });
    expect(one({ ...operation, mode: 0o777 })).toMatchObject({ code: 'changed' });
    expect(statAt('f').mode).toBe(0o400);
  });

  it('removes to the trash what is known, files and whole folders', () => {
    const known = file('f', 'bytes');
    expect(one({ kind: 'remove', path: 'f', known, inside: [] })).toEqual({
      outcome: 'applied',
      stat: null,
      inside: [],
    });
    folder('d');
    folder('d/e');
    file('d/e/f', 'deep');
    const result = one({ kind: 'remove', path: 'd', known: statAt('d'), inside: inside('d') });
    expect(result.outcome).toBe('applied');
    expect(names('')).toEqual(['.coffre']);
    expect(inTrash()).toEqual([
      { path: 'f', why: 'removed' },
      { path: 'd', why: 'removed' },
    ]);
    expect(listTrash(disk, root).map(({ record }) => record?.bytes)).toEqual([5, 4]);
  });

  it.each([
    ['unknown-inside', () => file('d/e/new', 'x')],
    ['missing-inside', () => disk.removeFile(`${root}/d/e/f`)],
    ['changed-inside', () => disk.setMtime(`${root}/d/e/f`, 1)],
  ] as const)('removes no folder with %s', (code, act) => {
    folder('d');
    folder('d/e');
    file('d/e/f', 'deep');
    const known = inside('d');
    act();
    const after = inside('d');
    const result = one({ kind: 'remove', path: 'd', known: statAt('d'), inside: known });
    expect(result).toMatchObject({ outcome: 'stale', code });
    expect(inside('d')).toEqual(after);
    expect(names('.coffre/trash')).toEqual([]);
  });

  it('acts through no link, wherever it stands', () => {
    folder('real');
    file('real/f', 'mine');
    disk.makeLink('real', `${root}/link`);
    stage('s', 'x');
    const known = statAt('real/f');
    const operations: ApplyOperation[] = [
      placing('s', 'link/new', null),
      placing('s', 'link/f', known),
      { kind: 'make-folder', path: 'link/d', mode: 0o755 },
      { kind: 'move', from: 'link/f', to: 'x', known },
      { kind: 'move', from: 'real/f', to: 'link/x', known },
      { kind: 'remove', path: 'link/f', known, inside: [] },
      { kind: 'set-attributes', path: 'link/f', known, mode: 0, mtimeUs: 0 },
      { kind: 'park', path: 'link/f', id: ID, known },
    ];
    for (const result of apply(...operations))
      expect(result).toEqual({ outcome: 'blocked', code: 'parent-is-link' });
    expect(statAt('real/f')).toEqual(known);
    expect(names('real')).toEqual(['f']);
  });

  it('does nothing where the marker is not', () => {
    stage('s', 'x');
    disk.removeFile(`${root}/.coffre/marker.json`);
    expect(one(placing('s', 'f', null))).toEqual({ outcome: 'blocked', code: 'missing' });
    expect(names('')).toEqual(['.coffre']);
  });
}

describe('apply on a real disk', () => {
  beforeEach(() => {
    disk = new NodeDisk();
    root = realpathSync(mkdtempSync(join(tmpdir(), 'coffre-apply-')));
    batches = 0;
    createMarker(disk, root, marker);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  acceptApply();
});

describe('apply on a simulated disk', () => {
  beforeEach(() => setUpSim({}));

  acceptApply();

  it('holds no folder when it is done', () => {
    stage('s', 'x');
    const known = { ...file('g', 'x'), ino: 1 };
    const results = apply(placing('s', 'f', null), placing('s', 'n/f', null), {
      kind: 'remove',
      path: 'g',
      known,
      inside: [],
    });
    expect(results.map(({ outcome }) => outcome)).toEqual(['applied', 'stale', 'stale']);
    expect(sim.openHandles).toBe(0);
  });

  it('puts children into folders that may not be written, and takes them out', () => {
    folder('d');
    const known = file('d/f', 'x');
    folder('d/sub');
    disk.setMode(`${root}/d/sub`, 0o500);
    disk.setMode(`${root}/d`, 0o555);
    stage('s', 'x');
    const results = apply(
      placing('s', 'd/new', null),
      { kind: 'move', from: 'd/f', to: 'd/g', known },
      { kind: 'move', from: 'd/sub', to: 'sub', known: statAt('d/sub') },
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'applied']);
    expect([statAt('d').mode, statAt('sub').mode]).toEqual([0o555, 0o500]);
    expect(names('d')).toEqual(['g', 'new']);
    expect(one({ kind: 'remove', path: 'd', known: statAt('d'), inside: inside('d') }).outcome).toBe(
      'applied',
    );
  });

  it.each(['full', 'io', 'read-only'] as const)(
    'when a call fails with %s, nothing is changed or lost',
    (code) => {
      const calls = ['makeFolder', 'write', 'rename', 'makeHardLink', 'setMode', 'setMtime'] as const;
      for (const call of calls) {
        setUpSim({});
        const known = file('f', 'old');
        stage('s', 'new');
        sim.failNext(code, call);
        const [result] = apply(placing('s', 'f', known));
        expect(result, call).toEqual({ outcome: 'blocked', code });
        expect(readText(disk, `${root}/f`), call).toBe('old');
        expect(names('.coffre/staging'), call).toEqual(['s']);
        expect(names('.coffre/replacing'), call).toEqual([]);
      }
    },
  );

  it('a failure after the new thing is in place is no failure of the operation', () => {
    const known = file('f', 'old');
    stage('s', 'new');
    sim.hooks = {
      before: (call) => {
        if (
          call === 'rename' &&
          disk.lstat(`${root}/f`)?.size === 3 &&
          names('.coffre/staging').length === 0
        ) {
          if (names('.coffre/replacing').length === 1) sim.failNext('io', 'rename');
        }
      },
    };
    expect(one(placing('s', 'f', known)).outcome).toBe('applied');
    sim.hooks = {};
    expect(names('.coffre/replacing')).toHaveLength(1);
    expect(recoverDisplaced(disk, root)).toBe(0);
    expect(trashed()).toEqual(['old']);
    expect(readRoot('f')).toBe('new');
  });

  it('a removal that the trash has no room for is none, and what was taken is back in its place', () => {
    const known = file('f', 'old');
    sim.hooks = {
      before: (call) => {
        if (call === 'rename' && disk.lstat(`${root}/f`) === null) {
          sim.hooks = {};
          sim.failNext('full', 'rename');
        }
      },
    };
    expect(one({ kind: 'remove', path: 'f', known, inside: [] })).toEqual({
      outcome: 'blocked',
      code: 'full',
    });
    expect(readRoot('f')).toBe('old');
    expect(names('.coffre/replacing')).toEqual([]);
    expect(names('.coffre/trash')).toEqual([]);
  });

  it('works without hard links', () => {
    setUpSim({ hardLinks: false });
    const known = file('f', 'old');
    stage('s', 'new');
    expect(one(placing('s', 'f', known)).outcome).toBe('applied');
    expect(trashed()).toEqual(['old']);
    stage('s', 'newer');
    expect(one(placing('s', 'g', null)).outcome).toBe('applied');
  });

  it('changes the case of a name where case does not count', () => {
    setUpSim({ caseSensitive: false });
    expect(one({ kind: 'move', from: 'f', to: 'F', known: file('f', 'x') }).outcome).toBe('applied');
    expect(one({ kind: 'move', from: 'd', to: 'D', known: folder('d') }).outcome).toBe('applied');
    expect(names('')).toEqual(['.coffre', 'D', 'F']);
  });

  // What another program does between any two calls of ours, and a stop of ours between any two.
  const scenes = {
    replace: () => {
      const known = file('f', 'old');
      stage('s', 'new');
      return placing('s', 'f', known);
    },
    create: () => {
      stage('s', 'new');
      return placing('s', 'f', null);
    },
    move: (): ApplyOperation => ({ kind: 'move', from: 'e', to: 'f', known: file('e', 'old') }),
    'move a link': (): ApplyOperation => {
      disk.makeLink('old', `${root}/e`);
      return { kind: 'move', from: 'e', to: 'f', known: statAt('e') };
    },
    remove: (): ApplyOperation => ({ kind: 'remove', path: 'f', known: file('f', 'old'), inside: [] }),
    park: (): ApplyOperation => ({ kind: 'park', path: 'f', known: file('f', 'old'), id: ID }),
    link: (): ApplyOperation => ({ kind: 'place-link', path: 'f', known: file('f', 'old'), target: 'there' }),
  };

  it.each(Object.keys(scenes) as (keyof typeof scenes)[])(
    '%s never loses what another program saves meanwhile, by renaming its file into place',
    (scene) => {
      const total = countCalls(scenes[scene]);
      expect(total).toBeGreaterThan(10);
      for (let at = 1; at <= total; at += 1) {
        setUpSim({});
        const operation = scenes[scene]();
        file('saved', 'precious');
        atCall(at, () => disk.rename(`${root}/saved`, `${root}/f`));
        apply(operation);
        sim.hooks = {};
        recoverDisplaced(disk, root);
        expect(everyText(), `at call ${at}`).toContain('precious');
      }
    },
  );

  it('a folder that something came into while it was taken is put back whole', () => {
    const removing = (): ApplyOperation => {
      folder('d');
      file('d/x', 'old');
      return { kind: 'remove', path: 'd', known: statAt('d'), inside: inside('d') };
    };
    const total = countCalls(removing);
    let putBack = 0;
    for (let at = 1; at <= total; at += 1) {
      setUpSim({});
      const operation = removing();
      file('saved', 'precious');
      atCall(at, () => codeOf(() => disk.rename(`${root}/saved`, `${root}/d/new`)));
      const [result] = apply(operation);
      sim.hooks = {};
      const cameIn = disk.lstat(`${root}/saved`) === null;
      if (cameIn && result?.outcome === 'stale') putBack += 1;
      expect(result?.outcome, `at call ${at}`).toBe(cameIn ? 'stale' : 'applied');
      if (cameIn) expect([readRoot('d/x'), readRoot('d/new')], `at call ${at}`).toEqual(['old', 'precious']);
      else expect(everyText(), `at call ${at}`).toContain('old');
    }
    expect(putBack).toBeGreaterThan(0);
  });

  it('what another program saved meanwhile is in the trash when its folder went before it could go back', () => {
    const removing = (): ApplyOperation => {
      folder('d');
      return { kind: 'remove', path: 'd/f', known: file('d/f', 'old'), inside: [] };
    };
    const total = countCalls(removing);
    let wentAway = 0;
    for (let saved = 1; saved <= total; saved += 1) {
      for (let gone = saved + 1; gone <= total + 1; gone += 1) {
        setUpSim({});
        const operation = removing();
        file('saved', 'precious');
        atCalls(
          new Map([
            [saved, () => disk.rename(`${root}/saved`, `${root}/d/f`)],
            [gone, () => codeOf(() => disk.removeFolder(`${root}/d`))],
          ]),
        );
        apply(operation);
        sim.hooks = {};
        recoverDisplaced(disk, root);
        if (disk.lstat(`${root}/d`) === null) wentAway += 1;
        expect(everyText(), `saved at call ${saved}, gone at ${gone}`).toContain('precious');
      }
    }
    expect(wentAway).toBeGreaterThan(0);
  });

  it.each(Object.keys(scenes) as (keyof typeof scenes)[])(
    '%s stopped at any call leaves the old or the new in place after recovery, and no bytes lost',
    (scene) => {
      const total = countCalls(scenes[scene]);
      for (let at = 1; at <= total; at += 1) {
        setUpSim({});
        const operation = scenes[scene]();
        const before = everyText();
        stopFrom(at);
        expect(() => apply(operation), `at call ${at}`).toThrow('stopped');
        sim.hooks = {};
        sim.kill();
        recoverDisplaced(disk, root);
        const texts = everyText();
        if (scene !== 'create') expect(texts, `at call ${at}`).toContain('old');
        if (scene === 'replace')
          expect(
            codeOf(() => readText(disk, `${root}/f`)),
            `at call ${at}`,
          ).toBe('no error');
        // One name: a second would be taken for a file of its own, in the way of the move.
        if (scene === 'move' || scene === 'move a link')
          expect(names('').filter((name) => name !== '.coffre').length, `at call ${at}`).toBe(1);
        expect(names('.coffre/replacing')).toEqual([]);
        expect(texts.length).toBeLessThanOrEqual(before.length + 1);
      }
    },
  );
});

function setUpSim(options: ConstructorParameters<typeof SimDisk>[0]): void {
  sim = new SimDisk(options);
  disk = sim;
  root = '/pair';
  batches = 0;
  disk.makeFolder(root, 0o755);
  createMarker(disk, root, marker);
}

/** How many calls it takes to apply the operation, on a fresh disk. */
function countCalls(prepare: () => ApplyOperation): number {
  setUpSim({});
  const operation = prepare();
  let count = 0;
  sim.hooks = { before: () => (count += 1) };
  apply(operation);
  return count;
}

/** Runs the action before the call of that number, counting from now. */
function atCall(number: number, action: () => void): void {
  atCalls(new Map([[number, action]]));
}

/** The calls an action makes are not counted. */
function atCalls(actions: ReadonlyMap<number, () => void>): void {
  let count = 0;
  let acting = false;
  sim.hooks = {
    before: () => {
      if (acting) return;
      count += 1;
      acting = true;
      actions.get(count)?.();
      acting = false;
    },
  };
}

/** No call from that number on is made, as when the process is killed. */
function stopFrom(number: number): void {
  let count = 0;
  sim.hooks = {
    before: () => {
      count += 1;
      if (count >= number) throw new Error('stopped');
    },
  };
}

/** The text of every file of the pair, wherever it is, but for our own records; of links their targets. */
function everyText(): string[] {
  return inside('').flatMap(({ path, stat }) => {
    if (stat.type === 'symlink') return [disk.readLink(`${root}/${path}`)];
    return stat.type === 'file' && !path.endsWith('.json') ? [readText(disk, `${root}/${path}`)] : [];
  });
}
