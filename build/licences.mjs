// The third-party packages that a build contains, with their licence texts, for the window's "About" and for the
// package. Read from the lockfile, so that what is not installed on this platform is told by its name at least.
//   node build/licences.mjs OUT_FILE
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Development packages that end up in the window's bundle, and the runtimes that are shipped. */
const bundled = [
  '@zxcvbn-ts/core',
  '@zxcvbn-ts/language-common',
  '@zxcvbn-ts/language-en',
  '@zxcvbn-ts/language-fr',
  'electron',
  'i18next',
  'lucide-react',
  'node',
  'react',
  'react-aria-components',
  'react-dom',
  'react-i18next',
];
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** `[{name, version, licence, text}]`, by name. */
export function collectLicences() {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const found = new Map();
  const visit = (name, from) => {
    const place = resolve(lock, name, from);
    if (place === null || found.has(place)) return;
    const entry = lock[place];
    found.set(place, describe(place, entry));
    // What these two depend on only fetches them.
    if (name === 'electron' || name === 'node') return;
    const needed = { ...entry.dependencies, ...entry.optionalDependencies };
    for (const dependency of Object.keys(needed)) visit(dependency, place);
    for (const [peer, about] of Object.entries(entry.peerDependencies ?? {})) {
      if (about !== undefined && entry.peerDependenciesMeta?.[peer]?.optional !== true) visit(peer, place);
    }
  };
  for (const name of [...Object.keys(lock[''].dependencies), ...bundled]) visit(name, '');
  const unique = new Map([...found.values()].map((one) => [`${one.name} ${one.version}`, one]));
  return [...unique.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** As Node finds a package: in the nearest node_modules on the way up. */
function resolve(lock, name, from) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('node_modules/') - 1))) {
    const place = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (lock[place] !== undefined) return place;
    if (base === '') return null;
  }
}

function describe(place, entry) {
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const folder = path.join(root, place);
  const files = existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((file) => file.isFile() && LICENCE_FILE.test(file.name))
        .map((file) => file.name)
        .sort()
    : [];
  const texts = files.map((file) =>
    readFileSync(path.join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim(),
  );
  const licence = entry.license ?? 'see its text';
  return {
    name,
    version: entry.version,
    licence,
    text:
      texts.length > 0
        ? texts.join('\n\n')
        : `Licensed under ${licence}. The package carries no licence text of its own.`,
  };
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(process.argv[2], JSON.stringify(collectLicences()));
}
