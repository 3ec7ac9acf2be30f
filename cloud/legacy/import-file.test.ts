import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import type { LegacyRow } from '../store/legacy-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { addressHash } from './address.ts';
import { importFile, type ImportOutcome, type LegacyImport } from './import-file.ts';
import { BadHeader } from './import-lines.ts';

// What libcrypt makes of "abc".
const BCRYPT = '$2b$08$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia';

let dataDir: string;
let store: MetadataStore;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-legacy-'));
  const options = { defaultQuotaBytes: 1, exclusive: true, retentionMs: 0, uncommittedMs: 0 };
  store = await openEmbeddedStore({ ...options, dataDir });
});
afterEach(async () => {
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function bring(text: string, more: Partial<LegacyImport> = {}): Promise<ImportOutcome> {
  const file = join(dataDir, 'members');
  await writeFile(file, text);
  const times = { expiresMs: 1000, nowMs: 0 };
  return importFile(store.legacy, { file, format: 'csv', service: null, skipBad: false, ...times, ...more });
}

const found = (email: string): Promise<LegacyRow | null> => store.legacy.find(addressHash(email), 1);

it('takes CSV as spreadsheets write it, and JSON lines', async () => {
  const csv = [
    '\uFEFF"Plan",email,hash',
    `50GB,"Ann@Example.org","${BCRYPT}"`,
    '',
    '"1.5TiB","q""uote@example.org",',
    `,c@example.org,${BCRYPT}`,
  ].join('\r\n');
  expect(await bring(csv)).toEqual({
    kind: 'imported',
    good: 3,
    bad: 0,
    badLines: [],
    added: 3,
    known: 0,
  });
  expect(await found('ann@example.org')).toMatchObject({
    quotaBytes: 50_000_000_000,
    parameters: { scheme: 'bcrypt', cost: 8 },
  });
  expect(await found('q"uote@example.org')).toMatchObject({ quotaBytes: 1.5 * 1024 ** 4, parameters: null });

  const lines = [
    { email: 'd@example.org', hash: BCRYPT, scheme: 'bcrypt', plan: 5 },
    { email: 'e@example.org' },
    { email: 'E@example.org', plan: '9GB', hash: null },
  ].map((line) => JSON.stringify(line));
  expect(await bring(lines.join('\n'), { format: 'jsonl' })).toMatchObject({ added: 2, known: 1 });
  expect(await found('d@example.org')).toMatchObject({ quotaBytes: 5 });
  expect(await found('e@example.org')).toMatchObject({ quotaBytes: null });
});

it('tells each bad line by its number and why, quotes none, and brings nothing', async () => {
  const csv = [
    'email,hash,scheme,plan',
    `good@example.org,${BCRYPT},,`,
    `not an address,${BCRYPT},,`,
    'a@example.org,5f4dcc3b5aa765d61d8327deb882cf99,,',
    `b@example.org,${BCRYPT},scrypt,`,
    `c@example.org,${BCRYPT},,much`,
    'd@example.org,,bcrypt,',
    `e@example.org,${BCRYPT}`,
    `f@exa"mple.org,${BCRYPT},,`,
    `g@example.org,${'x'.repeat(5000)},,`,
    `h@example.org,${'x'.repeat(600)},,`,
    '"i@example.org,,,',
    `last@example.org,${BCRYPT},,`,
  ].join('\n');
  const outcome = await bring(csv);
  if (outcome.kind !== 'bad-lines') throw new Error(outcome.kind);
  expect(outcome).toMatchObject({ good: 2, bad: 10 });
  expect(outcome.badLines.map(({ line, why }) => `${line} ${why}`)).toEqual([
    expect.stringMatching(/^3 has no e-mail address/),
    expect.stringMatching(/^4 has a hash that is bare hexadecimal/),
    expect.stringMatching(/^5 has a hash of bcrypt, and another scheme/),
    expect.stringMatching(/^6 has a plan that is not a size/),
    expect.stringMatching(/^7 names a scheme and has no hash/),
    expect.stringMatching(/^8 has 2 fields and the header 4/),
    expect.stringMatching(/^9 has a quote/),
    expect.stringMatching(/^10 is longer than 4096/),
    expect.stringMatching(/^11 has a hash longer than 512/),
    expect.stringMatching(/^12 has a quote/),
  ]);
  expect(await store.legacy.offer(1)).toBeNull();

  expect(await bring(csv, { skipBad: true })).toMatchObject({ kind: 'imported', added: 2, bad: 10 });
  expect(await bring(csv, { skipBad: true })).toMatchObject({ kind: 'imported', added: 0, known: 2 });
});

it('tells of JSON lines what is wrong with them', async () => {
  const lines = ['{"email":"a@example.org"}', '[]', '{"email":5}', '{', '{"email":"b@example.org","x":1}'];
  const outcome = await bring(lines.join('\n'), { format: 'jsonl' });
  expect(outcome).toMatchObject({
    bad: 4,
    badLines: [
      { line: 2, why: expect.stringContaining('not an object') as string },
      { line: 3, why: expect.stringContaining('no email that is text') as string },
      { line: 4, why: expect.stringContaining('not JSON') as string },
      { line: 5, why: expect.stringContaining('a key that is not known') as string },
    ],
  });
});

it.each(['', 'name,email\n', 'hash,plan\n', 'email,email\n', `${'x'.repeat(5000)}\n`])(
  'refuses a CSV whose header it does not know: %#',
  async (text) => {
    await expect(bring(text)).rejects.toThrow(BadHeader);
  },
);

it('takes many lines in small batches, each address once', async () => {
  const lines = Array.from({ length: 2500 }, (_none, index) => `m${index % 2400}@example.org,${BCRYPT}`);
  const outcome = await bring(['email,hash', ...lines].join('\n'));
  expect(outcome).toMatchObject({ good: 2500, added: 2400, known: 100 });
  const offer = await store.legacy.offer(1);
  expect(offer?.shapes.map(({ rows }) => rows)).toEqual([2400]);
});
