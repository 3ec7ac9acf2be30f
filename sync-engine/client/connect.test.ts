import { createServer } from 'node:net';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlEndpoint, makePrivateFolder } from '../../protocol/control-endpoint.ts';
import { connectIfRunning, stopEngine } from './client.ts';
import { connectEngine } from './connect.ts';
import type { EngineProgram } from './engine-program.ts';

let home: string;
let program: EngineProgram;

beforeEach(async () => {
  const place = await mkdtemp(path.join(tmpdir(), 'coffre-connect-'));
  home = path.join(place, 'home');
  program = { node: process.execPath, entry: path.join(place, 'engine.mjs') };
});
afterEach(async () => {
  await stopEngine(controlEndpoint(home));
  await rm(path.dirname(home), { recursive: true });
});

/** An engine process that serves the real control API over a script, after `lead` has run. */
async function writeEngine(lead = ''): Promise<void> {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  await writeFile(
    program.entry,
    `import { appendFileSync, openSync } from 'node:fs';
     import { serveControl } from ${url('../control/server.ts')};
     import { scriptedFacade, statusOf } from ${url('../../test/fakes/scripted-facade.ts')};
     const home = process.env.COFFRE_HOME;
     appendFileSync(home + '/started', process.pid + '\\n');
     ${lead}
     let server;
     const fail = (code) => {
       console.error(JSON.stringify({ error: { code, message: 'it failed', hint: '' } }));
       process.exit(1);
     };
     try {
       openSync(home + '/lock', 'wx'); // as the engine holds its home
     } catch {
       fail('engine-running');
     }
     const facade = scriptedFacade({
       status: () => statusOf(),
       stop: () => { setImmediate(() => server.close()); return {}; },
     });
     server = await serveControl({ home, facade, engineVersion: '0', onDefect: () => {} });`,
  );
}

const connect = (options: { startingMs?: number } = {}) =>
  connectEngine({ home, program, env: process.env, ...options });

describe('connecting to the engine', () => {
  it('starts it once, waits for it, and finds it again', async () => {
    await writeEngine('await new Promise((resolve) => setTimeout(resolve, 200));');
    const first = await connect();
    expect((await first.call('status', {})).state).toBe('idle');
    const second = await connect();
    expect(second.engine.pid).toBe(first.engine.pid);
    await first.close();
    await second.close();
    expect((await readFile(path.join(home, 'started'), 'utf8')).trim()).toBe(String(first.engine.pid));
    expect((await stat(controlEndpoint(home).errorFile)).mode & 0o777).toBe(0o600);
  });

  it('ends up at one engine when two clients start it at once', async () => {
    await writeEngine();
    const clients = await Promise.all([connect(), connect()]);
    expect(clients[0].engine.pid).toBe(clients[1].engine.pid);
    for (const client of clients) await client.close();
  });

  it('has ended the process when stop resolves', async () => {
    await writeEngine();
    const client = await connect();
    const { pid } = client.engine;
    await client.close();
    expect(await stopEngine(controlEndpoint(home))).toBe(true);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await connectIfRunning(controlEndpoint(home))).toBeNull();
  });

  it('gives up on an engine that never answers', async () => {
    await writeEngine('await new Promise((resolve) => setTimeout(resolve, 3000)); process.exit(0);');
    await expect(connect({ startingMs: 100 })).rejects.toMatchObject({ code: 'engine-not-running' });
  });

  it('does not wait for ever for an engine that is stuck', async () => {
    const endpoint = controlEndpoint(home);
    await makePrivateFolder(endpoint.folder);
    const stuck = createServer((socket) => void socket.resume());
    await new Promise<void>((resolve) => stuck.listen(endpoint.address, resolve));
    await expect(stopEngine(endpoint, 50)).rejects.toMatchObject({ code: 'failed' });
    await new Promise((resolve) => stuck.close(resolve));
  });

  it('says when there is no such Node', async () => {
    program = { ...program, node: '/nowhere/node' };
    await expect(connect()).rejects.toMatchObject({
      code: 'engine-not-running',
      message: expect.stringContaining('/nowhere/node') as string,
    });
  });
});
