/** One large file: first sync, bytes inserted in its middle, pages overwritten here and there. */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { floorsOf } from './floors.ts';
import { row, trafficNote, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { compareFiles, makeFile } from './trees.ts';
import { World, type Cost } from './world.ts';

const MIB = 1024 ** 2;
const PIECE = 8 * MIB;
const PAGES = 64;
const PAGE = 4096;
const DEADLINE_MS = 290_000;

export async function large(setting: Setting): Promise<readonly Row[]> {
  const size = (setting.quick ? 128 : 2048) * MIB;
  const world = await World.open({ needs: size * 8, profiles: setting.profiles, dist: setting.dist });
  try {
    const targets = setting.quick ? [null, null, null] : [15, 10, 10];
    const [first = null, insert = null, pages = null] = targets;
    return [
      ...(await created(world, setting, size, first)),
      ...(await inserted(world, setting, insert)),
      ...(await overwritten(world, setting, pages)),
    ];
  } finally {
    await world.close();
  }
}

const onA = (world: World): string => join(world.a.files, 'large.bin');
const onB = (world: World): string => join(world.b.files, 'large.bin');

/** Runs a change of A's file and waits until B's is the same. */
async function carried(world: World, change: () => void): Promise<Cost> {
  const cost = await world.cost(async () => {
    change();
    const { size, mtimeMs } = statSync(onA(world));
    // Placed whole by one rename: size and time tell that it is there; the bytes are compared afterwards.
    await world.until(
      async () => {
        const there = statSync(onB(world), { throwIfNoEntry: false });
        if (there?.size !== size || Math.abs(there.mtimeMs - mtimeMs) > 1) return false;
        return world.isIdle();
      },
      DEADLINE_MS,
      50,
    );
  });
  compareFiles(onA(world), onB(world));
  return cost;
}

async function created(
  world: World,
  setting: Setting,
  size: number,
  target: number | null,
): Promise<readonly Row[]> {
  const aside = join(world.folder, 'aside');
  mkdirSync(aside);
  setting.say(`making a file of ${size / MIB} MiB`);
  makeFile(join(aside, 'large.bin'), size);
  const floors = floorsOf(aside, join(world.folder, 'copy'));
  setting.say(`floors: cp ${floors.copy.toFixed(2)} s, hash and seal ${floors.seal.toFixed(2)} s`);
  const cost = await carried(world, () => {
    renameSync(join(aside, 'large.bin'), onA(world));
  });
  return [
    row(`one file of ${size / MIB} MiB`, cost.seconds, { target, floors, cost, note: trafficNote(cost) }),
  ];
}

/** A new file aside, then renamed over the old one, as editors save. */
async function inserted(world: World, setting: Setting, target: number | null): Promise<readonly Row[]> {
  setting.say('inserting 1 MiB');
  const edited = join(world.folder, 'edited.bin');
  const { size } = statSync(onA(world));
  const [from, to] = [openSync(onA(world), 'r'), openSync(edited, 'w')];
  const piece = Buffer.alloc(PIECE);
  for (let at = 0; at < size; at += PIECE) {
    if (at === Math.floor(size / 2 / PIECE) * PIECE) writeSync(to, randomBytes(MIB));
    writeSync(to, piece, 0, readSync(from, piece, 0, PIECE, at));
  }
  closeSync(from);
  closeSync(to);
  const cost = await carried(world, () => {
    renameSync(edited, onA(world));
  });
  rmSync(edited, { force: true });
  return changeRows('1 MiB inserted in its middle', cost, target);
}

async function overwritten(world: World, setting: Setting, target: number | null): Promise<readonly Row[]> {
  setting.say(`overwriting ${PAGES} pages`);
  const { size } = statSync(onA(world));
  const cost = await carried(world, () => {
    const file = openSync(onA(world), 'r+');
    for (let index = 0; index < PAGES; index += 1) {
      writeSync(file, randomBytes(PAGE), 0, PAGE, Math.floor((size / PAGES) * index) + PAGE);
    }
    closeSync(file);
  });
  return changeRows(`${PAGES} scattered pages of 4 KiB overwritten`, cost, target, 35);
}

function changeRows(name: string, cost: Cost, target: number | null, mostMiB = 6): readonly Row[] {
  const most = Math.max(cost.aUp, cost.aDown, cost.bUp, cost.bDown);
  return [
    row(name, cost.seconds, { target, cost, note: trafficNote(cost) }),
    row('  most bytes one way (MiB)', most / MIB, { target: mostMiB }),
  ];
}
