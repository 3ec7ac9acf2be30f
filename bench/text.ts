/**
 * Trees of source code: how many bytes leave a device for those that are in them. This project's own has small
 * files, and 800 KiB of digests and ciphertext as text; the others are as their authors published them.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { row, trafficNote, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { compareTrees, filesOf } from './trees.ts';
import { World } from './world.ts';

const ROOT = join(import.meta.dirname, '..');
const TEXT = /\.(ts|tsx|js|mjs|cjs|json|jsonc|md|css|html|yml|sql|svg)$/;
const DEADLINE_MS = 120_000;

/** Libraries that come with their sources, and of which this project has a pinned version. */
const OTHERS = ['zod', 'fastify', 'eslint'];

export async function text(setting: Setting): Promise<readonly Row[]> {
  const tracked = execFileSync('git', ['-C', ROOT, 'ls-files', '-z'], { encoding: 'utf8' }).split('\0');
  const others = OTHERS.flatMap((name) => {
    const entries = readdirSync(join(ROOT, 'node_modules', name), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  });
  return [
    ...(await oneTree('this source tree', tracked, setting)),
    ...(await oneTree(`the sources of ${OTHERS.join(', ')}`, others, setting)),
  ];
}

async function oneTree(
  what: string,
  paths: readonly string[],
  { profiles, dist, say }: Setting,
): Promise<Row[]> {
  const world = await World.open({ needs: 1024 ** 3, profiles, dist });
  try {
    const aside = join(world.folder, 'aside');
    const names = paths.filter((name) => TEXT.test(name));
    for (const name of names) {
      mkdirSync(dirname(join(aside, name)), { recursive: true });
      cpSync(join(ROOT, name), join(aside, name));
    }
    const plain = names.reduce((sum, name) => sum + statSync(join(aside, name)).size, 0);
    say(`${what}: ${names.length} files, ${plain} bytes`);
    const onB = join(world.b.files, 'tree');
    const cost = await world.cost(async () => {
      renameSync(aside, join(world.a.files, 'tree'));
      await world.until(
        async () => (await world.isIdle()) && filesOf(onB).length === names.length,
        DEADLINE_MS,
        50,
      );
    });
    compareTrees(join(world.a.files, 'tree'), onB);
    return [
      row(`${what}, ${names.length} files`, cost.seconds, { cost, note: trafficNote(cost) }),
      row('  bytes sent (% of plain, names and records included)', (cost.aUp / plain) * 100, { target: 35 }),
    ];
  } finally {
    await world.close();
  }
}
