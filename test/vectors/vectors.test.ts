/** Frozen vectors: what was once sealed opens for ever, and what was once refused stays refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, type Vector } from './operations.ts';

const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const groups = files.map((file) => ({
  file,
  vectors: JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector[],
}));

/**
 * What is no longer sealed as it was: small records had 512 bytes at least. What was sealed so has to be opened
 * still, by a vector of its own.
 */
const isSealedSmaller = (file: string, { operation, expected }: Vector, actual: unknown): boolean =>
  file === 'records.json' &&
  operation === 'record-seal' &&
  typeof expected === 'string' &&
  expected.length === 2 * 512 &&
  typeof actual === 'string' &&
  actual.length === 2 * 256;

const isRefusal = (vector: Vector): boolean =>
  vector.expected === false ||
  (typeof vector.expected === 'object' && JSON.stringify(vector.expected).startsWith('{"refused"'));

describe.each(groups)('$file', ({ file, vectors }) => {
  it.each(vectors)('$operation: $name', async (vector) => {
    const actual = await run(vector);
    if (!isSealedSmaller(file, vector, actual)) expect(actual).toEqual(vector.expected);
    else {
      const opened = vectors.filter(({ operation }) => operation === 'record-open');
      expect(opened.map(({ input }) => input['sealed'])).toContain(vector.expected);
    }
  });
});

describe('the collection', () => {
  it('is whole', () => {
    const ours = groups.filter(({ file }) => file !== 'published.json').flatMap(({ vectors }) => vectors);
    expect(ours.length).toBeGreaterThanOrEqual(299);
    expect(ours.filter(isRefusal).length).toBeGreaterThanOrEqual(154);
    const names = ours.map(({ operation, name }) => `${operation}: ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
