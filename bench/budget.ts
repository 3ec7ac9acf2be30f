/**
 * What `--profile FOLDER` left, as the budget of each step: CPU seconds of each process by what they were spent on.
 *   node build/run.mjs bench/budget.ts FOLDER
 * Time of Node's own functions counts for the file of ours that called them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
  /** Microseconds before each sample. */
  timeDeltas: z.array(z.number()),
});
type Profile = z.infer<typeof profileSchema>;

/** The first that fits a file counts. */
const STEPS: readonly (readonly [step: string, file: RegExp])[] = [
  ['look (walk, stat, watch)', /local-fs\/(walk|.*watcher|hint)|engine\/observe|chokidar/],
  ['read', /transfer\/(chunk-reader|basis)/],
  ['cut into chunks', /transfer\/(chunker|gear)/],
  ['compress', /transfer\/compress/],
  ['hash, seal and open', /crypto\/|transfer\/(open|pack-body|pack-builder|ingest|sealing-jobs)/],
  ['fetch', /transfer\/(fetch|range-plan)/],
  ['write and place', /transfer\/staging|local-fs\//],
  ['send and receive', /remote\/|bandwidth|undici/],
  ['plan', /\/plan\//],
  ['manifest', /manifest\/|better-sqlite3/],
  ['threads', /workers\//],
  ['server: packs', /cloud\/packs|store\/(s3|blob)/],
  ['server: log and accounts', /cloud\/(log|accounts|store|quota)/],
  ['server: HTTP', /cloud\/|fastify|\/ws\//],
  ['bytes and messages', /protocol\/|zod/],
  ['control thread', /sync-engine\//],
];
const OTHER = 'Node, start and the rest';
const IDLE = '(idle)';
const COLLECTOR = '(garbage collector)';

function stepOf(url: string): string | null {
  return STEPS.find(([, file]) => file.test(url))?.[0] ?? null;
}

/** Seconds by step. */
function budgetOf(profile: Profile): Map<string, number> {
  const step = new Map<number, string>();
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const find = (id: number): string => {
    const known = step.get(id);
    if (known !== undefined) return known;
    const { functionName = '', url = '' } = nodes.get(id)?.callFrame ?? {};
    const parent = parents.get(id);
    const own = functionName === COLLECTOR ? 'garbage' : functionName === IDLE ? IDLE : stepOf(url);
    const found = own ?? (parent === undefined ? OTHER : find(parent));
    step.set(id, found);
    return found;
  };
  const seconds = new Map<string, number>();
  for (const [index, sample] of profile.samples.entries()) {
    const name = find(sample);
    seconds.set(name, (seconds.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1e6);
  }
  seconds.delete(IDLE);
  return seconds;
}

/** The profiles of all threads of a process lie in one folder. */
function processes(folder: string): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.cpuprofile')) continue;
    const name = entry.parentPath.slice(folder.length + 1) || 'all';
    const sum = found.get(name) ?? new Map<string, number>();
    found.set(name, sum);
    const profile = profileSchema.parse(JSON.parse(readFileSync(join(entry.parentPath, entry.name), 'utf8')));
    for (const [step, seconds] of budgetOf(profile)) sum.set(step, (sum.get(step) ?? 0) + seconds);
  }
  return found;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Name the folder that was given to npm run bench -- --profile.');
  process.exitCode = 2;
} else {
  const found = [...processes(folder.replace(/\/+$/, ''))].sort(([one], [other]) => (one < other ? -1 : 1));
  const steps = [...STEPS.map(([step]) => step), 'garbage', OTHER];
  const cell = (seconds: number | undefined): string => (seconds === undefined ? '' : seconds.toFixed(2));
  const lines = [
    ['CPU s', ...found.map(([name]) => name)],
    ['---', ...found.map(() => '---')],
    ...steps
      .filter((step) => found.some(([, sum]) => (sum.get(step) ?? 0) >= 0.005))
      .map((step) => [step, ...found.map(([, sum]) => cell(sum.get(step)))]),
    ['in all', ...found.map(([, sum]) => cell([...sum.values()].reduce((all, one) => all + one, 0)))],
  ];
  console.log(lines.map((line) => `| ${line.join(' | ')} |`).join('\n'));
}
