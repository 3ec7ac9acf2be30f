/**
 * Made the frozen vectors, from a fixed seed: `node test/vectors/generate.ts`. A file that exists is never
 * written again: bytes once published stay readable. A new group of vectors gets a new file.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { accounts, secrets } from './account-vectors.ts';
import { bundles } from './bundle-vectors.ts';
import { log } from './log-vectors.ts';
import { run, type Vector } from './operations.ts';
import { PUBLISHED } from './published.ts';
import { indexes, records, recordSizes } from './record-vectors.ts';
import { objects, segments } from './sealing-vectors.ts';

async function write(file: string, vectors: readonly Vector[]): Promise<void> {
  const path = join(import.meta.dirname, file);
  if (existsSync(path)) return;
  for (const vector of vectors) {
    const actual = await run(vector);
    if (!isDeepStrictEqual(actual, vector.expected)) {
      throw new Error(`${file}, ${vector.name}: ${JSON.stringify(actual)} is not what was expected`);
    }
  }
  writeFileSync(path, `${JSON.stringify(vectors, null, 1)}\n`);
}

await write('published.json', PUBLISHED);
await write('objects.json', await objects());
await write('segments.json', await segments());
await write('records.json', await records());
await write('record-sizes.json', await recordSizes());
await write('indexes.json', await indexes());
await write('log.json', await log());
await write('accounts.json', await accounts());
await write('secrets.json', await secrets());
await write('bundles.json', await bundles());
