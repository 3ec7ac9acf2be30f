/**
 * How fast Coffre is: two devices and a server on this machine, real processes of the built program.
 *   npm run bench -- [NAME...] [--only files,small-files,large,slow-line,text,server,app] [--quick [--keep]] [--json] [--profile FOLDER] [--dist FOLDER]
 *   npm run bench -- cloud [--devices 10000] [--seconds 60] [--long]: the server under load, embedded and scaled; each part of it
 *   alone: cloud-commits, cloud-events, cloud-packs, cloud-quota, cloud-kills, cloud-claims, cloud-fresh, cloud-usage
 *   npm run bench -- cloud-plans: PostgreSQL with ten million records
 *   npm run bench -- many-files large-files: from ten thousand to a million files, and from 1 to 100 GiB
 * What `--profile` left is summed up by budget.ts.
 */
import { parseArgs } from 'node:util';
import { app } from './app.ts';
import { claimTimes } from './cloud/claim-times.ts';
import { commitLoad } from './cloud/commit-load.ts';
import { eventLoad } from './cloud/event-load.ts';
import { freshDevice } from './cloud/fresh-device.ts';
import { killedServers } from './cloud/killed-servers.ts';
import { stopServices } from './cloud/load-services.ts';
import { packLoad } from './cloud/pack-load.ts';
import { quotaRace } from './cloud/quota-race.ts';
import { usage } from './cloud/usage.ts';
import { cloudPlans } from './cloud-plans.ts';
import { largeFiles, manyFiles } from './curves.ts';
import { files } from './files.ts';
import { keep, worseThanKept } from './kept.ts';
import { large } from './large.ts';
import { machineLine } from './machine.ts';
import { sideBySide, table, type Row } from './report.ts';
import type { Scenario } from './scenario.ts';
import { server } from './server.ts';
import { slowLine } from './slow-line.ts';
import { smallFiles } from './small-files.ts';
import { text } from './text.ts';

/** Nothing runs longer, whatever hangs. */
const LONGEST_MS = 30 * 60_000;
const LONGEST_CURVES_MS = 4 * 3_600_000;

const load: Readonly<Record<string, Scenario>> = {
  'cloud-commits': commitLoad,
  'cloud-events': eventLoad,
  'cloud-packs': packLoad,
  'cloud-quota': quotaRace,
  'cloud-kills': killedServers,
  'cloud-claims': claimTimes,
  'cloud-fresh': freshDevice,
  'cloud-usage': usage,
};
const scenarios: Readonly<Record<string, Scenario>> = {
  files,
  'small-files': smallFiles,
  large,
  'slow-line': slowLine,
  text,
  server,
  app,
  ...load,
  'cloud-plans': cloudPlans,
  'many-files': manyFiles,
  'large-files': largeFiles,
};
/** They take an hour and more: by name only. */
const CURVES: readonly string[] = ['many-files', 'large-files'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'string' },
    dist: { type: 'string' },
    devices: { type: 'string' },
    seconds: { type: 'string' },
    long: { type: 'boolean', default: false },
  },
});
// The app needs a desktop, and says nothing about speed in small; what begins with cloud needs PostgreSQL and Ceph.
const usual = Object.keys(scenarios).filter(
  (name) => !name.startsWith('cloud-') && !CURVES.includes(name) && (!values.quick || name !== 'app'),
);
const named = [...(values.only ?? []), ...positionals].flatMap((list) => list.split(','));
const only = (named.length === 0 ? usual : named).flatMap((name) =>
  name === 'cloud' ? Object.keys(load) : [name],
);
const unknown = only.find((name) => scenarios[name] === undefined);

if (unknown !== undefined) {
  console.error(`No scenario is called ${unknown}: choose from cloud, ${Object.keys(scenarios).join(', ')}.`);
  process.exitCode = 2;
} else {
  const longestMs = only.some((name) => CURVES.includes(name)) ? LONGEST_CURVES_MS : LONGEST_MS;
  const rows: Row[] = [];
  const print = (): void => {
    console.log(values.json ? JSON.stringify({ machine: machineLine(), rows }) : tables(rows));
  };
  // What was measured is told however it ends.
  const giveUp = (): void => {
    print();
    process.exit(1);
  };
  setTimeout(() => {
    console.error(`Not done after ${longestMs / 60_000} minutes.`);
    giveUp();
  }, longestMs).unref();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, giveUp);
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
        devices: values.devices === undefined ? null : Number(values.devices),
        long: values.long,
        seconds: values.seconds === undefined ? null : Number(values.seconds),
        say,
      };
      rows.push(...((await scenarios[name]?.(setting)) ?? []));
    } catch (error) {
      console.error(`${name} failed: ${String(error)}`);
      process.exitCode = 1;
    }
  }
  await stopServices();
  print();
  if (values.quick && values.keep) keep(rows);
  else if (values.quick) {
    const worse = worseThanKept(rows);
    for (const line of worse) console.error(`worse: ${line}`);
    if (worse.length > 0) process.exitCode = 1;
  }
}

function tables(rows: readonly Row[]): string {
  const alone = rows.filter(({ side }) => side === null);
  const both = rows.filter(({ side }) => side !== null);
  const printed = [
    ...(alone.length > 0 ? [table(alone)] : []),
    ...(both.length > 0 ? [sideBySide(both)] : []),
  ];
  return [machineLine(), ...printed].join('\n\n');
}
