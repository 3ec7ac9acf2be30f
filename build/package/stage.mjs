// Puts together what goes into a package, in a folder of its own:
//   app/       the archive (app.asar): main process, preload script, window, and the one package they load
//   programs/  outside the archive, where any Node can run them: engine, server and command line, with the
//              packages of package.json that they import and the one native module for that machine
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../bootstrap.mjs';
import { distFolder } from '../build.mjs';
import { packagesUnder, readLock } from './lock.mjs';
import { licencesOf } from './licences.mjs';

const WINDOW_PARTS = ['electron', 'renderer'];
const PROGRAMS = ['protocol', 'programs', 'sync-engine', 'cloud', 'cli'];
/** Loaded by the main process itself. */
const APP_PACKAGES = ['electron-updater'];
/** Of the sources of a native module; its prebuilt file is all that runs. */
const BUILD_ONLY = /^node_modules\/(node-addon-api$|better-sqlite3\/(deps|src|binding\.gyp))/;
const NOT_RUN = /\.(md|markdown|map|d\.[cm]?ts|[cm]?ts)$|\/(test|tests|benchmark|benchmarks|\.github)$/i;
const LICENCE = /^(licen[cs]e|notice|copying)/i;

/** @param {{ folder: string, platform: string, archs: string[], version: string, isTestBuild: boolean }} request */
export function stage({ folder, platform, archs, version, isTestBuild }) {
  rmSync(folder, { recursive: true, force: true });
  const app = path.join(folder, 'app');
  const programs = path.join(folder, 'programs');
  const described = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const lock = readLock();

  for (const part of WINDOW_PARTS) copyBuilt(part, app);
  const appPackages = packagesUnder(lock, APP_PACKAGES);
  for (const name of appPackages) copyPackage(name, app, []);
  writeJson(path.join(app, 'package.json'), {
    name: 'coffre-desktop',
    productName: 'Coffre',
    desktopName: 'coffre-desktop.desktop',
    version,
    description: described.description,
    license: described.license,
    author: described.author ?? 'The Coffre project',
    homepage: described.homepage,
    main: 'electron/main.cjs',
    // electron-builder follows this to what it puts into the archive.
    dependencies: Object.fromEntries(APP_PACKAGES.map((name) => [name, described.dependencies[name]])),
  });

  const programPackages = stagePrograms({ folder: programs, platform, archs });

  const texts = path.join(folder, 'texts');
  mkdirSync(texts);
  cpSync(path.join(root, 'LICENSE'), path.join(texts, 'LICENSE.txt'));
  writeFileSync(
    path.join(texts, 'LICENSES.packages.txt'),
    licencesOf(lock, [...appPackages, ...programPackages]),
  );
  if (isTestBuild) {
    writeFileSync(
      path.join(texts, 'TEST-BUILD.txt'),
      'Built with an old Electron that has known security holes, to test how Coffre is packaged.\nNot for use.\n',
    );
  }
}

/**
 * Engine, server and command line alone, into a folder that is not there yet. Answers the packages they have with
 * them, by their place in the lock file.
 * @param {{ folder: string, platform: string, archs: string[] }} request
 */
export function stagePrograms({ folder, platform, archs }) {
  const described = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const part of PROGRAMS) copyBuilt(part, folder);
  const packages = packagesUnder(
    readLock(),
    Object.keys(described.dependencies).filter((name) => !APP_PACKAGES.includes(name)),
  );
  const natives = archs.map((arch) => `${platform}-${arch}.node`);
  for (const name of packages) copyPackage(name, folder, natives);
  writeJson(path.join(folder, 'package.json'), {
    name: 'coffre',
    version: described.version,
    type: 'module',
    private: true,
  });
  return packages;
}

function copyBuilt(part, to) {
  cpSync(path.join(distFolder, part), path.join(to, part), {
    recursive: true,
    filter: (file) => !file.endsWith('.map'),
  });
}

function copyPackage(name, to, natives) {
  const from = path.join(root, name);
  if (!existsSync(from) || BUILD_ONLY.test(name)) return;
  cpSync(from, path.join(to, name), {
    recursive: true,
    filter: (file) => {
      const relative = path.relative(root, file).split(path.sep).join('/');
      // What is nested has its own entry in the lock file.
      if (file !== from && path.basename(file) === 'node_modules') return false;
      if (BUILD_ONLY.test(relative)) return false;
      if (/\/prebuilds\/[^/]+$/.test(relative)) return natives.includes(path.basename(file));
      return LICENCE.test(path.basename(file)) || !NOT_RUN.test(relative.slice(name.length));
    },
  });
}

function writeJson(file, content) {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}
