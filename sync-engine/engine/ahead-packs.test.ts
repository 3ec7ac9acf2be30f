/** What is fetched ahead of its file: asked for once, read from here once, and gone when nobody wants it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PackEntry } from '../../protocol/commit.ts';
import { ZERO_HASH, type PackName } from '../../protocol/ids.ts';
import { packName, vaultId } from '../../test/fakes/sample-manifest.ts';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { virtualClock, VirtualTime } from '../../test/sim/virtual-time.ts';
import { CloudError } from '../remote/cloud.ts';
import { Bandwidth } from '../transfer/bandwidth.ts';
import { AheadPacks, clearAhead } from './ahead-packs.ts';

const MIB = 1024 * 1024;
const FOLDER = '/ahead';
const SIZE = 4 * MIB;
const [one, two, three] = ['one', 'two', 'three'].map((name) => packName(name)) as [
  PackName,
  PackName,
  PackName,
];

let time: VirtualTime;
let disk: SimDisk;
let asked: PackName[];
let isWanted: boolean;
let isOffline: boolean;
let defects: unknown[];
let ahead: AheadPacks;

beforeEach(() => {
  time = new VirtualTime();
  disk = new SimDisk({ capacityBytes: 64 * 1024 * MIB });
  asked = [];
  isWanted = true;
  isOffline = false;
  defects = [];
  const clock = virtualClock(time, 0);
  ahead = new AheadPacks({
    vault: vaultId('v'),
    cloud: {
      getPack: (_vault, name, start, end) => {
        asked.push(name);
        if (isOffline) return Promise.reject(new CloudError('offline', 'no line'));
        return Promise.resolve(new Uint8Array(end - start).fill(name.charCodeAt(0)));
      },
    },
    disk,
    folder: FOLDER,
    clock,
    down: new Bandwidth(clock),
    signal: new AbortController().signal,
    isWanted: () => isWanted,
    received: () => undefined,
    crashed: (error) => defects.push(error),
  });
});

const entry = (name: PackName, size = SIZE): PackEntry => ({ name, size, indexHash: ZERO_HASH });
const kept = (): readonly string[] =>
  disk.lstat(FOLDER) === null ? [] : disk.list(FOLDER).entries.map(({ name }) => name);

describe('packs ahead of their file', () => {
  it('are read from here, and go when they were read', async () => {
    ahead.came([entry(one)]);
    const first = await ahead.range(one, 0, 2 * MIB);
    expect(first).toEqual(new Uint8Array(2 * MIB).fill(one.charCodeAt(0)));
    expect(kept()).toEqual([one]);
    // A range may end beyond its pack.
    expect((await ahead.range(one, 2 * MIB, 8 * MIB))?.length).toBe(2 * MIB);
    expect([asked, kept()]).toEqual([[one], []]);
    expect(await ahead.range(one, 0, MIB)).toBeNull();
  });

  it('are fetched from the account where the first read was of no use', async () => {
    ahead.came([entry(one)]);
    expect(await ahead.range(one, 0, MIB)).not.toBeNull();
    expect(await ahead.range(one, 0, MIB)).toBeNull();
    expect([await ahead.range(one, MIB, 2 * MIB), kept()]).toEqual([null, []]);
  });

  it('come two at a time, and what was not begun is left to who asks for it', async () => {
    ahead.came([entry(one), entry(two), entry(three)]);
    expect(await ahead.range(three, 0, MIB)).toBeNull();
    expect(await ahead.range(two, 0, MIB)).not.toBeNull();
    expect(asked).toEqual([one, two]);
  });

  it('are not kept where no room is left, the line breaks off, or nobody wants them', async () => {
    isWanted = false;
    ahead.came([entry(one)]);
    isWanted = true;
    expect(await ahead.range(one, 0, MIB)).toBeNull();
    isOffline = true;
    ahead.came([entry(one)]);
    expect(await ahead.range(one, 0, MIB)).toBeNull();
    isOffline = false;
    disk.capacityBytes = 1024 * MIB;
    ahead.came([entry(two)]);
    expect(await ahead.range(two, 0, MIB)).toBeNull();
    disk.capacityBytes = 64 * 1024 * MIB;
    disk.failNext('io', 'write');
    ahead.came([entry(three)]);
    expect(await ahead.range(three, 0, MIB)).toBeNull();
    expect([defects, kept()]).toEqual([[], []]);
  });

  it('are a gibibyte at most', async () => {
    const many = Array.from({ length: 100 }, (_, index) => entry(packName(String(index)), 16 * MIB));
    ahead.came(many);
    isWanted = false; // nothing more is begun
    await time.pass(1000);
    const held = [];
    for (const { name } of many) if ((await ahead.range(name, 0, 1)) !== null) held.push(name);
    expect(asked.length).toBe(2);
    expect(held.length).toBe(2);
    isWanted = true;
    asked.length = 0;
    ahead.came(many);
    await time.pass(1000);
    expect(asked.length).toBe(62);
  });

  it('go after five minutes, and with the next start', async () => {
    ahead.came([entry(one)]);
    await time.pass(299_000);
    expect(kept()).toEqual([one]);
    await time.pass(2000);
    expect(kept()).toEqual([]);
    ahead.came([entry(two)]);
    await time.pass(1000);
    expect(kept()).toEqual([two]);
    clearAhead(disk, FOLDER);
    expect(kept()).toEqual([]);
    expect(await ahead.range(two, 0, MIB)).toBeNull();
  });
});
