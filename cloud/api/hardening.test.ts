import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackName } from '../../protocol/ids.ts';
import { ask, Person, randomId } from '../../test/fakes/hand-made-client.ts';
import { DEFAULT_HTTP_LIMITS } from '../config.ts';
import { startServer, type RunningServer } from '../server.ts';

let dataDir: string;
let server: RunningServer;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  const http = {
    ...DEFAULT_HTTP_LIMITS,
    headersTimeoutMs: 200,
    bodyCheckIntervalMs: 150,
    minBodyBytesPerSecond: 1000,
    maxConnections: 20,
  };
  server = await startServer({ dataDir, logLevel: 'silent', http });
});
afterEach(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function raw(first: string): Promise<Socket> {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(first);
  return socket;
}

describe('a slow client', () => {
  it('is cut off while it dribbles headers', async () => {
    const socket = await raw('GET /v1/server HTTP/1.1\r\nhost: x\r\nx-slow: ');
    expect(await text(socket)).toMatch(/^(HTTP\/1\.1 408|$)/);
  });

  it('is cut off while it dribbles a body, and its reserved bytes come back', async () => {
    const device = await new Person(server.address).signup();
    const view = await device.makeVault();
    const socket = await raw(
      `PUT /v1/vaults/${view.vault}/packs/${randomId<PackName>(32)} HTTP/1.1\r\nhost: x\r\n` +
        `authorization: Bearer ${device.session.accessToken}\r\ncontent-length: 50000\r\n\r\nabc`,
    );
    socket.on('error', () => undefined);
    await once(socket, 'close');
    await expect
      .poll(async () => (await device.ask('GET', '/v1/account')).json.quota.uncommittedBytes as number)
      .toBe(0);
  });
});

describe('a malformed request', () => {
  it('gets one uniform error and no word of the inside', async () => {
    const device = await new Person(server.address).signup();
    const view = await device.makeVault();
    const answers = [
      await ask(server.address, 'GET', '/nowhere'),
      await ask(server.address, 'POST', '/v1/login/start', null, { email: 3 }),
      await ask(server.address, 'POST', '/v1/login/start', null, Buffer.from('x')),
      await ask(server.address, 'GET', '/v1/server/%E0%A4%A'),
      await device.ask('GET', `/v1/vaults/${view.vault}/changes?after=-1`),
      await device.ask('GET', `/v1/vaults/${view.vault}/changes`),
      await device.ask('GET', `/v1/vaults/${view.vault}/state?at=1&cursor=zzz`),
      await device.ask('GET', '/v1/vaults/..%2f..%2fetc/changes?after=0'),
      await device.ask('PUT', `/v1/vaults/${view.vault}/packs/nothex`, Buffer.from('x')),
      await device.ask('POST', `/v1/vaults/${view.vault}/lease`, 'no object'),
    ];
    for (const answer of answers.slice(0, 9)) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(Object.keys(answer.json as object)).toEqual(['error']);
      expect(JSON.stringify(answer.json)).not.toMatch(/node_modules|\.ts|FST_|sqlite/i);
    }
  });

  it('is told when it speaks another version of the protocol', async () => {
    const answer = await ask(server.address, 'GET', '/v1/vaults', null, undefined, {
      'coffre-protocol': '99',
    });
    expect([answer.status, answer.json.error.code]).toEqual([426, 'version']);
    expect(answer.headers.get('coffre-protocol')).toBe('1');
    const info = await ask(server.address, 'GET', '/v1/server', null, undefined, { 'coffre-protocol': '99' });
    expect(info.json).toMatchObject({ name: 'coffre-cloud', protocol: 1 });
  });

  it('cannot send a pack without its length', async () => {
    const device = await new Person(server.address).signup();
    const view = await device.makeVault();
    const socket = await raw(
      `PUT /v1/vaults/${view.vault}/packs/${randomId<PackName>(32)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n` +
        `authorization: Bearer ${device.session.accessToken}\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 411/);
  });
});

it('refuses a second server on the same data', async () => {
  await expect(startServer({ dataDir, logLevel: 'silent' })).rejects.toThrow(/in use by another/);
});

it('shows sums and no ids in its metrics', async () => {
  const person = new Person(server.address);
  const device = await person.signup();
  const view = await device.makeVault();
  const metrics = Buffer.from((await ask(server.address, 'GET', '/metrics')).bytes).toString();
  expect(metrics).toContain('coffre_commits_total 1');
  for (const secret of [person.account, person.email, device.device, view.vault])
    expect(metrics).not.toContain(secret);
});
