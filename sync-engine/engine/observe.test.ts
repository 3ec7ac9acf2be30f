/** What a scan of some folders makes of the local tree. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '../../protocol/ids.ts';
import { nodeId, sample, type Sample } from '../../test/fakes/sample-manifest.ts';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { POSIX_CAPABILITIES } from '../local-fs/capabilities.ts';
import { writeText } from '../local-fs/disk-acceptance.ts';
import { createMarker, makePairFolders, PARKED, type PairMarker } from '../local-fs/root-marker.ts';
import { PARKED_NODE } from '../plan/tree.ts';
import { InlineWorkers } from '../workers/inline-workers.ts';
import { Books } from './books.ts';
import { Observer } from './observe.ts';
import { PairDisk } from './pair-disk.ts';

const clock = { nowMs: () => 1, monotonicMs: () => 1, sleep: () => Promise.resolve() };
const random = { bytes: (size: number) => new Uint8Array(size), fraction: () => 0.5 };
const marker: PairMarker = {
  version: 1,
  pair: 'b1b1b1b1b1b1b1b1',
  account: 'a',
  device: 'd',
  random: '0123456789abcdef',
};
let world: Sample;
let disk: SimDisk;
let observer: Observer;
let root: string;
let ids = 0;

beforeEach(() => {
  world = sample();
  root = world.pair.config.folder;
  disk = new SimDisk();
  for (const folder of ['/home', '/home/me', root]) disk.makeFolder(folder, 0o755);
  makePairFolders(disk, root);
  createMarker(disk, root, marker);
  const books = new Books(world.pair, world.vault);
  const pairDisk = new PairDisk({
    pair: world.pair,
    disk,
    workers: new InlineWorkers(disk),
    clock,
    random,
    expected: { marker, remembered: null },
    capabilities: POSIX_CAPABILITIES,
    learned: null,
    signal: new AbortController().signal,
  });
  observer = new Observer({
    books,
    manifest: world.manifest,
    disk: pairDisk,
    newId: () => nodeId(`node ${(ids += 1)}`),
    raise: () => undefined,
    clearAt: () => undefined,
  });
});

/** Paths on disk of all that the local tree holds. */
function known(): string[] {
  const paths: string[] = [];
  const visit = (folder: NodeId): void => {
    for (const { id } of world.pair.localChildren(folder)) {
      paths.push(world.pair.diskPath(id) ?? `${id} has no place`);
      visit(id);
    }
  };
  visit(world.pair.config.bound);
  return paths.sort();
}

describe('a folder that was put into another one of its own name', () => {
  beforeEach(async () => {
    disk.makeFolder(`${root}/work`, 0o755);
    writeText(disk, `${root}/work/thesis`, 'a year of work');
    await observer.scan(true);
    expect(known()).toEqual(['work', 'work/thesis']);
    disk.rename(`${root}/work`, `${root}/aside`);
    disk.makeFolder(`${root}/work`, 0o755);
    disk.rename(`${root}/aside`, `${root}/work/work`);
  });

  it('is found in it though only that one is hinted at', async () => {
    observer.hint('work');
    await observer.scan(false);
    // First the folder above, then that one.
    expect(known()).toEqual(['work', 'work/thesis']);
    expect(observer.hasHints).toBe(true);
    await observer.scan(false);
    expect(known()).toEqual(['work', 'work/work', 'work/work/thesis']);
    await observer.scan(true);
    expect(known()).toEqual(['work', 'work/work', 'work/work/thesis']);
    expect(observer.hasHints).toBe(false);
  });

  it('is found in it by a scan of everything', async () => {
    await observer.scan(true);
    expect(known()).toEqual(['work', 'work/work', 'work/work/thesis']);
  });
});

it('a folder that took the place of a file does not fill the file, though only the folder is hinted at', async () => {
  writeText(disk, `${root}/note`, 'short');
  await observer.scan(true);
  disk.removeFile(`${root}/note`);
  disk.makeFolder(`${root}/note`, 0o755);
  writeText(disk, `${root}/note/thesis`, 'a year of work');

  observer.hint('note');
  await observer.scan(false);
  await observer.scan(false);
  expect(known()).toEqual(['note', 'note/thesis']);
  expect(world.pair.local.get(world.pair.localAt('note')!)?.type).toBe('folder');
  expect(observer.hasHints).toBe(false);
});

it('what was brought back from where it was parked, which its row does not say, is itself', async () => {
  disk.makeFolder(`${root}/work`, 0o755);
  await observer.scan(true);
  const id = world.pair.localAt('work')!;
  const row = world.pair.local.get(id)!;
  world.pair.putLocal({ ...row, parent: PARKED_NODE, parked: true });
  disk.rename(`${root}/work`, `${root}/done`);

  await observer.scan(true);
  expect(known()).toEqual(['done']);
  expect(world.pair.localAt('done')).toBe(id);
});

it('what is parked stays so when another name leads to it', async () => {
  writeText(disk, `${root}/note`, 'short');
  await observer.scan(true);
  const id = world.pair.localAt('note')!;
  const row = world.pair.local.get(id)!;
  disk.rename(`${root}/note`, `${root}/${PARKED}/${id}`);
  world.pair.putLocal({ ...row, parent: PARKED_NODE, parked: true });
  disk.makeHardLink(`${root}/${PARKED}/${id}`, `${root}/again`);

  await observer.scan(true);
  expect(known()).toEqual(['again']);
  expect(world.pair.localAt('again')).not.toBe(id);
  expect(world.pair.local.get(id)?.parked).toBe(true);
});
