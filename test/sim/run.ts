/** `npm run sim -- --seeds N --from S`: lives through many worlds, and tells those in which a promise broke. */
import { parseArgs } from 'node:util';
import { simulate, told } from './simulation.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
const beganMs = performance.now();
const failed: number[] = [];
for (let seed = from; seed < from + seeds; seed += 1) {
  const outcome = await simulate(seed);
  if ((seed - from) % 100 === 99) process.stderr.write(`seed ${seed}\n`);
  if (outcome.broken.length === 0) continue;
  failed.push(seed);
  process.stdout.write(`${told(outcome)}\n\n`);
}
const seconds = (performance.now() - beganMs) / 1000;
process.stdout.write(
  `${seeds} seeds in ${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(1)} a second; ` +
    `${failed.length} failed${failed.length === 0 ? '' : `: ${failed.join(', ')}`}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
