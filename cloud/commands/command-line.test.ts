import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packed, Person, type TestDevice } from '../../test/fakes/hand-made-client.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;
let dataDir: string;
const running: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return child;
}

async function serve(data: string, ...args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = start('serve', '--data', data, ...args);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return { child, line };
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(...args);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

async function fill(url: string, email: string): Promise<TestDevice> {
  const device = await new Person(url, email).signup();
  const view = await device.makeVault();
  const bytes = randomBytes(20_000);
  await device.put(view, bytes);
  await device.commit(view, { added: [packed(bytes)] });
  return device;
}

describe('coffre-cloud', { timeout: 60_000 }, () => {
  it('serves, is checked, backed up while running, stopped, and runs on from the backup', async () => {
    const { child, line } = await serve(dataDir, '--listen', '127.0.0.1:0');
    expect(line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/);
    const device = await fill(line.slice('listening on '.length), 'a@example.org');

    const copy = join(dataDir, 'copy');
    const backup = await run('backup', '--data', dataDir, '--to', copy, '--json');
    expect([backup.code, JSON.parse(backup.out)]).toMatchObject([
      0,
      { packs: 1, copiedBytes: 20_000, damage: [] },
    ]);
    const again = await run('backup', '--data', dataDir, '--to', copy, '--json');
    expect(JSON.parse(again.out)).toMatchObject({ packs: 1, copiedBytes: 0 });
    const checked = await run('check', '--data', copy, '--json');
    expect([checked.code, JSON.parse(checked.out)]).toMatchObject([
      0,
      { sound: true, packs: 1, strayFiles: 0 },
    ]);

    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
    const restored = await serve(copy, '--listen', '127.0.0.1:0');
    Object.assign(device.person, { url: restored.line.slice('listening on '.length) });
    expect((await device.person.tryLogin()).status).toBe(200);
    expect((await device.ask('GET', '/v1/vaults')).json.vaults).toHaveLength(1);
  });

  it('finds a damaged pack and exits 7', async () => {
    const { child, line } = await serve(dataDir, '--listen', '127.0.0.1:0');
    await fill(line.slice('listening on '.length), 'a@example.org');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const files = await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    const file = files.find((entry) => entry.isFile())!;
    await writeFile(join(file.parentPath, file.name), randomBytes(20_000));
    const checked = await run('check', '--data', dataDir);
    expect(checked.code).toBe(7);
    expect(checked.err.trimEnd().split('\n')).toHaveLength(1);
    expect(checked.out).toContain(`pack ${file.name}: damaged`);
  });

  it('lets people in by invitation only when asked to, once each', async () => {
    const { line } = await serve(dataDir, '--listen', '127.0.0.1:0', '--signup', 'invite');
    const url = line.slice('listening on '.length);
    expect((await new Person(url).trySignup()).answer.status).toBe(403);
    const code = (await run('invite', '--data', dataDir)).out.trim();
    expect((await new Person(url, 'b@example.org').trySignup(code)).answer.status).toBe(201);
    expect((await new Person(url).trySignup(code)).answer.status).toBe(403);
    const shown = await run('users', 'show', 'b@example.org', '--data', dataDir, '--json');
    expect(JSON.parse(shown.out)).toMatchObject({ email: 'b@example.org', limitBytes: 100_000_000_000 });
  });

  it('disables, limits and deletes an account beside the running server', async () => {
    const { line } = await serve(dataDir, '--listen', '127.0.0.1:0');
    const device = await fill(line.slice('listening on '.length), 'c@example.org');
    await run('users', 'quota', 'c@example.org', '5GiB', '--data', dataDir);
    expect((await device.ask('GET', '/v1/account')).json.quota.limitBytes).toBe(5 * 1024 ** 3);
    await run('users', 'disable', 'c@example.org', '--data', dataDir);
    expect((await device.ask('GET', '/v1/account')).status).toBe(401);
    expect((await device.person.tryLogin()).status).toBe(403);
    await run('users', 'disable', 'c@example.org', '--undo', '--data', dataDir);
    expect((await device.refresh()).status).toBe(200);
    expect((await run('users', 'delete', 'c@example.org', '--data', dataDir)).code).toBe(2);
    expect((await run('users', 'delete', 'c@example.org', '--yes', '--data', dataDir)).code).toBe(0);
    expect((await device.refresh()).status).toBe(403);
    expect(JSON.parse((await run('users', 'list', '--data', dataDir, '--json')).out)).toEqual({ users: [] });
  });

  it('makes itself a certificate beyond loopback and prints its fingerprint', async () => {
    const { child, line } = await serve(dataDir, '--listen', '0.0.0.0:0');
    const match = /^listening on (https:\/\/0\.0\.0\.0:(\d+))\/#([0-9a-f]{64})$/.exec(line);
    expect(match).not.toBeNull();
    expect((await stat(join(dataDir, 'tls-key.pem'))).mode & 0o777).toBe(0o600);
    const socket = connect({ port: Number(match![2]), host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    expect(fingerprint256.replaceAll(':', '').toLowerCase()).toBe(match![3]);
    socket.write('GET /v1/server HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(await text(socket)).toContain('"signup":"invite"');
    child.kill('SIGTERM');
    await once(child, 'exit');
    const again = await serve(dataDir, '--listen', '0.0.0.0:0');
    expect(again.line.endsWith(match![3]!)).toBe(true);
  });

  it('takes as many connections at a time as it is told', async () => {
    const { line } = await serve(dataDir, '--listen', '127.0.0.1:0', '--max-connections', '2');
    const port = Number(new URL(line.slice('listening on '.length)).port);
    const open = async (): Promise<Socket> => {
      const socket = connectPlain(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    };
    const taken = [await open(), await open()];
    const refused = await open();
    await once(refused.resume(), 'close');
    expect(taken.map(({ closed }) => closed)).toEqual([false, false]);
    for (const socket of taken) socket.destroy();
    const wrong = await run('serve', '--data', dataDir, '--listen', '127.0.0.1:0', '--max-connections', '0');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('--max-connections wants')]);
  });

  it('says in one line what is wrong', async () => {
    const wrong = await run('serve', '--data', dataDir, '--listen', 'nowhere');
    expect([wrong.code, wrong.err.trimEnd().split('\n').length]).toEqual([2, 1]);
    const empty = await run('stats', '--data', dataDir, '--json');
    expect(empty.code).toBe(2);
    expect(JSON.parse(empty.err).error).toMatchObject({ code: 'bad-input' });
    await writeFile(join(dataDir, 'cloud.sqlite'), randomBytes(8192));
    const damaged = await run('serve', '--data', dataDir, '--listen', '127.0.0.1:0');
    expect([damaged.code, damaged.err]).toEqual([
      7,
      expect.stringContaining('restore the data directory from a backup'),
    ]);
  });

  it('logs neither ids nor addresses', async () => {
    const { child, line } = await serve(dataDir, '--listen', '127.0.0.1:0', '--log-level', 'debug');
    const logged = text(child.stderr!);
    const device = await fill(line.slice('listening on '.length), 'private@example.org');
    child.kill('SIGTERM');
    const lines = await logged;
    expect(lines).toContain('/v1/vaults/:vault/commits');
    const secrets = [
      'private',
      device.device,
      device.person.account,
      device.session.accessToken,
      '127.0.0.1',
    ];
    for (const secret of secrets) expect(lines).not.toContain(secret);
    expect((await readFile(join(dataDir, 'opaque-setup'), 'utf8')).length).toBeGreaterThan(100);
  });
});
