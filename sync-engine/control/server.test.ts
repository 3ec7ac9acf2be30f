import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  scriptedFacade,
  statusOf,
  type Script,
  type ScriptedFacade,
} from '../../test/fakes/scripted-facade.ts';
import { controlEndpoint } from '../../protocol/control-endpoint.ts';
import { MAX_FRAME_BYTES } from '../../protocol/control.ts';
import { PersonError } from '../../protocol/errors.ts';
import { CONTROL_VERSION } from '../../protocol/version.ts';
import { connectIfRunning, stopEngine, type ControlClient } from '../client/client.ts';
import { serveControl, type ControlServer } from './server.ts';

let home: string;
let defects: string[];
const open: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'coffre-control-'));
  defects = [];
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  await rm(home, { recursive: true });
});

async function serve(script: Script): Promise<{ server: ControlServer; facade: ScriptedFacade }> {
  const facade = scriptedFacade(script);
  const onDefect = (error: unknown, where: string) => void defects.push(`${where}: ${String(error)}`);
  const server = await serveControl({ home, facade, engineVersion: '0.1.0', onDefect });
  open.push(() => server.close());
  return { server, facade };
}

async function client(): Promise<ControlClient> {
  const connected = await connectIfRunning(controlEndpoint(home));
  open.push(() => connected!.close());
  return connected!;
}

async function rawSocket(): Promise<Socket> {
  const socket = connect(controlEndpoint(home).address);
  await once(socket, 'connect');
  open.push(async () => socket.destroy());
  return socket;
}

describe('the control server', () => {
  it('answers calls side by side, with defaults filled in', async () => {
    let release: (() => void) | undefined;
    const { facade } = await serve({
      wait: () => new Promise((resolve) => (release = () => resolve({ seq: { Files: 9 } }))),
      ls: (request) => ({ path: `Files:${request.path}`, vaults: ['Files'], entries: [], nextCursor: null }),
    });
    const connected = await client();
    const waiting = connected.call('wait', {});
    expect((await connected.call('ls', {})).path).toBe('Files:/');
    release!();
    expect(await waiting).toEqual({ seq: { Files: 9 } });
    expect(facade.calls.find((call) => call.method === 'ls')!.request).toEqual({
      path: '/',
      totals: false,
      limit: 200,
      cursor: null,
    });
  });

  it('carries errors for persons whole, and hides the text of defects', async () => {
    await serve({
      pause: () => Promise.reject(new PersonError('locked', 'this device is locked', 'Run coffre unlock.')),
      resume: () => Promise.reject(new Error('/secret/path')),
    });
    const connected = await client();
    await expect(connected.call('pause', {})).rejects.toMatchObject({
      code: 'locked',
      message: 'this device is locked',
      hint: 'Run coffre unlock.',
    });
    const defect = await connected.call('resume', {}).catch((error: unknown) => error as PersonError);
    expect(defect).toMatchObject({ code: 'failed' });
    expect((defect as PersonError).message).not.toContain('secret');
    expect(defects).toEqual(['resume: Error: /secret/path']);
  });

  it('refuses params that do not fit, without repeating them', async () => {
    const { facade } = await serve({ unlock: () => ({ state: 'idle' }) });
    const connected = await client();
    const error = await connected
      .call('unlock', { password: ['hunter2'] as unknown as string })
      .catch((caught: unknown) => caught as PersonError);
    expect(error).toMatchObject({ code: 'bad-input' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
    expect(facade.calls).toEqual([]);
  });

  it('treats a result that breaks its schema as a defect', async () => {
    await serve({ pause: () => ({ state: 'sleeping' }) as never });
    await expect((await client()).call('pause', {})).rejects.toMatchObject({ code: 'failed' });
    expect(defects).toHaveLength(1);
  });

  it('aborts a call when its client cancels, and when it goes', async () => {
    const aborted: string[] = [];
    const settle: (() => void)[] = [];
    const ended = () => new Promise<void>((resolve) => settle.push(resolve));
    await serve({
      wait: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push('wait');
            settle.shift()?.();
            reject(new PersonError('failed', 'cancelled', ''));
          });
        }),
    });
    const first = await client();
    const cancelled = ended();
    const abort = new AbortController();
    const waiting = first.call('wait', {}, { signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ message: 'cancelled' });
    await cancelled;

    const gone = ended();
    const second = await client();
    const lost = second.call('wait', {});
    lost.catch(() => undefined);
    // A later answer shows that the engine has got the earlier call.
    await second.subscribe([], () => undefined);
    await second.close();
    await gone;
    await expect(lost).rejects.toMatchObject({ code: 'engine-not-running' });
    expect(aborted).toEqual(['wait', 'wait']);
  });

  it('pushes events to subscribers only, and progress to the caller', async () => {
    const { facade } = await serve({
      check: (_, { progress }) => {
        progress({ step: 'reading', done: 1, total: 4, unit: 'bytes' });
        return { files: 1, bytes: 4, lastProvenRestorableMs: 1, keys: 'device' };
      },
    });
    const [subscriber, other] = [await client(), await client()];
    const heard: unknown[] = [];
    const got = new Promise<void>((resolve) => {
      void subscriber.subscribe(['status'], (event) => {
        heard.push(event);
        resolve();
      });
    });
    await subscriber.call('check', {}); // the subscription came first
    await other.subscribe(['activity'], () => heard.push('wrong'));
    facade.emit({ event: 'issues', data: { issues: [], issueCount: 0 } });
    facade.emit({ event: 'status', data: statusOf({ state: 'paused' }) });
    await got;
    expect(heard).toMatchObject([{ event: 'status', data: { state: 'paused' } }]);

    const steps: unknown[] = [];
    await other.call('check', {}, { onProgress: (progress) => steps.push(progress.done) });
    expect(steps).toEqual([1]);
  });

  it('keeps the latest status for a client that reads slowly, and drops one that never reads activity', async () => {
    const { server, facade } = await serve({});
    const socket = await rawSocket();
    socket.write(`${JSON.stringify({ id: 1, method: 'hello', params: { version: CONTROL_VERSION } })}\n`);
    socket.write(
      `${JSON.stringify({ id: 2, method: 'subscribe', params: { events: ['status', 'activity'] } })}\n`,
    );
    let answers = '';
    while (!answers.includes('"id":2')) answers += String((await once(socket, 'data'))[0]);
    socket.pause();
    const long = 'x'.repeat(1000);
    const row = { id: 1, atMs: 0, pair: null, path: long, action: 'upload', reason: long, bytes: 0 };
    for (let index = 0; index < 5000; index += 1) {
      facade.emit({ event: 'status', data: statusOf({ pending: { files: index, bytes: 0 } }) });
      facade.emit({ event: 'activity', data: { rows: [{ ...row, id: index }] } });
    }
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'close');
    expect(server.clients()).toBe(0);
  });

  it('asks a list for less until its answer fits a frame', async () => {
    const name = '\u0001'.repeat(5000); // six bytes each in JSON
    const { facade } = await serve({
      'trash.list': ({ limit }) => ({
        entries: Array.from({ length: limit }, (_, index) => ({
          id: String(index),
          name,
          type: 'file' as const,
          size: 0,
          path: null,
          vault: 'Files',
          deletedAtMs: null,
        })),
        nextCursor: 'more',
      }),
    });
    const page = await (await client()).call('trash.list', { limit: 100 });
    expect(page.entries).toHaveLength(25);
    expect(facade.calls).toHaveLength(3);
  });

  it('sends a status with fewer issues rather than none', async () => {
    const issues = Array.from({ length: 100 }, (_, id) => ({
      id,
      code: 'locked-file',
      path: 'p'.repeat(30_000),
      reason: 'r',
      ways: [],
      pair: null,
      sinceMs: 0,
    }));
    await serve({ status: () => statusOf({ issues, issueCount: 100 }) });
    const status = await (await client()).call('status', {});
    expect(status.issueCount).toBe(100);
    expect(status.issues.length).toBe(25);
  });

  it.each([
    ['what is not JSON', 'nonsense\n'],
    ['what is no request', '[1]\n'],
    ['a call before hello', '{"id":1,"method":"status"}\n'],
    ['a frame beyond its limit', 'x'.repeat(MAX_FRAME_BYTES)],
  ])('drops a client that sends %s', async (_, bytes) => {
    const { facade } = await serve({ status: () => statusOf() });
    const socket = await rawSocket();
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    expect(facade.calls).toEqual([]);
  });

  it('serves nothing but stop to another version', async () => {
    let stopped = 0;
    const { facade } = await serve({
      stop: () => {
        stopped += 1;
        return {};
      },
    });
    const socket = await rawSocket();
    const lines = [
      { id: 1, method: 'hello', params: { version: CONTROL_VERSION + 1 } },
      { id: 2, method: 'pause' },
      { id: 3, method: 'stop' },
    ];
    socket.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    let answers = '';
    while (!answers.includes('"id":3')) answers += String((await once(socket, 'data'))[0]);
    const [hello, pause, stop] = answers
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { result?: unknown; error?: { code: string } });
    expect([hello?.error?.code, pause?.error?.code, stop?.result]).toEqual([
      'engine-running',
      'engine-running',
      {},
    ]);
    expect([stopped, facade.calls.length]).toEqual([1, 1]);
  });

  it('answers what runs before it closes', async () => {
    const { server } = await serve({
      wait: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new PersonError('failed', 'ending', '')));
        }),
      stop: () => {
        void Promise.resolve().then(() => server.close());
        return {};
      },
    });
    const waiting = (await client()).call('wait', {});
    waiting.catch(() => undefined);
    expect(await stopEngine(controlEndpoint(home))).toBe(true);
    await expect(waiting).rejects.toBeInstanceOf(PersonError);
    expect(await connectIfRunning(controlEndpoint(home))).toBeNull();
    expect(await stopEngine(controlEndpoint(home))).toBe(false);
  });
});

describe('the control socket', () => {
  it('is for its owner alone', async () => {
    await serve({});
    const { folder, address } = controlEndpoint(home);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(address)).mode & 0o777).toBe(0o600);
  });

  it('is refused to a second engine, and taken over from a dead one', async () => {
    const { address, folder } = controlEndpoint(home);
    await mkdir(folder, { mode: 0o700 });
    await writeFile(address, ''); // as a crash leaves it: there, and nobody listens
    await serve({});
    await expect(serve({})).rejects.toMatchObject({ code: 'engine-running' });
    expect((await client()).engine.pid).toBe(process.pid);
  });

  it.each([
    ['others may enter', async (folder: string) => mkdir(folder).then(() => chmod(folder, 0o755))],
    [
      'is a link',
      async (folder: string) => {
        await mkdir(path.join(home, 'elsewhere'), { mode: 0o700 });
        await symlink(path.join(home, 'elsewhere'), folder);
      },
    ],
  ])('is in no folder that %s', async (_, make) => {
    await make(controlEndpoint(home).folder);
    await expect(serve({})).rejects.toMatchObject({ code: 'home-damaged' });
    await expect(connectIfRunning(controlEndpoint(home))).rejects.toMatchObject({ code: 'home-damaged' });
  });

  it('moves to a short path when the home is long', () => {
    const long = path.join(home, 'x'.repeat(100));
    const endpoint = controlEndpoint(long, 'linux');
    expect(endpoint.address.startsWith(tmpdir())).toBe(true);
    expect(endpoint.address).not.toBe(controlEndpoint(`${long}y`, 'linux').address);
    expect(Buffer.byteLength(endpoint.address)).toBeLessThan(104);
  });
});
