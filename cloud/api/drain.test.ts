import { mkdtemp, rename, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCloudProcess, type CloudProcess } from '../../test/fakes/cloud-process.ts';
import { listen } from '../../test/fakes/event-listener.ts';
import { ask, packName, Person, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';
import { DEFAULT_DRAIN } from '../config.ts';
import { startServer, type RunningServer } from '../server.ts';
import { Readiness } from './readiness.ts';

let root: string;
let dataDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coffre-drain-'));
  dataDir = join(root, 'data');
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('a server that is told to stop', () => {
  let server: RunningServer;
  let device: TestDevice;
  let view: VaultView;

  beforeEach(async () => {
    // Longer than any test: `close` ends the grace.
    const drain = { ...DEFAULT_DRAIN, graceMs: 600_000 };
    server = await startServer({ dataDir, logLevel: 'silent', drain });
    device = await new Person(server.address).signup();
    view = await device.makeVault();
  });
  afterEach(async () => {
    await server.close();
  });

  it('is not ready from then on, lives, and serves whoever still comes, each connection once', async () => {
    const before = await ask(server.address, 'GET', '/readyz');
    expect([before.status, before.json]).toEqual([200, { status: 'ready' }]);
    const { socket } = await listen(device);
    const drained = server.drain();
    const ready = await ask(server.address, 'GET', '/readyz');
    expect([ready.status, ready.json]).toEqual([503, { status: 'draining' }]);
    expect((await ask(server.address, 'GET', '/healthz')).status).toBe(200);
    const answer = await device.ask('GET', '/v1/account');
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
    expect((await device.commit(view, { nodes: [] })).status).toBe(200);
    expect(socket.readyState).toBe(socket.OPEN);
    const closed = once(socket, 'close');
    await server.close();
    expect((await closed)[0]).toBe(1012);
    await drained;
  });

  it('finishes what was begun, sends devices elsewhere, ends idle connections, and takes nobody any more', async () => {
    const bytes = randomBytes(50_000);
    const { upload, answered } = beginPut(bytes);
    await until(async () => {
      const { uncommittedBytes } = (await device.ask('GET', '/v1/account')).json.quota;
      return uncommittedBytes === bytes.length;
    });
    const port = Number(new URL(server.address).port);
    const idle = connect(port, '127.0.0.1');
    idle.write('GET /v1/server HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(idle, 'data');
    const { socket } = await listen(device);
    const gone = Promise.all([once(socket, 'close'), text(idle)]);
    const closed = server.close();
    expect((await gone)[0][0]).toBe(1012);
    const late = connect(port, '127.0.0.1');
    const [refused] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(refused.code).toBe('ECONNREFUSED');
    upload.end(bytes.subarray(10_000));
    const answer = await answered;
    expect([answer.statusCode, answer.headers.connection]).toEqual([201, 'close']);
    await closed;
  });

  it('waits for a request no longer than it is told', async () => {
    await server.close();
    const drain = { graceMs: 0, requestsMs: 50 };
    server = await startServer({ dataDir, logLevel: 'silent', drain });
    device.person.url = server.address;
    const { answered } = beginPut(randomBytes(50_000));
    const failed = answered.catch((error: unknown) => (error as NodeJS.ErrnoException).code);
    await until(async () => (await device.ask('GET', '/v1/account')).json.quota.uncommittedBytes === 50_000);
    await server.close();
    expect(await failed).toBe('ECONNRESET');
  });

  /** A pack of which the first part is sent. */
  function beginPut(bytes: Buffer): { upload: ClientRequest; answered: Promise<IncomingMessage> } {
    const upload = request(`${server.address}/v1/vaults/${view.vault}/packs/${packName(bytes)}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${device.session.accessToken}`,
        'content-type': 'application/octet-stream',
        'content-length': bytes.length,
      },
    });
    upload.write(bytes.subarray(0, 10_000));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upload.once('response', resolve);
      upload.once('error', reject);
    });
    return { upload, answered };
  }

  /** What the server did with a body it has only a part of shows nowhere else. */
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    await expect.poll(isSo, { timeout: 20_000 }).toBe(true);
  }
});

describe('the process of a server', () => {
  let server: CloudProcess;
  afterEach(async () => {
    await server.kill();
  });

  it('goes on for its grace, and ends with 0', async () => {
    server = await startCloudProcess(dataDir, { options: ['--drain-grace', '0.5'] });
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  it('ends at once when it is told twice', async () => {
    server = await startCloudProcess(dataDir, { options: ['--drain-grace', '600'] });
    server.signal('SIGTERM');
    await expect.poll(async () => (await ask(server.address, 'GET', '/readyz')).status).toBe(503);
    server.signal('SIGTERM');
    expect(await server.ended).toBe('SIGTERM');
  });
});

describe('readiness', () => {
  it('goes with the disk, and comes back with it', async () => {
    const server = await startServer({ dataDir, logLevel: 'silent' });
    const state = async (): Promise<unknown> => (await ask(server.address, 'GET', '/readyz')).json;
    const blobs = join(dataDir, 'blobs');
    await rename(blobs, join(root, 'away'));
    expect(await state()).toEqual({ status: 'unreachable', parts: ['packs'] });
    await rename(join(root, 'away'), blobs);
    await expect.poll(state, { timeout: 20_000 }).toEqual({ status: 'ready' });
    await server.close();
  });

  it('counts what does not answer in time as out of reach, and asks it once', async () => {
    let asked = 0;
    const answer = Promise.withResolvers<undefined>();
    const hangs = async (): Promise<void> => {
      asked += 1;
      await answer.promise;
    };
    const readiness = new Readiness({ database: hangs, packs: () => Promise.resolve() }, 20);
    const out = { status: 'unreachable', parts: ['database'] };
    expect(await Promise.all([readiness.state(), readiness.state()])).toEqual([out, out]);
    expect(await readiness.state()).toEqual(out);
    expect(asked).toBe(1);
    answer.resolve(undefined);
    await expect.poll(() => readiness.state(), { timeout: 20_000 }).toEqual({ status: 'ready' });
  });
});
