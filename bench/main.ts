/**
 * How fast Coffre is: two devices and a server on this machine, real processes of the built program.
 *   npm run bench -- [--only files,small-files,large,slow-line,server,app,cloud-plans] [--quick [--keep]] [--json] [--profile FOLDER] [--dist FOLDER]
 */
import { parseArgs } from 'node:util';
import { app } from './app.ts';
import { cloudPlans } from './cloud-plans.ts';
import { files } from './files.ts';
import { keep, worseThanKept } from './kept.ts';
import { large } from './large.ts';
import { machineLine } from './machine.ts';
import { table, type Row } from './report.ts';
import type { Scenario } from './scenario.ts';
import { server } from './server.ts';
import { slowLine } from './slow-line.ts';
import { smallFiles } from './small-files.ts';

/** Nothing runs longer, whatever hangs. */
const LONGEST_MS = 15 * 60_000;

const scenarios: Readonly<Record<string, Scenario>> = {
  files,
  'small-files': smallFiles,
  large,
  'slow-line': slowLine,
  server,
  app,
  'cloud-plans': cloudPlans,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'string' },
    dist: { type: 'string' },
  },
});
// The app needs a desktop, and says nothing about speed in small; the plans need PostgreSQL, and say nothing about it.
const usual = Object.keys(scenarios).filter(
  (name) => name !== 'cloud-plans' && (!values.quick || name !== 'app'),
);
const only = (values.only ?? usual).flatMap((list) => list.split(','));
const unknown = only.find((name) => scenarios[name] === undefined);

if (unknown !== undefined) {
  console.error(`No scenario is called ${unknown}: choose from ${Object.keys(scenarios).join(', ')}.`);
  process.exitCode = 2;
} else {
  setTimeout(() => {
    console.error(`Not done after ${LONGEST_MS / 60_000} minutes.`);
    process.exit(1);
  }, LONGEST_MS).unref();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const rows: Row[] = [];
  for (const name of only) {
    const began = performance.now();
    const say = (line: string): void => {
      console.error(`[${name} ${((performance.now() - began) / 1000).toFixed(0)} s] ${line}`);
    };
    try {
      const setting = {
        quick: values.quick,
        profiles: values.profile ?? null,
        dist: values.dist ?? null,
        say,
      };
      rows.push(...((await scenarios[name]?.(setting)) ?? []));
    } catch (error) {
      console.error(`${name} failed: ${String(error)}`);
      process.exitCode = 1;
    }
  }
  if (values.json) console.log(JSON.stringify({ machine: machineLine(), rows }));
  else console.log(`${machineLine()}\n\n${table(rows)}`);
  if (values.quick && values.keep) keep(rows);
  else if (values.quick) {
    const worse = worseThanKept(rows);
    for (const line of worse) console.error(`worse: ${line}`);
    if (worse.length > 0) process.exitCode = 1;
  }
}
