import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ask } from '../../test/fakes/hand-made-client.ts';
import { startServer, type RunningServer } from '../server.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;
// What libcrypt makes of "abc".
const BCRYPT = '$2b$08$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia';
let dataDir: string;
let server: RunningServer;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-legacy-'));
  server = await startServer({ dataDir, logLevel: 'silent', signup: 'closed' });
});
afterEach(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = execFile(process.execPath, [MAIN, 'legacy', ...words, '--data', dataDir]);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

const finish = (email: string, code: string): ReturnType<typeof ask> =>
  ask(server.address, 'POST', '/v1/claim/finish', null, { email, code });

it(
  'leads an operator from a file to codes that open, beside the running server',
  { timeout: 120_000 },
  async () => {
    const file = join(dataDir, 'members.csv');
    await writeFile(file, `email,hash,plan\na@example.org,${BCRYPT},5GB\nb@example.org,,\nbad,,\n`);
    const refused = await run('import', file);
    expect(refused.code).toBe(2);
    expect(refused.out).toBe('line 4 has no e-mail address\n');
    expect(refused.err).toBe(
      'coffre-cloud: 1 of 3 lines cannot be imported, and nothing was: mend them, or import the others with --skip-bad\n',
    );
    const imported = await run(
      'import',
      file,
      '--skip-bad',
      '--service',
      'OldBox',
      '--expires',
      '30',
      '--json',
    );
    expect(JSON.parse(imported.out)).toEqual({
      added: 2,
      known: 0,
      bad: 1,
      badLines: [{ line: 4, why: 'has no e-mail address' }],
    });
    expect((await ask(server.address, 'GET', '/v1/server')).json.legacy).toEqual({
      service: 'OldBox',
      passwords: true,
    });

    const made = await run('codes');
    const [header, ...lines] = made.out.trimEnd().split('\n');
    expect(header).toBe('email,code');
    const codes = new Map(lines.map((line) => line.split(',') as [string, string]));
    expect([...codes.keys()].toSorted()).toEqual(['a@example.org', 'b@example.org']);
    expect((await run('codes')).out).toBe('email,code\n');
    for (const [email, code] of codes) expect((await finish(email, code)).status).toBe(200);
    const again = JSON.parse((await run('codes', 'B@example.org', '--again', '--json')).out) as {
      codes: { email: string; code: string }[];
    };
    expect(again.codes.map(({ email }) => email)).toEqual(['b@example.org']);
    expect((await finish('b@example.org', codes.get('b@example.org')!)).status).toBe(403);
    expect((await finish('b@example.org', again.codes[0]!.code)).status).toBe(200);

    const listed = (await run('list')).out;
    expect(listed).toMatch(/^a@example\.org: bcrypt or code, until \d{4}-\d\d-\d\d, 5000000000 bytes$/m);
    expect(listed).toMatch(/^2 wait, 0 have come, 0 ran out$/m);
    expect((await run('expire')).code).toBe(2);
    expect((await run('expire', 'a@example.org')).out).toBe('1 accounts can be claimed no more\n');
    expect((await run('codes', 'a@example.org')).err).toContain('is not among those that wait');
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({
      open: [{ email: 'b@example.org', scheme: null, hasCode: true, quotaBytes: null }],
      counts: { open: 1, claimed: 0, expired: 1 },
    });
    expect((await run('expire', '--all')).out).toBe('1 accounts can be claimed no more\n');
    expect((await run('list')).out).toBe('0 wait, 0 have come, 0 ran out\n');
    const nowhere = await run('import', join(dataDir, 'nowhere.csv'));
    expect([nowhere.code, nowhere.err.trimEnd().split('\n')]).toEqual([
      2,
      [expect.stringContaining('no file')],
    ]);
    expect((await run('import', file, '--expires', '0')).code).toBe(2);
  },
);
