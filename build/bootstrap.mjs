// What must be true before any script of this project can run: the packages of the lockfile are installed and
// Node 24 is there. What runs from dist/ asks build.mjs as well.
// Rules: no dependency, and nothing newer than Node 18, because the system's own Node runs this file.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const cacheFolder = path.join(root, '.cache');

const lockFile = path.join(root, 'package-lock.json');
const lockStamp = path.join(root, 'node_modules', '.coffre-lock');
const isWindows = process.platform === 'win32';
const nodePackage = path.join(root, 'node_modules', 'node');
export const node24 = path.join(nodePackage, 'bin', isWindows ? 'node.exe' : 'node');

const toolPackages = {
  asar: '@electron/asar',
  depcruise: 'dependency-cruiser',
  eslint: 'eslint',
  knip: 'knip',
  prettier: 'prettier',
  tsc: 'typescript',
  vitest: 'vitest',
};

/** A failure that needs no stack: one line that says what to do. */
export class BootstrapError extends Error {}

/** Runs `main` and turns its result (or its failure) into the exit code of this process. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

export function ensureInstalled() {
  if (!packagesMatchLock()) {
    withLock('install', () => {
      if (packagesMatchLock()) return;
      process.stderr.write('Installing the packages of package-lock.json ...\n');
      npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], root);
      writeFileSync(lockStamp, hashOf(readFileSync(lockFile)));
    });
  }
  if (!nodeIsReady()) {
    withLock('install', () => {
      if (nodeIsReady()) return;
      process.stderr.write(`Fetching Node ${wantedNodeVersion()} ...\n`);
      fetchNode();
    });
  }
}

/** The command line of an installed tool, to be run on Node 24. */
export function toolArguments(name, args) {
  const packageName = toolPackages[name];
  if (packageName === undefined) throw new BootstrapError(`No tool is called ${name}.`);
  const folder = path.join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return [path.join(folder, typeof bin === 'string' ? bin : bin[name]), ...args];
}

/** Runs Node 24 in the foreground, passes signals on, and resolves to its exit code. */
export function runOnNode24(args, options = {}) {
  return runInForeground(node24, args, options);
}

/** As `runOnNode24`, but what it prints is returned with the code. */
export async function collectOnNode24(args, options = {}) {
  const chunks = [];
  const code = await runInForeground(node24, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    onStart: (child) => {
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
    },
  });
  return { code, output: Buffer.concat(chunks).toString() };
}

export function runInForeground(program, args, { onStart, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: environment(), ...options });
    onStart?.(child);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const forward = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, forward);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1));
    });
  });
}

/** The environment in which a plain `node` is Node 24 too. */
export function environment(extra = {}) {
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const folders = [
    path.dirname(node24),
    path.join(root, 'node_modules', '.bin'),
    process.env[pathName] ?? '',
  ];
  return { ...process.env, [pathName]: folders.join(path.delimiter), ...extra };
}

export function filesUnder(folder) {
  const absolute = path.join(root, folder);
  if (!existsSync(absolute)) return [];
  const found = [];
  const entries = readdirSync(absolute, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const relative = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesUnder(relative));
    else if (entry.isFile()) found.push(relative);
  }
  return found;
}

/**
 * True when what is installed is what the lockfile names. The stamp answers at once; npm's own record of the
 * installed tree answers after a plain `npm install`, so that such a tree is not thrown away.
 */
function packagesMatchLock() {
  const lockText = readOrNull(lockFile);
  if (lockText === null) throw new BootstrapError('package-lock.json is missing: get a complete checkout.');
  const lockHash = hashOf(lockText);
  const installedText = readOrNull(path.join(root, 'node_modules', '.package-lock.json'));
  if (installedText === null) return false;
  if (readOrNull(lockStamp) === lockHash) return true;
  const wanted = JSON.parse(lockText).packages;
  const installed = JSON.parse(installedText).packages;
  for (const [name, entry] of Object.entries(wanted)) {
    if (name === '') continue;
    const present = installed[name];
    if (present === undefined ? !entry.optional && !entry.devOptional : present.version !== entry.version)
      return false;
  }
  writeFileSync(lockStamp, lockHash);
  return true;
}

function wantedNodeVersion() {
  return JSON.parse(readFileSync(path.join(nodePackage, 'package.json'), 'utf8')).version;
}

function nodeIsReady() {
  if (!existsSync(node24)) return false;
  const result = spawnSync(node24, ['--version'], { encoding: 'utf8' });
  return result.stdout?.trim() === `v${wantedNodeVersion()}`;
}

/**
 * Install scripts are off (.npmrc), so the one that is allowed is run here. It is run directly, because npm
 * versions differ in how they let a single package through. The rebuild after it only links .bin/node.
 */
function fetchNode() {
  const result = spawnSync(process.execPath, ['installArchSpecificPackage.js'], {
    cwd: nodePackage,
    encoding: 'utf8',
    env: {
      ...process.env,
      npm_config_loglevel: 'error',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
    },
  });
  if (!nodeIsReady()) {
    process.stderr.write(result.stderr ?? '');
    throw new BootstrapError(
      'Node 24 could not be fetched: check the connection to the npm registry and try again.',
    );
  }
  npm(['rebuild', 'node', '--ignore-scripts', '--loglevel=error'], root);
}

function npm(args, cwd) {
  // The npm that started this script is preferred to whichever comes first in PATH.
  const npmScript = process.env.npm_execpath;
  const result =
    npmScript !== undefined && /npm-cli\.c?js$/.test(npmScript)
      ? spawnSync(process.execPath, [npmScript, ...args], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
      : spawnSync(isWindows ? 'npm.cmd' : 'npm', args, {
          cwd,
          stdio: ['ignore', 'ignore', 'inherit'],
          shell: isWindows,
        });
  if (result.status !== 0) throw new BootstrapError(`\`npm ${args[0]}\` failed: see the message above.`);
}

/** One install or build at a time: two would delete each other's files. A lock older than ten minutes is a crash's. */
export function withLock(name, action) {
  mkdirSync(cacheFolder, { recursive: true });
  const lock = path.join(cacheFolder, `${name}.lock`);
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 600_000) rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
  try {
    return action();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

export function readOrNull(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  }
}

function hashOf(content) {
  return createHash('sha256').update(content).digest('hex');
}
