// Which packages another needs, read from package-lock.json: the same on every machine.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../bootstrap.mjs';

export function readLock() {
  return JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
}

/** Places (`node_modules/a/node_modules/b`) of the named packages and of all that they need, sorted. */
export function packagesUnder(lock, names) {
  const found = new Set();
  const visit = (place) => {
    if (place === null || found.has(place)) return;
    found.add(place);
    const { dependencies, optionalDependencies } = lock[place];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies }))
      visit(placeOf(lock, place, name));
  };
  for (const name of names) visit(placeOf(lock, '', name));
  return [...found].sort();
}

/** As Node looks for it: in the package itself, then in each one around it. */
function placeOf(lock, from, name) {
  const around = from.split('/node_modules/');
  for (let depth = around.length; depth >= 0; depth -= 1) {
    const folder = around.slice(0, depth).join('/node_modules/');
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock[place] !== undefined) return place;
  }
  return null;
}
