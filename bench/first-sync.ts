/** A tree that appears on A at once, until its last byte is on B. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { floorsOf } from './floors.ts';
import { row, trafficNote, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { compareTrees, filesOf, makeTree } from './trees.ts';
import type { World } from './world.ts';

const DEADLINE_MS = 290_000;

/** @param target seconds */
export async function firstSync(
  world: World,
  setting: Setting,
  tree: { readonly count: number; readonly size: number; readonly target: number | null },
): Promise<Row> {
  const { count, size, target } = tree;
  const aside = join(world.folder, 'aside');
  setting.say(`making ${count} files`);
  makeTree(aside, count, size);
  const floors = floorsOf(aside, join(world.folder, 'copy'));
  setting.say(`floors: cp ${floors.copy.toFixed(2)} s, hash and seal ${floors.seal.toFixed(2)} s`);
  const onB = join(world.b.files, 'tree');
  const cost = await world.cost(async () => {
    renameSync(aside, join(world.a.files, 'tree'));
    // Being idle is asked first: it is cheap, and counting the files of a tree is not.
    await world.until(async () => (await world.isIdle()) && filesOf(onB).length === count, DEADLINE_MS, 50);
  });
  setting.say(`on B after ${cost.seconds.toFixed(1)} s; comparing`);
  compareTrees(join(world.a.files, 'tree'), onB);
  return row(`first sync of ${count} files of ${size / 1024} KiB`, cost.seconds, {
    target,
    floors,
    cost,
    note: trafficNote(cost),
  });
}
