// Packages the desktop app: npm run package -- PLATFORM TARGET... [--arch x64,arm64] [--out FOLDER] [--test-build]
//   linux: dir tar.gz deb rpm AppImage     win: dir nsis zip     mac: dir dmg zip (--arch universal)
// What each needs of the machine, signing and the address of new versions are in docs/packaging.md.
// --test-build takes whatever Electron the tests run on, and says so in the result; without it an Electron that
// is not the one of package.json is refused.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Arch, Platform, build as electronBuilder } from 'electron-builder';
import { BootstrapError, root, runMain } from './bootstrap.mjs';
import { ensureBuilt } from './build.mjs';
import { builderConfiguration, fuses } from './electron-builder.mjs';
import { ensureElectron } from './electron-runtime.mjs';
import { makeDeb } from './package/deb.mjs';
import { makeTarball } from './package/tarball.mjs';
import { stage } from './package/stage.mjs';

const TARGETS = {
  linux: ['dir', 'tar.gz', 'deb', 'rpm', 'AppImage'],
  win: ['dir', 'nsis', 'zip'],
  mac: ['dir', 'dmg', 'zip'],
};
const NODE_NAMES = { linux: 'linux', win: 'win32', mac: 'darwin' };
const PLATFORMS = { linux: Platform.LINUX, win: Platform.WINDOWS, mac: Platform.MAC };
const ARCHS = { x64: Arch.x64, arm64: Arch.arm64, universal: Arch.universal };
/** Made here of the unpacked folder, the same everywhere and without a download. */
const OWN = { 'tar.gz': makeTarball, deb: makeDeb };
/** Older runtimes do not know these. */
const NEWER_FUSES = ['grantFileProtocolExtraPrivileges'];

await runMain(async () => {
  const { values, positionals } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch },
      out: { type: 'string', default: path.join(root, 'release') },
      'test-build': { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const [platform = 'linux', ...targets] = positionals;
  const possible = TARGETS[platform];
  if (possible === undefined)
    throw new BootstrapError(`Choose a platform from ${Object.keys(TARGETS).join(', ')}.`);
  const unknown = targets.find((target) => !possible.includes(target));
  if (unknown !== undefined || targets.length === 0) {
    throw new BootstrapError(`Choose what to make for ${platform} from ${possible.join(', ')}.`);
  }
  ensureBuilt();
  for (const arch of values.arch.split(',')) {
    await make({ platform, arch, targets, out: path.resolve(values.out), isTestBuild: values['test-build'] });
  }
  return 0;
});

async function make({ platform, arch, targets, out, isTestBuild }) {
  const runtime = runtimeFor(platform, arch, isTestBuild);
  const { version: own } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const version = isTestBuild ? `${own}-test.electron${runtime.version.split('.')[0]}` : own;
  // Outside the checkout: electron-builder looks for packages in the folders above as well.
  const staged = mkdtempSync(path.join(tmpdir(), 'coffre-package-'));
  try {
    const archs = arch === 'universal' ? ['x64', 'arm64'] : [arch];
    stage({ folder: staged, platform: NODE_NAMES[platform], archs, version, isTestBuild });
    const configuration = builderConfiguration({
      staged,
      output: out,
      electronVersion: runtime.version,
      electronDist: runtime.folder,
      fuses: runtime.release ? fuses : without(fuses, NEWER_FUSES),
      updateUrl: process.env.COFFRE_UPDATE_URL ?? null,
    });
    const build = (names, prepackaged = null) =>
      electronBuilder({
        targets: PLATFORMS[platform].createTarget(names, ARCHS[arch]),
        config: configuration,
        projectDir: staged,
        prepackaged,
        publish: 'never',
      });
    mkdirSync(out, { recursive: true });
    const theirs = targets.filter((target) => target !== 'dir' && OWN[target] === undefined);
    const mine = targets.filter((target) => OWN[target] !== undefined);
    if (theirs.length === 0 || platform === 'linux') await build(['dir']);
    const unpacked = path.join(out, `${platform}-${arch === 'x64' ? '' : `${arch}-`}unpacked`);
    for (const target of mine) {
      const file = await OWN[target]({ unpacked, out, version, arch });
      process.stdout.write(`${file}\n`);
    }
    if (theirs.length > 0) await (platform === 'linux' ? build(theirs, unpacked) : build(theirs));
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** The runtime of this machine, or the version that electron-builder is to fetch for another one. */
function runtimeFor(platform, arch, isTestBuild) {
  if (NODE_NAMES[platform] === process.platform && arch === process.arch) {
    const runtime = ensureElectron();
    if (runtime.release || isTestBuild) return runtime;
    throw new BootstrapError(
      'Electron could not be fetched, and the one of the tests is old and not for use: get a connection to where Electron is published, or make a test build (--test-build).',
    );
  }
  const { version } = JSON.parse(
    readFileSync(path.join(root, 'node_modules', 'electron', 'package.json'), 'utf8'),
  );
  return { folder: null, version, release: true };
}

function without(object, names) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
