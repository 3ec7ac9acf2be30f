// `npm test`: every check of the project in order, from a fresh checkout on. The last line is the sum,
// `N passed, N failed`; a step that is not a suite of tests counts as one test.
//   npm test -- --only unit,lint     runs the named steps
//   npm test -- --only unit plan     ... and only the test files whose path contains "plan"
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  BootstrapError,
  cacheFolder,
  ensureInstalled,
  environment,
  readOrNull,
  root,
  runMain,
  runOnNode24,
  toolArguments,
} from './bootstrap.mjs';
import { ensureBuilt } from './build.mjs';

const checks = {
  format: ['prettier', '--check', '--log-level', 'warn', '.'],
  lint: ['eslint', '.', '--max-warnings', '0'],
  types: ['tsc', '--noEmit'],
  'types-window': ['tsc', '--noEmit', '--project', 'renderer/tsconfig.json'],
  layers: ['depcruise', '.'],
  dead: ['knip', '--no-config-hints'],
};
const suites = ['unit', 'vectors', 'fuzz', 'sim', 'hostile', 'window', 'integration'];
/** Programs of the system that tests need: what installs them on Debian, and what is left out without them. */
const systemPrograms = [
  { program: 'ip', package: 'iproute2', leftOut: 'the tests that cut the network are' },
  { program: 'chromium', package: 'chromium', leftOut: 'the suite window is', suite: 'window' },
];
const steps = [...Object.keys(checks), 'build', ...suites];

await runMain(async () => {
  const { values, positionals } = parseArgs({
    options: { only: { type: 'string', multiple: true } },
    allowPositionals: true,
  });
  const only = (values.only ?? []).flatMap((list) => list.split(','));
  const unknown = only.find((name) => !steps.includes(name));
  if (unknown !== undefined)
    throw new BootstrapError(`No step is called ${unknown}: choose from ${steps.join(', ')}.`);
  const isChosen = (step) => only.length === 0 || only.includes(step);

  ensureInstalled();
  const leftOut = ensureSystemPackages(isChosen);

  const results = [];
  for (const [name, [tool, ...args]] of Object.entries(checks)) {
    if (!isChosen(name)) continue;
    announce(name);
    const code = await runOnNode24(toolArguments(tool, args), { cwd: root });
    results.push({ name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  }
  // The suites start the built programs, so a build that fails is told before they fail for it.
  if (isChosen('build') || suites.some(isChosen)) {
    announce('build');
    results.push(runBuild());
  }
  for (const name of suites) {
    if (!isChosen(name)) continue;
    announce(name);
    if (leftOut.has(name)) results.push(suiteLeftOut(name));
    else results.push(await runSuite(name, positionals));
  }
  return report(results, suites.some(isChosen));
});

function announce(name) {
  process.stdout.write(`\n== ${name}\n`);
}

function runBuild() {
  try {
    ensureBuilt();
    return { name: 'build', passed: 1, failed: 0, skipped: 0 };
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    process.stdout.write(`${error.message}\n`);
    return { name: 'build', passed: 0, failed: 1, skipped: 0 };
  }
}

function suiteLeftOut(name) {
  process.stdout.write('Left out: a program that it needs is missing.\n');
  return { name, passed: 0, failed: process.env.CI === 'true' ? 1 : 0, skipped: 1 };
}

/** Counts come from vitest's own report; a file that fails to load or a stray rejection counts as one failure. */
async function runSuite(name, filters) {
  mkdirSync(cacheFolder, { recursive: true });
  const reportFile = path.join(cacheFolder, `vitest-${name}-${process.pid}.json`);
  const options = [
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    '--passWithNoTests',
  ];
  const code = await runOnNode24(
    toolArguments('vitest', ['run', '--project', name, ...options, ...filters]),
    { cwd: root },
  );
  const text = readOrNull(reportFile);
  rmSync(reportFile, { force: true });
  const counts = text === null ? {} : JSON.parse(text);
  const emptyFailures = (counts.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = (counts.numFailedTests ?? 0) + emptyFailures;
  return {
    name,
    passed: counts.numPassedTests ?? 0,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: (counts.numPendingTests ?? 0) + (counts.numTodoTests ?? 0),
  };
}

function report(results, wantsTests) {
  const total = (field, among = results) => among.reduce((sum, result) => sum + result[field], 0);
  process.stdout.write('\n');
  for (const { name, passed, failed, skipped } of results) {
    const skippedPart = skipped > 0 ? `, ${skipped} skipped` : '';
    process.stdout.write(`${name.padEnd(12)} ${passed} passed, ${failed} failed${skippedPart}\n`);
  }
  const ranNothing =
    wantsTests &&
    total(
      'passed',
      results.filter(({ name }) => suites.includes(name)),
    ) === 0;
  if (ranNothing) process.stdout.write('No test ran.\n');
  process.stdout.write(`${total('passed')} passed, ${total('failed')} failed\n`);
  return total('failed') > 0 || ranNothing ? 1 : 0;
}

/**
 * Installs what is missing where this process may. What stays missing leaves tests out, and it is said; where CI
 * is set it is a failure. Returns the suites left out.
 */
function ensureSystemPackages(isWanted) {
  if (process.platform !== 'linux') {
    process.stderr.write('The suite window runs on Linux only and is left out.\n');
    return new Set(['window']);
  }
  const wanted = systemPrograms.filter(({ suite }) => suite === undefined || isWanted(suite));
  const isMissing = ({ program }) => !hasProgram(program);
  const missing = wanted.filter(isMissing).map((one) => one.package);
  if (missing.length > 0 && process.getuid?.() === 0 && hasProgram('apt-get')) {
    process.stderr.write(`Installing ${missing.join(' ')} ...\n`);
    const options = { stdio: 'ignore', env: environment({ DEBIAN_FRONTEND: 'noninteractive' }) };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options);
  }
  const leftOut = wanted.filter(isMissing);
  for (const { program, package: name, leftOut: what } of leftOut) {
    process.stderr.write(`\`${program}\` (${name}) is missing: ${what} left out.\n`);
  }
  return new Set(leftOut.map(({ suite }) => suite).filter((suite) => suite !== undefined));
}

function hasProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
