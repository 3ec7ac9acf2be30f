/** Versions, trash, check and export through the real command line, engine and server, each its own process. */
import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlResult } from '../../protocol/control.ts';
import { reportSchema } from '../../protocol/report.ts';
import { replay } from '../sim/replay.ts';
import type { TestCloud } from './cloud-kinds.ts';
import { makeTestCloud } from './test-cloud.ts';

const CLI = join(import.meta.dirname, '../../cli/main.ts');
const PASSWORD = 'correct horse battery';
const EMAIL = 'ann@example.org';

let root: string;
let cloud: TestCloud;
let address: string;
let phrase: string;

interface Ran {
  readonly code: number;
  readonly json: unknown;
}

/** One `coffre` command of a device; its engine goes on between commands. */
function coffre(device: string, args: readonly string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, COFFRE_HOME: join(root, `home-${device}`), COFFRE_PASSWORD: PASSWORD };
    const child = execFile(process.execPath, [CLI, ...args, '--json'], { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      const text = stdout.trim() === '' ? (stderr.trim().split('\n').at(-1) ?? '') : stdout;
      resolve({ code, json: JSON.parse(text === '' ? 'null' : text) as unknown });
    });
    child.stdin?.end(input);
  });
}

async function done<T>(device: string, args: readonly string[], input = ''): Promise<T> {
  const { code, json } = await coffre(device, args, input);
  expect([args, code, code === 0 ? null : json]).toEqual([args, 0, null]);
  return json as T;
}

const inSync = async (...devices: string[]): Promise<void> => {
  for (const device of devices) await done(device, ['wait', '--timeout', '60']);
};
const at = (device: string, path: string): string => join(root, `folder-${device}`, path);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'coffre-history-'));
  cloud = await makeTestCloud(root);
  await cloud.start();
  address = `http://127.0.0.1:${cloud.port}`;
  for (const device of ['a', 'b']) await mkdir(at(device, ''));
  const account = ['--server', address, '--email', EMAIL];
  const signedUp = await done<{ recoveryPhrase: string }>('a', [
    'signup',
    ...account,
    '--folder',
    at('a', ''),
    '--device',
    'Desk',
  ]);
  phrase = signedUp.recoveryPhrase;
  await done('b', ['login', ...account, '--folder', at('b', ''), '--device', 'Laptop']);
});
afterAll(async () => {
  for (const device of ['a', 'b']) await coffre(device, ['stop']);
  await cloud.end();
  await rm(root, { recursive: true, force: true });
});

describe('history', () => {
  it('brings back an older version, on both devices', async () => {
    await writeFile(at('a', 'letter'), 'first');
    await inSync('a', 'b');
    await writeFile(at('b', 'letter'), 'second, from the other');
    await inSync('b', 'a');
    expect(await readFile(at('a', 'letter'), 'utf8')).toBe('second, from the other');
    const { versions } = await done<ControlResult<'versions'>>('a', ['versions', 'letter']);
    expect(versions.map(({ deviceName, current }) => [deviceName, current])).toEqual([
      ['Laptop', true],
      ['Desk', false],
    ]);
    const restored = await done<ControlResult<'restore'>>('b', ['restore', 'letter']);
    expect(restored).toEqual({ path: 'Files:/letter', files: 1, bytes: 5 });
    await inSync('b', 'a');
    for (const device of ['a', 'b']) expect(await readFile(at(device, 'letter'), 'utf8')).toBe('first');
  });

  it('brings back a folder as of a time', async () => {
    await mkdir(at('a', 'work/deep'), { recursive: true });
    await writeFile(at('a', 'work/deep/one'), 'one');
    await writeFile(at('a', 'work/two'), 'two');
    await inSync('a', 'b');
    const then = new Date().toISOString();
    await rm(at('a', 'work/deep'), { recursive: true });
    await writeFile(at('a', 'work/two'), 'changed');
    await writeFile(at('a', 'work/new'), 'new');
    await inSync('a', 'b');
    await done('b', ['restore', 'work', '--at', then]);
    await inSync('b', 'a');
    expect((await readdir(at('a', 'work'))).sort()).toEqual(['deep', 'new', 'two']);
    expect(await readFile(at('a', 'work/deep/one'), 'utf8')).toBe('one');
    expect(await readFile(at('a', 'work/two'), 'utf8')).toBe('two');
  });

  it('gives back what was deleted, and forgets it for good when asked', async () => {
    const content = randomBytes(400_000);
    await writeFile(at('a', 'precious'), content);
    await inSync('a', 'b');
    await rm(at('b', 'precious'));
    await inSync('b', 'a');
    const { entries } = await done<ControlResult<'trash.list'>>('a', ['trash', 'list']);
    const [entry] = entries;
    expect(entry).toMatchObject({ path: '/precious', size: 400_000, vault: 'Files' });
    await done('a', ['trash', 'restore', entry?.id ?? '']);
    await inSync('a', 'b');
    expect(Buffer.compare(await readFile(at('b', 'precious')), content)).toBe(0);
    await rm(at('a', 'precious'));
    await inSync('a', 'b');
    await done('a', ['trash', 'empty', '--now']);
    const after = await done<ControlResult<'quota'>>('a', ['quota']);
    expect(after.usedBytes).toBeLessThan(100_000);
    expect(after.retainedBytes).toBeLessThan(100_000);
    expect(await readFile(at('b', 'letter'), 'utf8')).toBe('first');
  });

  it('writes a bug report that tells nothing of what is in the folder', async () => {
    await mkdir(at('a', 'Zwetschgen'));
    await writeFile(at('a', 'Zwetschgen/Kuchenrezept.xyzzy'), 'a pound of plums');
    await inSync('a');
    const file = join(root, 'report.json');
    const written = await done<ControlResult<'report'>>('a', ['report', '--output', file]);
    const text = await readFile(file, 'utf8');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(written).toMatchObject({ file, bytes: Buffer.byteLength(text), pairs: 1, leftOut: 0 });
    const report = reportSchema.parse(JSON.parse(text));
    expect(report).toMatchObject({ state: 'idle', issues: [], pairs: [{ isSettled: true, paused: null }] });
    const [pair] = report.pairs;
    expect(pair?.nodes.every((node) => node.local === 'remote' && node.synced === 'remote')).toBe(true);
    expect(
      pair?.nodes.some(({ remote }) => remote?.type === 'file' && typeof remote.parent === 'number'),
    ).toBe(true);
    if (pair !== undefined) expect((await replay(report, pair)).broken).toEqual([]);
    const outcomes = pair?.plans.flatMap(({ operations }) => operations.map(({ outcome }) => outcome));
    expect(outcomes).toContain('done: upload');
    const { account, pairs } = await done<ControlResult<'status'>>('a', ['status']);
    const secrets = [
      'Zwetschgen',
      'Kuchenrezept',
      'xyzzy',
      'plums',
      'letter',
      EMAIL,
      'example.org',
      root,
      'Desk',
    ];
    secrets.push(account?.server ?? '', account?.device ?? '', pairs[0]?.id ?? '', String(cloud.port));
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(await coffre('a', ['report', '--output', file])).toMatchObject({
      code: 1,
      json: { error: { code: 'exists' } },
    });
    const empty = join(root, 'empty.json');
    await done('nobody', ['report', '--output', empty]);
    expect(reportSchema.parse(JSON.parse(await readFile(empty, 'utf8')))).toMatchObject({
      state: 'signed-out',
      pairs: [],
    });
  });

  it('proves that everything can be restored, and exports it without a device', async () => {
    const large = randomBytes(20_000_000);
    await writeFile(at('a', 'large'), large);
    await symlink('large', at('a', 'link'));
    await inSync('a');
    const checked = await done<ControlResult<'check'>>('a', ['check', '--read-data', '100']);
    expect(checked.files).toBeGreaterThanOrEqual(5);
    const status = await done<ControlResult<'status'>>('a', ['status']);
    expect(status.lastProvenRestorableMs).toBe(checked.lastProvenRestorableMs);
    const withWords = ['check', '--read-data', '100', '--phrase-stdin'];
    const again = await done<ControlResult<'check'>>('a', withWords, `${phrase}\n`);
    expect(again).toMatchObject({ files: checked.files, keys: 'words' });
    const proven = await done<ControlResult<'status'>>('a', ['status']);
    expect(proven.lastProvenWithWordsMs).toBe(again.lastProvenRestorableMs);
    const folder = join(root, 'exported');
    const args = ['export', folder, '--server', address, '--email', EMAIL, '--phrase-stdin'];
    const exported = await done<ControlResult<'export'>>('nobody', args, `${phrase}\n`);
    expect(exported.vaults).toEqual(['Files']);
    expect(Buffer.compare(await readFile(join(folder, 'large')), large)).toBe(0);
    expect(await readFile(join(folder, 'letter'), 'utf8')).toBe('first');
    expect((await readFile(exported.hashList, 'utf8')).trimEnd().split('\n')).toHaveLength(exported.files);
    const wrong = phrase.split(' ').slice(0, 23).join(' ');
    const refused = await coffre(
      'nobody',
      [...args.slice(0, 1), join(root, 'none'), ...args.slice(2)],
      wrong,
    );
    expect(refused.code).toBe(2);
  });
});
