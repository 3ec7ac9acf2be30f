/**
 * `npm run sim -- --seeds N --from S`: lives through many worlds, and tells those in which a promise broke, each
 * without what has nothing to do with it. `npm run sim -- --replay FILE`: lives on from a bug report.
 */
import { parseArgs } from 'node:util';
import { minimal } from './minimal.ts';
import { replayFile } from './replay-file.ts';
import { simulate, told } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    // No world is begun after these, for a run in the background.
    minutes: { type: 'string', default: 'Infinity' },
    plain: { type: 'boolean', default: false },
    replay: { type: 'string' },
  },
});
if (values.replay !== undefined) process.exit(await replayFile(values.replay));
const from = Number(values.from);
const seeds = Number(values.seeds);
const step = Number(values.step);
const { plain } = values;
const beganMs = performance.now();
const endMs = beganMs + Number(values.minutes) * 60_000;
let lived = 0;
const failed: number[] = [];
const faults: Record<string, number> = {};
for (let seed = from; seed < from + step * seeds; seed += step) {
  if (performance.now() > endMs) break;
  lived += 1;
  const outcome = await simulate(seed, { plain });
  if (((seed - from) / step) % 100 === 99) process.stderr.write(`seed ${seed}\n`);
  for (const [kind, times] of Object.entries(outcome.faults)) faults[kind] = (faults[kind] ?? 0) + times;
  if (outcome.broken.length === 0) continue;
  failed.push(seed);
  process.stderr.write(`seed ${seed} failed: ${outcome.broken[0]?.split('\n')[0] ?? ''}\n`);
  process.stdout.write(`${told(await minimal(outcome, { plain }))}\n\n`);
}
const seconds = (performance.now() - beganMs) / 1000;
const counts = Object.entries(faults).map(([kind, times]) => `${times} x ${kind}`);
process.stdout.write(
  `${lived} seeds in ${seconds.toFixed(1)} s, ${(lived / seconds).toFixed(1)} a second; ${counts.join(', ')}; ` +
    `${failed.length} failed${failed.length === 0 ? '' : `: ${failed.join(', ')}`}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
