import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedFacade, statusOf, type Script, type ScriptedFacade } from '../test/fakes/scripted-facade.ts';
import { PERSON_ERROR_EXIT, PersonError, type PersonErrorCode } from '../protocol/errors.ts';
import { serveControl, type ControlServer } from '../sync-engine/control/server.ts';
import { runCommandLine } from './run.ts';

const WORDS = Array.from({ length: 24 }, (_, index) => `word${String.fromCharCode(97 + index)}`);
const PAIR = { id: 'aa', folder: '/f', vault: 'Files', seq: 1, path: '/', paused: null };

let home: string;
let server: ControlServer | undefined;
let facade: ScriptedFacade;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'coffre-cli-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(home, { recursive: true });
});

/** The real control server over an engine that answers from the script. */
async function engine(script: Script): Promise<void> {
  facade = scriptedFacade(script);
  server = await serveControl({ home, facade, engineVersion: '0.1.0', onDefect: () => undefined });
}

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  /** The one object of stdout. */
  json(): unknown;
}

class Collector extends Writable {
  text = '';
  onText: (text: string) => void = () => undefined;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(this.text);
    done();
  }
}

async function coffre(
  words: string,
  options: { stdin?: string; env?: NodeJS.ProcessEnv; signal?: AbortSignal; out?: Collector } = {},
): Promise<Ran> {
  const [out, err] = [options.out ?? new Collector(), new Collector()];
  const exit = await runCommandLine(
    words.split(' ').filter((word) => word !== ''),
    {
      stdin: options.stdin === undefined ? new PassThrough() : Readable.from([Buffer.from(options.stdin)]),
      stdout: out,
      stderr: err,
      env: { COFFRE_HOME: home, ...options.env },
      cwd: home,
      engine: { node: process.execPath, entry: path.join(home, 'engine.mjs') },
      entry: '/opt/coffre/cli/main.js',
      signal: options.signal ?? new AbortController().signal,
    },
    '9.9.9',
  );
  return { exit, out: out.text, err: err.text, json: () => JSON.parse(out.text) as unknown };
}

describe('bad usage', () => {
  it.each([
    ['', 'a command is missing'],
    ['frobnicate', "unknown command 'frobnicate'"],
    ['pair', 'a command is missing'],
    ['pair add', "missing required argument 'folder'"],
    ['status --loud', "unknown option '--loud'"],
    ['status now', 'too many arguments'],
    ['wait --timeout soon', 'timeout: not a number'],
    ['select photos', 'give --on or --off'],
    ['select photos --on --off', 'give --on or --off'],
    ['restore a --at 3d --version 2', 'not both'],
    ['restore a --at yesterday', 'not a time'],
    ['pause --for a-while', 'not a span of time'],
    ['pause --until 2020-01-01', 'not a time to come'],
    ['pause --for 1h --until tomorrow', 'not both'],
    ['signup --email a@b.c --folder f', '--server is missing'],
    ['issues resolve 4', '--choose is missing'],
    ['config set colour red', 'key: '],
    ['config set scan-interval 1', 'scan-interval cannot be that'],
    ['completion tcsh', 'no shell is called tcsh'],
    ['recover --server http://x', 'give --server, --email and --folder'],
    ['claim --server http://x --email a@b.c --folder f --code x --old-password-stdin', 'not both'],
    ['unlock', 'a secret is needed'],
    ['vault rewind', '--to is missing'],
    ['vault rewind --to last', 'to: not a whole number'],
    ['vault log --limit 0', 'limit: at least 1'],
  ])('`coffre %s` exits 2 with one line', async (words, message) => {
    const ran = await coffre(words, { stdin: '' });
    expect(ran.exit).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toMatch(/^coffre: .*\n$/);
    expect(ran.err).toContain(message);
  });

  it('is an object with --json, wherever --json stands', async () => {
    for (const words of ['--json frobnicate', 'select x --json', '--json wait --timeout x']) {
      const ran = await coffre(words);
      expect(ran.exit).toBe(2);
      expect(ran.err).toBe('');
      expect(ran.json()).toMatchObject({ error: { code: 'bad-input' } });
    }
  });
});

describe('help', () => {
  it('has examples on every command, and exits 0', async () => {
    const { COMMANDS } = await import('./commands/all.ts');
    for (const { name } of COMMANDS) {
      const ran = await coffre(`${name} --help`);
      expect([name, ran.exit]).toEqual([name, 0]);
      expect(ran.out).toContain(`$ `);
      expect(ran.out).toContain(`coffre ${name}`);
    }
    expect((await coffre('--version')).out).toBe('9.9.9\n');
  });
});

describe('errors of the engine', () => {
  it.each(Object.entries(PERSON_ERROR_EXIT) as [PersonErrorCode, number][])(
    '%s exits %i',
    async (code, exit) => {
      await engine({ wait: () => Promise.reject(new PersonError(code, 'it failed: a reason', 'Do this.')) });
      const plain = await coffre('wait');
      expect([plain.exit, plain.out, plain.err]).toEqual([
        exit,
        '',
        'coffre: it failed: a reason. Do this.\n',
      ]);
      const json = await coffre('wait --json');
      expect([json.exit, json.err]).toEqual([exit, '']);
      expect(json.json()).toEqual({ error: { code, message: 'it failed: a reason', hint: 'Do this.' } });
    },
  );

  it('never let a message break its line', async () => {
    await engine({ pause: () => Promise.reject(new PersonError('failed', 'a\nb\u001b[31m', '')) });
    expect((await coffre('pause')).err).toBe('coffre: a\\u{a}b\\u{1b}[31m.\n');
  });
});

describe('an engine that ends as it starts', () => {
  it('has its last line told', async () => {
    const error = { code: 'home-damaged', message: 'the manifest does not open', hint: 'Log in again.' };
    await writeFile(
      path.join(home, 'engine.mjs'),
      `console.error('noise'); console.error(${JSON.stringify(JSON.stringify({ error }))}); process.exit(1);`,
    );
    const ran = await coffre('status --json');
    expect(ran.json()).toEqual({ error });
    expect(ran.exit).toBe(1);
  });

  it('has a crash told', async () => {
    await writeFile(path.join(home, 'engine.mjs'), 'process.stderr.write("boom"); process.exit(3);');
    const ran = await coffre('pause');
    expect(ran.err).toContain('the engine ended as it started: boom');
    expect(ran.exit).toBe(1);
  });

  it('is not given the password in its environment', async () => {
    await writeFile(
      path.join(home, 'engine.mjs'),
      'process.stderr.write(`saw ${process.env.COFFRE_PASSWORD} ${process.env.COFFRE_HOME}`); process.exit(3);',
    );
    const ran = await coffre('pause', { env: { COFFRE_PASSWORD: 'hunter2' } });
    expect(ran.err).toContain(`saw undefined ${home}`);
  });
});

describe('status', () => {
  it('prints the whole object with --json', async () => {
    await engine({ status: () => statusOf({ state: 'syncing', pending: { files: 2, bytes: 1500 } }) });
    const ran = await coffre('status --json');
    expect(ran.exit).toBe(0);
    expect(ran.json()).toEqual(statusOf({ state: 'syncing', pending: { files: 2, bytes: 1500 } }));
    expect(ran.out.split('\n')).toHaveLength(2);
    expect((await coffre('--json status')).out).toBe(ran.out);
  });

  it('shows names without obeying them', async () => {
    const issue = {
      id: 3,
      code: 'illegal-name',
      path: 'evil\u001b]0;x\u0007\u202etxt',
      reason: 'r',
      ways: [],
      pair: null,
      sinceMs: 0,
    };
    await engine({ status: () => statusOf({ state: 'attention', issues: [issue], issueCount: 1 }) });
    const { out } = await coffre('status');
    expect(out).toContain('evil\\u{1b}]0;x\\u{7}\\u{202e}txt');
    expect(out).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});

describe('start', () => {
  const stop = () => {
    void Promise.resolve().then(() => server!.close());
    return {};
  };

  it('opens a locked device with the password of the environment, and says so when there is none', async () => {
    let state: 'locked' | 'idle' = 'locked';
    await engine({ status: () => statusOf({ state }), unlock: () => ({ state: (state = 'idle') }) });
    expect((await coffre('start')).out).toContain('coffre unlock');
    expect((await coffre('start --json', { env: { COFFRE_PASSWORD: 'p' } })).json()).toMatchObject({
      state: 'idle',
    });
  });

  it('ends an engine that has no device, with its reason', async () => {
    await engine({
      status: () => statusOf({ state: 'signed-out', account: null, pairs: [] }),
      'pairs.list': () => Promise.reject(new PersonError('home-damaged', 'damaged', 'Log in again.')),
      stop,
    });
    const ran = await coffre('start');
    expect([ran.exit, ran.err]).toEqual([1, 'coffre: damaged. Log in again.\n']);
    expect(facade.calls.at(-1)!.method).toBe('stop');
  });
});

describe('signup', () => {
  const words = 'signup --server http://127.0.0.1:1 --email Ann@Example.org --folder files';
  const script: Script = {
    signup: () => ({
      account: 'a',
      device: 'd',
      deviceName: 'laptop',
      pair: PAIR,
      recoveryPhrase: WORDS.join(' '),
    }),
  };

  it('asks the engine with absolute paths and a trimmed address, and shows the phrase once as a grid', async () => {
    await engine(script);
    const ran = await coffre(words, { env: { COFFRE_PASSWORD: 'pässword' } });
    expect(ran.exit).toBe(0);
    expect(facade.calls[0]!.request).toEqual({
      server: 'http://127.0.0.1:1',
      email: 'ann@example.org',
      folder: path.join(home, 'files'),
      deviceName: null,
      password: 'pässword',
    });
    for (const [index, word] of WORDS.entries()) expect(ran.out).toContain(`${index + 1}. ${word}`);
    expect(ran.out.match(/worda\b/g)).toHaveLength(1);
  });

  it('takes the password from stdin, and prints recoveryPhrase with --json', async () => {
    await engine(script);
    const ran = await coffre(`${words} --password-stdin --json`, { stdin: 'from stdin\n' });
    expect(ran.json()).toMatchObject({ recoveryPhrase: WORDS.join(' '), pair: PAIR, deviceName: 'laptop' });
    expect(facade.calls[0]!.request).toMatchObject({ password: 'from stdin' });
  });

  it('reads the private authority, and ends the engine with --no-start', async () => {
    await engine({
      ...script,
      stop: () => {
        void Promise.resolve().then(() => server!.close());
        return {};
      },
    });
    await writeFile(path.join(home, 'ca.pem'), 'PEM');
    const ran = await coffre(`${words} --ca ca.pem --no-start --device box`, {
      env: { COFFRE_PASSWORD: 'p' },
    });
    expect(ran.exit).toBe(0);
    expect(facade.calls.map(({ method }) => method)).toEqual(['signup', 'stop']);
    expect(facade.calls[0]!.request).toMatchObject({ caPem: 'PEM', deviceName: 'box' });
  });

  it('says when the authority cannot be read', async () => {
    const ran = await coffre(`${words} --ca nowhere.pem`, { env: { COFFRE_PASSWORD: 'p' } });
    expect([ran.exit, ran.err]).toEqual([2, expect.stringContaining('nowhere.pem')]);
  });
});

describe('claim', () => {
  const words = 'claim --server http://127.0.0.1:1 --email Ann@Example.org --folder files';
  const script: Script = {
    'claim.offer': () => ({ service: 'OldBox', passwords: true }),
    'claim.prove': () => ({}),
    claim: () => ({
      account: 'a',
      device: 'd',
      deviceName: 'laptop',
      pair: PAIR,
      recoveryPhrase: WORDS.join(' '),
    }),
  };
  const where = { server: 'http://127.0.0.1:1', email: 'ann@example.org' };

  it('proves the old password first, and says before and after what does not come back', async () => {
    await engine(script);
    const ran = await coffre(`${words} --old-password-stdin --password-stdin`, { stdin: 'old\nnew\n' });
    expect(ran.exit).toBe(0);
    expect(facade.calls.map(({ method }) => method)).toEqual(['claim.offer', 'claim.prove', 'claim']);
    expect(facade.calls[1]!.request).toEqual({ ...where, oldPassword: 'old' });
    expect(facade.calls[2]!.request).toMatchObject({ ...where, oldPassword: 'old', password: 'new' });
    expect(ran.err).toContain('Files that were at OldBox do not come back');
    expect(ran.out).toContain('nothing came from OldBox');
    expect(ran.out).toContain('24. ');
  });

  it('takes a code, or the passwords from the environment, and prints what signup does with --json', async () => {
    await engine(script);
    const env = { COFFRE_PASSWORD: 'new', COFFRE_OLD_PASSWORD: 'old' };
    const ran = await coffre(`${words} --code 7K3Q --json`, { env });
    expect(facade.calls[2]!.request).toMatchObject({ code: '7K3Q', password: 'new' });
    expect(ran.json()).toMatchObject({ recoveryPhrase: WORDS.join(' '), pair: PAIR, deviceName: 'laptop' });
    expect(ran.err).toBe('');
    await coffre(words, { env });
    expect(facade.calls[5]!.request).toMatchObject({ oldPassword: 'old', password: 'new' });
  });

  it('asks for no new password once the old one is refused', async () => {
    const refuse = (): never => {
      throw new PersonError('refused', 'no account of the older service was found', 'Check both.');
    };
    await engine({ ...script, 'claim.prove': refuse });
    const ran = await coffre(`${words} --old-password-stdin`, { stdin: 'old\n' });
    expect([ran.exit, facade.calls.map(({ method }) => method)]).toEqual([5, ['claim.offer', 'claim.prove']]);
  });
});

describe('secrets', () => {
  it('come phrase first and password second, the phrase on as many lines as it has', async () => {
    await engine({ recover: () => ({ account: 'a', device: 'd', pair: null }) });
    const grid = WORDS.map((word, index) => `${index + 1}. ${word}${index % 4 === 3 ? '\n' : ' '}`).join('');
    const ran = await coffre('recover --phrase-stdin --password-stdin', { stdin: `${grid}new one\n` });
    expect([ran.exit, ran.err]).toEqual([0, '']);
    expect(facade.calls[0]!.request).toMatchObject({ phrase: WORDS.join(' '), newPassword: 'new one' });
  });

  it('count their words', async () => {
    const ran = await coffre('recover --phrase-stdin', { stdin: 'one two three\n' });
    expect([ran.exit, ran.err]).toEqual([2, expect.stringContaining('this one has 3')]);
  });

  it('open a locked device when the environment has them', async () => {
    let locked = true;
    await engine({
      unlock: () => {
        locked = false;
        return { state: 'idle' };
      },
      wait: () =>
        locked ? Promise.reject(new PersonError('locked', 'locked', '')) : Promise.resolve({ seq: {} }),
    });
    expect((await coffre('wait')).exit).toBe(5);
    expect((await coffre('wait', { env: { COFFRE_PASSWORD: 'p' } })).exit).toBe(0);
    expect(facade.calls.map(({ method }) => method)).toEqual(['wait', 'wait', 'unlock', 'wait']);
  });
});

describe('lists', () => {
  it('are read to their end', async () => {
    const entry = { type: 'file' as const, size: 1, mtimeMs: 0, node: 'n', selected: true, partly: false };
    await engine({
      ls: ({ cursor }) => ({
        path: 'Files:/',
        vaults: ['Files'],
        entries: [{ ...entry, name: cursor ?? 'a' }],
        nextCursor: cursor === null ? 'b' : cursor === 'b' ? 'c' : null,
      }),
    });
    const ran = await coffre('ls --json');
    expect((ran.json() as { entries: { name: string }[] }).entries.map(({ name }) => name)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('follow on without a gap or a repeat', async () => {
    const row = (id: number) => ({
      id,
      atMs: 0,
      pair: null,
      path: `f${id}`,
      action: 'upload',
      reason: 'created-here',
      bytes: 0,
    });
    await engine({
      'activity.list': () => {
        // What happens while the past is read.
        facade.emit({ event: 'activity', data: { rows: [row(2), row(3)] } });
        return { rows: [row(2), row(1)], nextCursor: null };
      },
    });
    const stop = new AbortController();
    const out = new Collector();
    out.onText = (text) => {
      if (text.includes('f3')) facade.emit({ event: 'activity', data: { rows: [row(4)] } });
      if (text.includes('f4')) stop.abort();
    };
    const ran = await coffre('activity --follow --json', { signal: stop.signal, out });
    const ids = ran.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: number }).id);
    expect([ran.exit, ids]).toEqual([0, [1, 2, 3, 4]]);
  });
});

describe('issues', () => {
  it('show what a mass deletion would take', async () => {
    const asking = {
      id: 3,
      code: 'mass-deletion',
      path: '',
      reason: 'Many files are about to go.',
      ways: ['delete', 'restore'],
      pair: 'aa',
      sinceMs: 0,
    };
    const removals = { files: 61, paths: ['a/\u001b[2J', 'b'], deleted: 'here' as const };
    await engine({
      'issues.list': () => ({ issues: [asking, { ...asking, id: 4 }], nextCursor: null }),
      'issues.removals': ({ id }) => {
        // It ended between the two questions.
        if (id === 4) throw new PersonError('not-found', 'there is no issue 4', 'List them.');
        return removals;
      },
    });
    const { out } = await coffre('issues');
    expect(out).toContain('61 files, deleted here:\n     a/\\u{1b}[2J\n     b\n     and 59 more\n');
    expect(await (await coffre('issues --json')).json()).toEqual({
      issues: [
        { ...asking, removals },
        { ...asking, id: 4 },
      ],
    });
  });
});

describe('requests', () => {
  it.each<[string, Script, unknown]>([
    ['wait --timeout 1.5', { wait: () => ({ seq: {} }) }, { timeoutMs: 1500 }],
    ['pair add sub --into Files:/x', { 'pairs.add': () => ({ pair: PAIR }) }, { into: 'Files:/x' }],
    [
      'select Files:/m --off',
      { select: ({ path: at, on }) => ({ path: at, on }) },
      { path: 'Files:/m', on: false },
    ],
    ['issues resolve 7 --choose keep', { 'issues.resolve': ({ id }) => ({ id }) }, { id: 7, way: 'keep' }],
    [
      'restore r.odt --version 4 --to Files:/o',
      { restore: () => ({ path: 'Files:/o', files: 1, bytes: 2 }) },
      { path: 'r.odt', version: 4, to: 'Files:/o' },
    ],
    [
      'restore r.odt --at 2026-03-01T10:00:00Z',
      { restore: () => ({ path: 'Files:/o', files: 1, bytes: 2 }) },
      { path: 'r.odt', atMs: Date.UTC(2026, 2, 1, 10) },
    ],
    [
      'check --read-data 12.5',
      { check: () => ({ files: 0, bytes: 0, lastProvenRestorableMs: 0, keys: 'device' }) },
      { readDataPercent: 12.5 },
    ],
    ['trash empty', { 'trash.empty': () => ({ items: 0, bytes: 0 }) }, { now: false }],
    [
      'config set upload-limit 5000',
      { 'config.set': () => ({ values: {} }) },
      { key: 'upload-limit', value: 5000 },
    ],
    [
      'config set device-name 7',
      { 'config.set': () => ({ values: {} }) },
      { key: 'device-name', value: '7' },
    ],
  ])('`coffre %s`', async (words, script, request) => {
    await engine(script);
    const ran = await coffre(words);
    expect([ran.exit, ran.err]).toEqual([0, '']);
    expect(facade.calls[0]!.request).toMatchObject(request as object);
  });

  describe('of `vault rewind`', () => {
    const head = {
      ...{ revision: 12, hash: 'ab'.repeat(32), receivedAtMs: 0, device: 'd1', deviceName: 'Desk' },
      ...{ removed: false, nodes: 1, current: false },
    };
    const seen = {
      ...{ vault: 'Files', to: head, commits: 3, unverified: 0, touchedCount: 1, done: false },
      writers: [{ device: 'd2', deviceName: 'Phone', removed: true, current: false, commits: 3 }],
      touched: [{ path: '/plan.txt', type: 'file', change: 'content', againBy: null }],
    } as const;
    const script: Script = {
      'vault.rewind': ({ password }) => ({
        ...seen,
        writers: [...seen.writers],
        touched: [...seen.touched],
        done: password !== undefined,
      }),
    };

    it('look first, then carry the password and the hash of what was seen', async () => {
      await engine(script);
      const ran = await coffre('vault rewind --to 12 --yes', { env: { COFFRE_PASSWORD: 'p' } });
      const request = { vault: null, pair: null, to: 12, includeLive: false };
      expect(facade.calls.map((call) => call.request)).toEqual([
        request,
        { ...request, hash: head.hash, password: 'p' },
      ]);
      expect(ran.err).toContain('Phone (removed): 3');
      expect(ran.err).toContain('/plan.txt');
      expect(ran.out).toContain('Files is back at revision 12');
    });

    it('ask nobody and change nothing without --yes and a terminal, nor with --dry-run', async () => {
      await engine(script);
      const env = { COFFRE_PASSWORD: 'p' };
      const ran = await coffre('vault rewind --to 12', { env, stdin: 'y\n' });
      expect([ran.exit, ran.err]).toEqual([2, expect.stringContaining('--yes')]);
      expect((await coffre('vault rewind --to 12 --dry-run --json', { env })).json()).toEqual(seen);
      expect(facade.calls.map(({ request }) => 'password' in (request as object))).toEqual([false, false]);
    });
  });

  it('of `vault log` read as many pages as were asked for', async () => {
    await engine({
      'vault.heads': ({ cursor, limit }) => {
        const from = cursor === null ? 600 : Number(cursor) - 1;
        const heads = Array.from({ length: limit }, (_, index) => ({
          ...{
            revision: from - index,
            hash: 'cd'.repeat(32),
            receivedAtMs: 0,
            device: 'd',
            deviceName: 'Desk',
          },
          ...{ removed: false, nodes: null, current: false },
        }));
        return { vault: 'Files', heads, nextCursor: String(from - limit + 1) };
      },
    });
    const ran = await coffre('vault log --limit 520');
    expect(facade.calls.map(({ request }) => request)).toMatchObject([
      { limit: 500, cursor: null },
      { limit: 20, cursor: '101' },
    ]);
    expect(ran.out).toContain('Older ones: coffre vault log --before 81');
    expect(ran.out).toMatch(/^81 .*cdcdcdcdcdcd {2}Desk$/m);
  });

  it('of `check --phrase-stdin` carry the words', async () => {
    await engine({ check: () => ({ files: 1, bytes: 1, lastProvenRestorableMs: 0, keys: 'words' }) });
    const ran = await coffre('check --phrase-stdin', { stdin: `${WORDS.join(' ')}\n` });
    expect(facade.calls[0]!.request).toEqual({ readDataPercent: 1, phrase: WORDS.join(' ') });
    expect(ran.out).toContain('from the 24 words and the server alone');
  });

  it('of `report` name a file, and the answer says to look at it before it is sent', async () => {
    const counts = { pairs: 1, nodes: 12, leftOut: 3, issues: 0, plans: 2 };
    await engine({ report: ({ file }) => ({ file, bytes: 2000, ...counts }) });
    const ran = await coffre('report --output r.json');
    expect(facade.calls[0]!.request).toEqual({ file: path.join(home, 'r.json') });
    expect(ran.out).toContain(path.join(home, 'r.json'));
    expect(ran.out).toContain('3 more are left out');
    expect(ran.out).toContain('Look at it before you send it to anyone');
    await coffre('report');
    expect(facade.calls[1]!.request).toEqual({
      file: expect.stringMatching(/coffre-report-\d{8}-\d{6}\.json$/),
    });
  });

  it('of `trash empty --now` carry the password', async () => {
    await engine({ 'trash.empty': () => ({ items: 1, bytes: 1 }) });
    await coffre('trash empty --now', { env: { COFFRE_PASSWORD: 'p' } });
    expect(facade.calls[0]!.request).toEqual({ now: true, password: 'p' });
  });
});

describe('progress', () => {
  it('is lines on stderr without a terminal, and nothing with --json', async () => {
    await engine({
      check: (_, { progress }) => {
        for (const done of [0, 1, 50, 100]) progress({ step: 'reading', done, total: 100, unit: 'bytes' });
        return { files: 3, bytes: 100, lastProvenRestorableMs: 0, keys: 'device' };
      },
    });
    const ran = await coffre('check');
    expect(ran.err.split('\n')).toEqual([
      'reading: 0 bytes of 100 bytes',
      'reading: 50 bytes of 100 bytes',
      'reading: 100 bytes of 100 bytes',
      '',
    ]);
    expect((await coffre('check --json')).err).toBe('');
  });
});

describe.runIf(process.platform === 'linux')('service install', () => {
  it('writes a unit whose words survive the quoting of systemd', async () => {
    const env = { XDG_CONFIG_HOME: path.join(home, 'config'), PATH: '' };
    const ran = await coffre('service install --json', { env });
    const { unit, enabled } = ran.json() as { unit: string; enabled: boolean };
    expect(enabled).toBe(false);
    const text = await readFile(unit, 'utf8');
    expect(text).toContain(`ExecStart="${process.execPath}" "/opt/coffre/cli/main.js" start --foreground`);
    expect(text).toContain(`Environment="COFFRE_HOME=${home}"`);
  });
});
