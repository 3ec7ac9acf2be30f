import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { databaseConfig } from './database-options.ts';
import { storageConfig } from './storage-options.ts';

const URL_ONLY = 'postgres://coffre@db.example.org/coffre';
const WITH_PASSWORD = 'postgres://coffre:a-secret@db.example.org/coffre';

function refusalOf(work: () => unknown): { exit: number; message: string; hint: string } {
  try {
    work();
  } catch (error) {
    return error as { exit: number; message: string; hint: string };
  }
  throw new Error('it was taken');
}

it('takes the address of a database by flag, by file or by environment', () => {
  expect(databaseConfig({}, {})).toBeNull();
  expect(databaseConfig({ databaseUrl: URL_ONLY }, {})).toEqual({ url: URL_ONLY, maxConnections: 20 });
  expect(databaseConfig({ databaseConnections: '5' }, { COFFRE_DATABASE_URL: WITH_PASSWORD })).toEqual({
    url: WITH_PASSWORD,
    maxConnections: 5,
  });
  const file = join(mkdtempSync(join(tmpdir(), 'coffre-url-')), 'url');
  writeFileSync(file, `${WITH_PASSWORD}\n`);
  expect(databaseConfig({ databaseUrlFile: file }, {})?.url).toBe(WITH_PASSWORD);
});

it.each([
  ['a password that anyone on the machine can read', { databaseUrl: WITH_PASSWORD }, {}],
  ['one in the query', { databaseUrl: `${URL_ONLY}?password=a-secret` }, {}],
  ['two of them', { databaseUrl: URL_ONLY }, { COFFRE_DATABASE_URL: WITH_PASSWORD }],
  ['another kind of address', { databaseUrl: 'mysql://db.example.org' }, {}],
  ['no address', { databaseUrl: 'a-secret' }, {}],
  ['a file that is not there', { databaseUrlFile: '/nowhere/at/all' }, {}],
  ['no connections', { databaseUrl: URL_ONLY, databaseConnections: '0' }, {}],
])('refuses %s, and repeats no password', (_what, options, environment) => {
  const refused = refusalOf(() => databaseConfig(options, environment));
  expect(refused).toMatchObject({ exit: 2 });
  expect(`${refused.message} ${refused.hint}`).not.toContain('a-secret');
});

it('is a data directory, or a database with a bucket, and nothing in between', () => {
  expect(storageConfig({ data: '/srv' })).toEqual({ kind: 'embedded', dataDir: '/srv', s3: null });
  for (const options of [{}, { data: '/srv', databaseUrl: URL_ONLY }, { databaseUrl: URL_ONLY }]) {
    expect(refusalOf(() => storageConfig(options))).toMatchObject({ exit: 2 });
  }
});
