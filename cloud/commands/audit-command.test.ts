/** `coffre-cloud audit` beside a running server, and what the other commands leave for it to show. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCloudProcess, type CloudProcess } from '../../test/fakes/cloud-process.ts';
import { Person } from '../../test/fakes/hand-made-client.ts';
import { AUDIT_KINDS } from '../audit/kinds.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;
const EMAIL = 'somebody@example.org';

interface Entry {
  readonly kind: string;
  readonly actor: string;
  readonly account: string | null;
  readonly amount: number | null;
  readonly times: number;
  readonly at: string;
}

let place: string;
let data: string;
let server: CloudProcess;
let person: Person;

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, out, err };
}
async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await run(...args, '--data', data);
  expect([args, code, err]).toEqual([args, 0, '']);
  return out;
}
async function audit(...args: string[]): Promise<{ entries: Entry[]; next: string | null }> {
  return JSON.parse(await done('audit', '--json', ...args)) as { entries: Entry[]; next: string | null };
}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'coffre-audit-command-'));
  data = join(place, 'data');
  server = await startCloudProcess(data);
  person = new Person(server.address, EMAIL);
  await person.signup();
  await person.tryLogin('guessed');
}, 60_000);
afterAll(async () => {
  await server.kill();
  await rm(place, { recursive: true, force: true });
});

describe('coffre-cloud audit', { timeout: 120_000 }, () => {
  it('shows what people did and what operators did beside the running server', async () => {
    await done('invite');
    await done('users', 'quota', EMAIL, '5GiB');
    await done('users', 'disable', EMAIL);
    await done('users', 'disable', EMAIL, '--undo');
    const members = join(place, 'members.csv');
    await writeFile(members, 'email,hash,plan\na@old.example,,\nb@old.example,,\n');
    await done('legacy', 'import', members);
    await done('legacy', 'codes');
    await done('legacy', 'expire', '--all');
    await done('backup', '--to', join(place, 'backup'));

    const { entries, next } = await audit();
    expect(next).toBeNull();
    const rows = entries
      .map(({ kind, actor, amount, account }) => [kind, actor, amount, account])
      .toReversed();
    const { account } = person;
    expect(rows).toEqual([
      ['signed-up', 'account', null, account],
      ['sign-in-begun', 'unknown', null, account],
      ['sign-in-failed', 'unknown', null, account],
      ['invite-made', 'operator', null, null],
      ['quota-changed', 'operator', 5 * 1024 ** 3, account],
      ['account-disabled', 'operator', null, account],
      ['account-enabled', 'operator', null, account],
      ['legacy-imported', 'operator', 2, null],
      ['legacy-codes-made', 'operator', 2, null],
      ['legacy-expired', 'operator', 2, null],
      ['backup-made', 'operator', null, null],
    ]);
    expect(entries.every(({ times }) => times === 1)).toBe(true);

    const lines = (await done('audit')).trimEnd().split('\n');
    expect(lines).toHaveLength(entries.length);
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^${entries.at(-1)!.at} signed-up: by account, account ${account}, device [0-9a-f]{32}, from 127\\.0\\.0\\.0/24$`,
      ),
    );
    expect(lines).toContainEqual(expect.stringMatching(/ legacy-imported: by operator, 2 rows$/));
  });

  it('carries it in a backup, which is sound', async () => {
    const backup = join(place, 'backup');
    const copied = await run('audit', '--data', backup, '--json');
    const { entries } = JSON.parse(copied.out) as { entries: Entry[] };
    expect(entries[0]?.kind).toBe('backup-made');
    expect(entries.at(-1)?.kind).toBe('signed-up');
    expect((await run('check', '--data', backup)).code).toBe(0);
  });

  it('goes on from one page to the next, and shows each entry once', async () => {
    const { entries } = await audit();
    const paged: Entry[] = [];
    let cursor: string | null = null;
    do {
      const page: { entries: Entry[]; next: string | null } = await audit(
        '--limit',
        '4',
        ...(cursor === null ? [] : ['--cursor', cursor]),
      );
      paged.push(...page.entries);
      cursor = page.next;
    } while (cursor !== null);
    expect(paged).toEqual(entries);
    const last = (await done('audit', '--limit', '2')).trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^older ones: the same with --cursor \d+-\d+$/);
  });

  it('shows one account, also when it is gone, one kind, and a time', async () => {
    expect(
      (await audit('--account', ' Somebody@Example.org ', '--kind', 'quota-changed')).entries,
    ).toHaveLength(1);
    const [first] = (await audit()).entries.toReversed();
    const after = new Date(Date.parse(first!.at) + 1).toISOString();
    expect((await audit('--until', after)).entries.map(({ kind }) => kind)).toEqual(['signed-up']);
    expect((await audit('--until', first!.at)).entries).toEqual([]);
    expect((await audit('--since', first!.at)).entries.at(-1)).toEqual(first);
    expect((await audit('--since', after)).entries.map(({ kind }) => kind)).not.toContain('signed-up');
    expect((await audit('--since', '1h')).entries.at(-1)).toEqual(first);
    expect((await audit('--until', '1d')).entries).toEqual([]);

    await done('users', 'delete', EMAIL, '--yes');
    const gone = await audit('--account', person.account, '--limit', '2');
    expect(gone.entries.map(({ kind, actor }) => [kind, actor])).toEqual([
      ['account-forgotten', 'system'],
      ['account-deleted', 'operator'],
    ]);
    const unknown = await run('audit', '--data', data, '--account', EMAIL, '--json');
    expect([unknown.code, JSON.parse(unknown.err)]).toMatchObject([1, { error: { code: 'not-found' } }]);
  });

  it.each([
    ['--kind', 'signed', '--kind wants a kind'],
    ['--since', 'yesterday', '--since wants a time'],
    ['--since', '2026-02-30', '--since wants a time'],
    ['--until', '2026-11-26T25:00', '--until wants a time'],
    ['--until', '-5d', '--until wants a time'],
    ['--limit', '0', '--limit wants a number from 1 to 1000'],
    ['--limit', '1001', '--limit wants a number from 1 to 1000'],
    ['--cursor', 'here', '--cursor wants what an earlier answer ended with'],
  ])('refuses %s %s in one line', async (option, value, told) => {
    const wrong = await run('audit', '--data', data, `${option}=${value}`);
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toContain(told);
    expect(wrong.err.trimEnd().split('\n')).toHaveLength(1);
  });

  it('says what kinds there are', async () => {
    const { out } = await run('audit', '--help');
    for (const kind of Object.keys(AUDIT_KINDS)) expect(out).toContain(`  ${kind} `);
  });

  it('is kept for as long as serve is told', async () => {
    const wrong = await run('serve', '--data', data, '--listen', '127.0.0.1:0', '--audit-days', '0');
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('--audit-days wants days, 1 to 3650'),
    ]);
  });
});
