import { beforeEach, describe, expect, it } from 'vitest';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { readText, writeText } from './disk-acceptance.ts';
import {
  defaultTrashLimits,
  listTrash,
  pruneTrash,
  restoreFromTrash,
  trashRecordBytes,
} from './local-trash.ts';
import { createMarker } from './root-marker.ts';

const root = '/pair';
const DAY = 86_400_000;
let disk: SimDisk;

beforeEach(() => {
  disk = new SimDisk();
  disk.makeFolder(root, 0o755);
  createMarker(disk, root, { version: 1, pair: 'p', account: 'a', device: 'd', random: '0123456789abcdef' });
});

function trash(id: string, path: string, text: string, atMs: number): void {
  const folder = `${root}/.coffre/trash/${id}`;
  disk.makeFolder(folder, 0o700);
  writeText(disk, `${folder}/item`, text);
  const record = trashRecordBytes({ version: 1, path, why: 'removed', atMs, bytes: text.length });
  writeText(disk, `${folder}/entry.json`, new TextDecoder().decode(record));
}

const ids = (): string[] => listTrash(disk, root).map(({ id }) => id);

describe('the local trash', () => {
  it('is listed oldest first', () => {
    trash('2', 'b', 'bb', 2);
    trash('1', 'a', 'a', 1);
    expect(listTrash(disk, root).map(({ id, record }) => [id, record?.path, record?.bytes])).toEqual([
      ['1', 'a', 1],
      ['2', 'b', 2],
    ]);
  });

  it('gives back to where it was, or elsewhere, never over anything', () => {
    trash('1', 'f', 'first', 1);
    trash('2', 'f', 'second', 2);
    trash('3', 'gone/f', 'third', 3);
    expect(restoreFromTrash(disk, root, '1')).toEqual({ outcome: 'restored' });
    expect(restoreFromTrash(disk, root, '2')).toEqual({ outcome: 'taken' });
    expect(restoreFromTrash(disk, root, '2', 'g')).toEqual({ outcome: 'restored' });
    expect(restoreFromTrash(disk, root, '2')).toEqual({ outcome: 'gone' });
    expect(() => restoreFromTrash(disk, root, '3')).toThrow('not-found');
    expect(restoreFromTrash(disk, root, '3', 'h')).toEqual({ outcome: 'restored' });
    expect(['f', 'g', 'h'].map((name) => readText(disk, `${root}/${name}`))).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(ids()).toEqual([]);
    expect(disk.list(`${root}/.coffre/trash`).entries).toEqual([]);
  });

  it('loses the old first, then the oldest until the rest fits', () => {
    for (let day = 1; day <= 5; day += 1) trash(`${day}`, 'f', 'ten bytes!', day * DAY);
    expect(pruneTrash(disk, root, { maxAgeMs: 30 * DAY, maxBytes: 1000 }, 10 * DAY)).toBe(0);
    expect(pruneTrash(disk, root, { maxAgeMs: 8 * DAY, maxBytes: 1000 }, 10 * DAY)).toBe(1);
    expect(ids()).toEqual(['2', '3', '4', '5']);
    expect(pruneTrash(disk, root, { maxAgeMs: 30 * DAY, maxBytes: 25 }, 10 * DAY)).toBe(2);
    expect(ids()).toEqual(['4', '5']);
  });

  it('clears what was cut short, keeps what lost its record, and empties closed folders', () => {
    trash('1', 'f', 'text', DAY);
    disk.removeFile(`${root}/.coffre/trash/1/item`);
    disk.makeFolder(`${root}/.coffre/trash/2`, 0o700);
    disk.makeFolder(`${root}/.coffre/trash/2/item`, 0o755);
    writeText(disk, `${root}/.coffre/trash/2/item/f`, 'inside');
    disk.setMode(`${root}/.coffre/trash/2/item`, 0o555);
    const limits = { maxAgeMs: 30 * DAY, maxBytes: 1000 };
    const now = 1_700_000_000_000 + DAY;
    expect(pruneTrash(disk, root, limits, now)).toBe(1);
    expect(listTrash(disk, root)).toMatchObject([{ id: '2', record: null }]);
    expect(pruneTrash(disk, root, { ...limits, maxBytes: 5 }, now)).toBe(1);
    expect(disk.list(`${root}/.coffre/trash`).entries).toEqual([]);
  });

  it('takes a tenth of the disk, ten gigabytes at most', () => {
    expect(defaultTrashLimits(50_000_000_000).maxBytes).toBe(5_000_000_000);
    expect(defaultTrashLimits(2_000_000_000_000).maxBytes).toBe(10_000_000_000);
  });
});
