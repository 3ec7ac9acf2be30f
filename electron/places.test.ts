import path from 'node:path';
import { expect, it } from 'vitest';
import { placesOf } from './places.ts';

const folder = path.resolve('some', 'where');

it('finds the programs beside the main process in a checkout', () => {
  const places = placesOf(path.join(folder, 'dist', 'electron'));
  expect(places.engine).toBe(path.join(folder, 'dist', 'sync-engine', 'main.js'));
  expect(places.renderer).toBe(path.join(folder, 'dist', 'renderer'));
});

it('finds the programs outside the archive in a package', () => {
  const places = placesOf(path.join(folder, 'resources', 'app.asar', 'electron'));
  expect(places.server).toBe(path.join(folder, 'resources', 'programs', 'cloud', 'main.js'));
  expect(places.renderer).toBe(path.join(folder, 'resources', 'app.asar', 'renderer'));
});
