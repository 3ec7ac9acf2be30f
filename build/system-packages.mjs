// What the tests need of the system. Where this process may install packages (root, apt-get) it does, all in one
// go; what is missing after that leaves suites out, which is said, and is a failure in continuous integration.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { environment } from './bootstrap.mjs';

const needs = [
  {
    suites: ['integration'],
    programs: { ip: 'iproute2' },
    without: 'the tests that cut the network are left out',
    leavesOut: [],
  },
  {
    suites: ['faults'],
    programs: { strace: 'strace', mount: 'mount', prlimit: 'util-linux' },
    without: 'the tests that make system calls fail and set limits are left out',
    leavesOut: [],
  },
  {
    suites: ['scaled'],
    programs: {
      'ceph-mon': 'ceph-mon',
      'ceph-osd': 'ceph-osd',
      radosgw: 'radosgw',
      'radosgw-admin': 'radosgw',
      ceph: 'ceph-common',
      monmaptool: 'ceph-base',
    },
    // Its programs are in no path: a folder for each version.
    files: { '/usr/lib/postgresql': 'postgresql' },
    // Else Debian's package makes a database of its own at once, and starts it.
    settings: { '/etc/postgresql-common/createcluster.conf': 'create_main_cluster = false\n' },
    without: 'the suite scaled, which uses a real PostgreSQL and a real S3 store, is left out',
    leavesOut: ['scaled'],
  },
  {
    suites: ['window'],
    programs: { chromium: 'chromium' },
    without: 'the suite window is left out',
    leavesOut: ['window'],
  },
  {
    suites: ['e2e', 'package'],
    programs: {
      Xvfb: 'xvfb',
      'dbus-daemon': 'dbus',
      gdbus: 'libglib2.0-bin',
      openbox: 'openbox',
      'xfce4-panel': 'xfce4-panel',
      'gnome-keyring-daemon': 'gnome-keyring',
    },
    // What Electron itself needs; of two names the newer comes first.
    libraries: {
      'libgtk-3.so.0': ['libgtk-3-0t64', 'libgtk-3-0'],
      'libnss3.so': ['libnss3'],
      'libasound.so.2': ['libasound2t64', 'libasound2'],
      'libgbm.so.1': ['libgbm1'],
      'libsecret-1.so.0': ['libsecret-1-0'],
    },
    files: { '/usr/share/fonts/truetype': 'fonts-dejavu-core' },
    without: 'the suites e2e and package, which start the desktop app, are left out',
    leavesOut: ['e2e', 'package'],
  },
];

/**
 * Installs what is missing for the chosen suites.
 * @returns {Map<string, string>} the suites that cannot be run, each with the reason
 */
export function ensureSystemPackages(isChosen) {
  const leftOut = new Map();
  if (process.platform !== 'linux') {
    for (const suite of ['scaled', 'window', 'e2e', 'package']) leftOut.set(suite, 'it runs on Linux only');
    return leftOut;
  }
  const needed = needs.filter(({ suites }) => suites.some(isChosen));
  const lacking = needed.filter((need) => missingOf(need).length > 0);
  if (lacking.length > 0 && mayInstall()) {
    for (const { settings = {} } of lacking) writeSettings(settings);
    install(lacking.flatMap(missingOf));
  }
  for (const need of needed) {
    const missing = missingOf(need).map(({ name }) => name);
    if (missing.length === 0) continue;
    const reason = `${missing.join(', ')} missing: ${need.without}`;
    process.stderr.write(`${reason}.\n`);
    for (const suite of need.leavesOut) leftOut.set(suite, reason);
  }
  return leftOut;
}

function mayInstall() {
  return process.getuid?.() === 0 && hasProgram('apt-get');
}

/** What packages are told before they are installed; a file that is there is somebody's own. */
function writeSettings(settings) {
  for (const [file, text] of Object.entries(settings)) {
    if (existsSync(file)) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function install(missing) {
  const options = { stdio: 'ignore', env: environment({ DEBIAN_FRONTEND: 'noninteractive' }) };
  process.stderr.write(
    `Installing what the tests need of the system: ${missing.map(({ name }) => name).join(' ')} ...\n`,
  );
  spawnSync('apt-get', ['update', '-qq'], options);
  const packages = missing.map(({ packages }) => packages.find(isKnownPackage) ?? packages.at(-1));
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...new Set(packages)], options);
}

/** Also false for a name that other packages provide, which apt-get refuses to choose among. */
function isKnownPackage(name) {
  const { stdout } = spawnSync('apt-cache', ['show', name], { encoding: 'utf8' });
  return stdout?.includes(`Package: ${name}\n`) ?? false;
}

function missingOf({ programs = {}, libraries = {}, files = {} }) {
  const known = Object.keys(libraries).length > 0 ? knownLibraries() : '';
  return [
    ...Object.entries(programs)
      .filter(([name]) => !hasProgram(name))
      .map(([name, from]) => ({ name, packages: [from] })),
    ...Object.entries(libraries)
      .filter(([name]) => !known.includes(`\t${name} `))
      .map(([name, packages]) => ({ name, packages })),
    ...Object.entries(files)
      .filter(([name]) => !existsSync(name))
      .map(([name, from]) => ({ name, packages: [from] })),
  ];
}

function knownLibraries() {
  const program = ['/sbin/ldconfig', '/usr/sbin/ldconfig'].find((file) => existsSync(file)) ?? 'ldconfig';
  return spawnSync(program, ['-p'], { encoding: 'utf8' }).stdout ?? '';
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
