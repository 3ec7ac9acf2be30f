import { expect, it } from 'vitest';
import { fromHex } from '../../protocol/ids.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { nodeIds } from './node-ids.ts';

it('makes ids of 16 bytes, each once, in runs that begin alike', () => {
  const next = nodeIds(seededRandom('node ids'));
  const ids = Array.from({ length: 10_000 }, next);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(fromHex(id).length).toBe(16);
  const prefixes = ids.map((id) => id.slice(0, 8));
  expect(new Set(prefixes.slice(0, 4096)).size).toBe(1);
  expect(new Set(prefixes).size).toBe(3);
});

it('shares nothing between two makers', () => {
  const random = seededRandom('two makers');
  expect(nodeIds(random)().slice(0, 8)).not.toBe(nodeIds(random)().slice(0, 8));
});
