// `npm test`: every check of the project, from a fresh checkout on. The last line is the sum,
// `N passed, N failed`; a step that is not a suite of tests counts as one test. The static checks keep one core
// busy while the suites of whole programs, which mostly wait, run beside them; what they print comes when each ends.
//   npm test -- --only unit,lint     runs the named steps
//   npm test -- --only unit plan     ... and only the test files whose path contains "plan"
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import {
  BootstrapError,
  cacheFolder,
  collectOnNode24,
  ensureInstalled,
  readOrNull,
  root,
  runMain,
  runOnNode24,
  toolArguments,
} from './bootstrap.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureElectron } from './electron-runtime.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

const checks = {
  format: ['prettier', '--check', '--log-level', 'warn', '.'],
  lint: ['eslint', '.', '--max-warnings', '0'],
  types: ['tsc', '--noEmit'],
  'types-window': ['tsc', '--noEmit', '--project', 'renderer/tsconfig.json'],
  'types-e2e': ['tsc', '--noEmit', '--project', 'test/e2e/tsconfig.json'],
  layers: ['depcruise', '.'],
  dead: ['knip', '--no-config-hints'],
};
// Those that wait come first, beside the checks; those that want every core come when the checks have ended.
const waiting = ['integration', 'faults', 'scaled', 'window', 'e2e', 'package'];
const busy = ['unit', 'vectors', 'fuzz', 'sim', 'hostile'];
const suites = [...waiting, ...busy];
const linesOfFailure = 12;
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
  // Whole devices against a server that keeps everything in PostgreSQL and S3 (test/integration/test-cloud.ts).
  const onServices = ['scaled', 'nodes'].includes(process.env.COFFRE_TEST_CLOUD);
  const needsServices = (suite) => suite === 'scaled' && onServices && isChosen('integration');
  const leftOut = ensureSystemPackages((suite) => isChosen(suite) || needsServices(suite));
  if (needsServices('scaled') && leftOut.has('scaled')) leftOut.set('integration', leftOut.get('scaled'));
  const startElectron = ['e2e', 'package'].filter((suite) => isChosen(suite) && !leftOut.has(suite));
  if (startElectron.length > 0) findElectron(startElectron, leftOut);

  const checked = runChecks(Object.keys(checks).filter(isChosen));
  const results = [];
  // The suites start the built programs, so a build that fails is told before they fail for it.
  if (isChosen('build') || suites.some(isChosen)) {
    announce('build');
    results.push(await timed(runBuild));
  }
  const run = async (name) => {
    if (!isChosen(name)) return;
    const why = leftOut.get(name);
    if (why === undefined) {
      announce(name);
      results.push(await timed(() => runSuite(name, positionals)));
    } else results.push(suiteLeftOut(name, why));
  };
  for (const name of waiting) await run(name);
  results.unshift(...(await checked));
  for (const name of busy) await run(name);
  return report(results, suites.some(isChosen));
});

function announce(name) {
  process.stdout.write(`\n== ${name}\n`);
}

async function timed(action) {
  const began = performance.now();
  const result = await action();
  return { ...result, seconds: (performance.now() - began) / 1000 };
}

/** One after another. What one prints is kept until it ends, for the suites print meanwhile. */
async function runChecks(names) {
  const results = [];
  for (const name of names) {
    const [tool, ...args] = checks[name];
    results.push(
      await timed(async () => {
        const { code, output } = await collectOnNode24(toolArguments(tool, args), { cwd: root });
        process.stdout.write(`\n== ${name}\n${output}`);
        if (code === 0) return { name, passed: 1, failed: 0, skipped: 0 };
        return { name, passed: 0, failed: 1, skipped: 0, failures: [{ name, message: output }] };
      }),
    );
  }
  return results;
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

function findElectron(suites, leftOut) {
  try {
    ensureElectron();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    for (const suite of suites) leftOut.set(suite, error.message);
  }
}

function suiteLeftOut(name, why) {
  process.stdout.write(`\n== ${name}\nLeft out: ${why}.\n`);
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
  const failures = (counts.testResults ?? []).flatMap(failuresOf);
  const failed = failures.length;
  return {
    name,
    passed: counts.numPassedTests ?? 0,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: (counts.numPendingTests ?? 0) + (counts.numTodoTests ?? 0),
    failures,
  };
}

/** Each test of a file that failed, or the file itself where it could not be run. */
function failuresOf(file) {
  const where = path.relative(root, file.name);
  const tests = file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map((test) => ({ name: `${where} > ${test.fullName}`, message: test.failureMessages.join('\n') }));
  return file.status === 'failed' && tests.length === 0
    ? [{ name: where, message: file.message ?? '' }]
    : tests;
}

function report(results, wantsTests) {
  const total = (field, among = results) => among.reduce((sum, result) => sum + result[field], 0);
  process.stdout.write('\n');
  // Again, and short: who reads the end of a long log must not have to look for what failed.
  for (const failure of results.flatMap(({ failures }) => failures ?? [])) {
    const lines = stripVTControlCharacters(failure.message).split('\n').slice(0, linesOfFailure);
    process.stdout.write(`FAILED ${failure.name}\n${lines.map((line) => `  ${line}\n`).join('')}\n`);
  }
  for (const { name, passed, failed, skipped, seconds } of results) {
    const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    const took = seconds === undefined ? '' : `  (${seconds.toFixed(0)} s)`;
    process.stdout.write(`${name.padEnd(12)} ${counts}${took}\n`);
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
