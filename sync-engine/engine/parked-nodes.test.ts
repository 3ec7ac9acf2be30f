/** What a stop left in `.coffre/parked`, and the rows that know or do not know of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '../../protocol/ids.ts';
import { file, folder, inLog, onDisk, sample, type Sample } from '../../test/fakes/sample-manifest.ts';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { readText, writeText } from '../local-fs/disk-acceptance.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import { lstatInside } from '../local-fs/inside.ts';
import { listTrash } from '../local-fs/local-trash.ts';
import { listParked, trashParked } from '../local-fs/parked.ts';
import { createMarker, PARKED } from '../local-fs/root-marker.ts';
import { PARKED_NODE } from '../plan/tree.ts';
import { Books } from './books.ts';
import { recoverParked } from './parked-nodes.ts';
import { standingPath } from './paths.ts';

const ROOT = '/pair';
const NODE = file('thesis.txt');
const PARKED_PATH = `${ROOT}/${PARKED}/${NODE.id}`;
let disk: SimDisk;
let world: Sample;

beforeEach(() => {
  disk = new SimDisk();
  disk.makeFolder(ROOT, 0o755);
  createMarker(disk, ROOT, { version: 1, pair: 'p', account: 'a', device: 'd', random: '0123456789abcdef' });
  world = sample();
  writeText(disk, PARKED_PATH, 'a year of work');
});

function recover(): void {
  const pairDisk = {
    parked: () => listParked(disk, ROOT),
    trashParked: (item: { name: string; stat: DiskStat }, path: string) => {
      trashParked(disk, ROOT, item, { entry: '1', path, nowMs: 1 });
    },
    lstat: (path: string) => lstatInside(disk, ROOT, path),
    nameFor: (_: NodeId, name: string) => name,
  };
  recoverParked(pairDisk, new Books(world.pair, world.vault));
}

function row(): void {
  const stat = disk.lstat(PARKED_PATH);
  if (stat === null) throw new Error('it was written');
  world.pair.putLocal(onDisk(NODE, { ino: stat.ino, dev: stat.dev }));
}

const trashed = (): (string | undefined)[] => listTrash(disk, ROOT).map(({ record }) => record?.path);

describe('a node that was being parked at the stop', () => {
  it('is parked for its row too, and planned again', () => {
    row();
    recover();
    expect(world.pair.local.get(NODE.id)?.parent).toBe(PARKED_NODE);
    expect(world.pair.isDirty(NODE.id)).toBe(true);
    expect(readText(disk, PARKED_PATH)).toBe('a year of work');
    recover();
    expect(trashed()).toEqual([]);
  });

  it('goes to the local trash when its row knows of another file in its place', () => {
    world.pair.putLocal(onDisk(NODE, { ino: 424_242 }));
    recover();
    expect(world.pair.local.get(NODE.id)?.parent).toBe(NODE.parent);
    expect(trashed()).toEqual(['thesis.txt']);
  });

  it('goes to the local trash when no row is its own', () => {
    recover();
    expect(trashed()).toEqual([NODE.id]);
    expect(readText(disk, `${ROOT}/.coffre/trash/1/item`)).toBe('a year of work');
  });
});

describe('where a node stands', () => {
  const FOLDER = folder('papers');
  const INSIDE = file('thesis.txt', { parent: FOLDER.id });

  it('is beneath what is parked, or a path as any, or nowhere', () => {
    const { pair } = world;
    pair.putLocal(onDisk(FOLDER));
    pair.putLocal(onDisk(INSIDE, { localName: 'thesis~.txt' }));
    expect(standingPath(pair, INSIDE.id)).toBe('papers/thesis~.txt');
    pair.putLocal(onDisk(FOLDER, { parent: PARKED_NODE, parked: true }));
    expect(standingPath(pair, INSIDE.id)).toBe(`${PARKED}/${FOLDER.id}/thesis~.txt`);
    expect(standingPath(pair, FOLDER.id)).toBe(`${PARKED}/${FOLDER.id}`);
    pair.deleteLocal(FOLDER.id);
    expect(standingPath(pair, INSIDE.id)).toBeNull();
  });
});

describe('a node that was being brought back at the stop', () => {
  beforeEach(() => {
    row();
    recover();
    world.vault.putRemote(inLog(NODE));
    world.pair.putSynced(NODE);
    disk.rename(PARKED_PATH, `${ROOT}/moved`);
  });

  it('is in its place for its row too when it is there', () => {
    disk.rename(`${ROOT}/moved`, `${ROOT}/thesis.txt`);
    recover();
    expect(world.pair.local.get(NODE.id)).toMatchObject({ parent: NODE.parent, parked: false });
  });

  it('is nowhere for its row when it is not, and nobody removed it', () => {
    recover();
    expect(world.pair.local.get(NODE.id)).toBeUndefined();
    expect(world.pair.synced.get(NODE.id)).toBeUndefined();
    expect(world.pair.isDirty(NODE.id)).toBe(true);
  });
});
