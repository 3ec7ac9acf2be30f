// Takes each countermeasure of mutations/mutations.ts away in a copy of this checkout and sees that the test of its
// attack fails. Run by hand: node build/run.mjs test/hostile/check-mutations.mjs [MS-05 ...]. Prints a table; exits 1 when a
// mutation was not noticed.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MUTATIONS } from './mutations/mutations.ts';

const root = join(import.meta.dirname, '../..');
const asked = process.argv.slice(2);
const mutations = MUTATIONS.filter(({ attack }) => asked.length === 0 || asked.includes(attack));
const copy = mkdtempSync(join(tmpdir(), 'coffre-mutations-'));

/** Of one attack. All tests of one take a tenth of it; without what is taken away some never come to an end. */
const LONGEST_MS = 300_000;
let lastOutput = '';

/** True when the tests of these attacks pass in the copy. */
function passes(attacks) {
  const files = attacks.map((attack) =>
    attack === 'mutating' ? 'test/hostile/mutating/answers' : `test/hostile/${attack.toLowerCase()}-`,
  );
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'hostile',
    '--bail',
    '1',
    ...files,
  ];
  const run = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', MUTATE_RUNS: '1000' },
    timeout: LONGEST_MS * attacks.length,
    killSignal: 'SIGKILL',
  });
  if (run.status === 0) return true;
  if (run.error?.code === 'ETIMEDOUT') {
    lastOutput = `not done after ${(LONGEST_MS * attacks.length) / 1000} s\n${run.stdout}`;
    return false;
  }
  if (!/Tests .*\d+ (failed|passed)/.test(run.stdout)) {
    throw new Error(`the tests did not run:\n${run.stdout}\n${run.stderr}`);
  }
  lastOutput = run.stdout;
  return false;
}

let unnoticed = 0;
try {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  for (const file of new Set(listed.stdout.toString().split('\0'))) {
    if (file === '') continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const attacks = [...new Set(mutations.map(({ attack }) => attack))];
  if (!passes(attacks)) throw new Error(`the tests fail before anything is taken away\n${lastOutput}`);
  console.log('| attack | taken away | noticed |\n|---|---|---|');
  for (const { attack, what, file, find, replace } of mutations) {
    const path = join(copy, file);
    const whole = readFileSync(path, 'utf8');
    if (!whole.includes(find)) throw new Error(`${file} has no: ${find}`);
    writeFileSync(path, whole.replaceAll(find, replace));
    const noticed = !passes([attack]);
    writeFileSync(path, whole);
    if (!noticed) unnoticed += 1;
    console.log(`| ${attack} | ${what} | ${noticed ? 'yes' : 'NO'} |`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.exitCode = unnoticed === 0 ? 0 : 1;
