// Makes dist/: the TypeScript compiled, the SQL beside it. A new dist/ is made aside and swapped in whole, so
// that a failed build leaves the last good one and nothing stale survives.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BootstrapError,
  ensureInstalled,
  environment,
  filesUnder,
  node24,
  readOrNull,
  root,
  runMain,
  toolArguments,
  withLock,
} from './bootstrap.mjs';

/** The programs; tests, benches and tools run from their sources. */
const builtFolders = ['protocol', 'programs', 'sync-engine', 'cloud', 'cli'];
/** Bundled instead of compiled: the desktop app. */
const bundledFolders = ['electron', 'renderer'];

export const distFolder = path.join(root, 'dist');
const stamp = path.join(distFolder, '.stamp');

/** Installs when needed, then builds when dist/ is not of the present sources. */
export function ensureBuilt() {
  ensureInstalled();
  if (isCurrent()) return;
  process.stderr.write('Building dist/ ...\n');
  const code = withLock('build', () => (isCurrent() ? 0 : build()));
  if (code !== 0) throw new BootstrapError('The build failed: see the errors above.');
}

/** Returns the compiler's exit code; 0 means that dist/ is of the present sources. */
function build() {
  const fresh = path.join(root, `dist.${process.pid}`);
  const stale = `${fresh}.old`;
  const hash = sourceHash();
  try {
    const compiler = toolArguments('tsc', ['--project', 'tsconfig.build.json', '--outDir', fresh]);
    const result = spawnSync(node24, compiler, { cwd: root, stdio: 'inherit', env: environment() });
    if (result.status !== 0) return result.status ?? 1;
    const bundled = spawnSync(node24, [path.join(root, 'build', 'bundle.mjs'), fresh], {
      cwd: root,
      stdio: 'inherit',
      env: environment(),
    });
    if (bundled.status !== 0) return bundled.status ?? 1;
    for (const file of sources().filter((name) => name.endsWith('.sql'))) {
      mkdirSync(path.dirname(path.join(fresh, file)), { recursive: true });
      copyFileSync(path.join(root, file), path.join(fresh, file));
    }
    writeFileSync(path.join(fresh, '.stamp'), hash);
    if (existsSync(distFolder)) renameSync(distFolder, stale);
    renameSync(fresh, distFolder);
    return 0;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(stale, { recursive: true, force: true });
  }
}

function isCurrent() {
  return readOrNull(stamp) === sourceHash();
}

/** A hash of all that dist/ is made from. */
function sourceHash() {
  const hash = createHash('sha256');
  const settings = [
    'tsconfig.json',
    'tsconfig.build.json',
    'build/build.mjs',
    'build/bundle.mjs',
    'build/licences.mjs',
    'package.json',
    'package-lock.json',
  ];
  for (const file of [...settings, ...sources()]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function sources() {
  const isSource = (file) => (file.endsWith('.ts') && !file.endsWith('.test.ts')) || file.endsWith('.sql');
  const isTest = (file) => /\.test\.tsx?$/.test(file);
  return [
    ...builtFolders.flatMap(filesUnder).filter(isSource),
    ...bundledFolders.flatMap(filesUnder).filter((file) => !isTest(file)),
  ];
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runMain(() => {
    ensureInstalled();
    return withLock('build', build);
  });
}
