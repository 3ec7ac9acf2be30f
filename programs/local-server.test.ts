import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isServerOf, startLocalServer, startServerOf, type ServerProgram } from './local-server.ts';
import { onNode } from './program.ts';

const program: ServerProgram = {
  start: onNode(process.execPath),
  entry: fileURLToPath(new URL('../cloud/main.ts', import.meta.url)),
  env: process.env,
};
let folder: string;
beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'coffre-local-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('the local server', () => {
  it('answers at its address until it is stopped, and says why it cannot start', async () => {
    const first = await startLocalServer(program, path.join(folder, 'data'), 0);
    const answer = await fetch(`${first.url}/v1/server`, { headers: { 'coffre-protocol': '1' } });
    expect(await answer.json()).toMatchObject({ name: 'coffre-cloud', signup: 'open' });
    const taken = startLocalServer(program, path.join(folder, 'other'), Number(new URL(first.url).port));
    await expect(taken).rejects.toMatchObject({ code: 'failed' });
    await first.stop();
    await expect(fetch(`${first.url}/v1/server`)).rejects.toThrow();
  });

  it('keeps its port over restarts, and an account at that port is known to be on it', async () => {
    const first = await startServerOf(program, folder);
    const { port } = new URL(first.url);
    expect(await isServerOf(folder, first.url)).toBe(true);
    expect(await isServerOf(folder, `http://127.0.0.1:${Number(port) + 1}`)).toBe(false);
    expect(await isServerOf(folder, `https://cloud.example.org:${port}`)).toBe(false);
    await first.stop();
    const again = await startServerOf(program, folder);
    expect(again.url).toBe(first.url);
    await again.stop();
  });

  it('takes another port when its own is taken', async () => {
    const first = await startServerOf(program, folder);
    await first.stop();
    const other = createServer((socket) => void socket.destroy());
    await new Promise<void>((resolve) => other.listen(Number(new URL(first.url).port), '127.0.0.1', resolve));
    const moved = await startServerOf(program, folder);
    expect(moved.url).not.toBe(first.url);
    expect(await isServerOf(folder, moved.url)).toBe(true);
    await moved.stop();
    await new Promise((resolve) => other.close(resolve));
  });

  it('finds the one that runs already, and leaves it running', async () => {
    const first = await startServerOf(program, folder);
    const found = await startServerOf(program, folder);
    expect(found.url).toBe(first.url);
    await found.stop();
    expect((await fetch(`${first.url}/v1/server`)).ok).toBe(true);
    await first.stop();
  });
});
