// The licence texts of everything in a package: what it contains as files, and what the window is bundled from.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from '../bootstrap.mjs';
import { packagesUnder } from './lock.mjs';

/** Bundled into the window and the main process. */
const BUNDLED = [
  '@zxcvbn-ts/core',
  '@zxcvbn-ts/language-common',
  '@zxcvbn-ts/language-en',
  '@zxcvbn-ts/language-fr',
  'i18next',
  'lucide-react',
  'react',
  'react-aria-components',
  'react-dom',
  'react-i18next',
];
const TEXT = /^(licen[cs]e|notice|copying)(\b|[._-])/i;

export function licencesOf(lock, places) {
  const all = [...new Set([...places, ...packagesUnder(lock, BUNDLED)])].sort();
  return all.map((place) => entry(place, lock[place])).join('');
}

function entry(place, { version, license }) {
  const folder = path.join(root, place);
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => TEXT.test(name))
        .sort()
    : [];
  const texts = names.map((name) => readFileSync(path.join(folder, name), 'utf8').trim());
  const title = `${place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)} ${version} (${license ?? 'see its text'})`;
  return `${title}\n${'='.repeat(title.length)}\n\n${texts.join('\n\n')}\n\n\n`;
}
