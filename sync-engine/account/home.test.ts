import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeDurably } from './durable-file.ts';
import { lockEngine } from './engine-lock.ts';
import { Home } from './home.ts';
import { isSameMachine, markOf } from './machine.ts';
import { passphraseFromEnvironment } from './unlock.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coffre-home-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('a durable write', () => {
  it('replaces a file whole, leaves the old one when it fails, and no rest either way', async () => {
    const path = join(root, 'file');
    await writeDurably(path, 'one');
    await writeDurably(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    await mkdir(join(root, 'folder', 'inside'), { recursive: true });
    await expect(writeDurably(join(root, 'folder'), 'three')).rejects.toThrow();
    expect((await readdir(root)).sort()).toEqual(['file', 'folder']);
  });
});

describe('the engine lock', () => {
  it('is held by one, and let go by a process that is killed', async () => {
    const home = await Home.open(root);
    const script = `
      const { lockEngine } = await import(${JSON.stringify(join(import.meta.dirname, 'engine-lock.ts'))});
      globalThis.release = lockEngine({ lockPath: ${JSON.stringify(home.lockPath)} });
      console.log('held');
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => lockEngine(home)).toThrow('another engine');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const release = lockEngine(home);
    expect(() => lockEngine(home)).toThrow('another engine');
    release();
    lockEngine(home)();
  });
});

describe('the mark of a machine', () => {
  it('tells another machine and another folder, and not what it does not know', async () => {
    const here = await markOf(root, () => Promise.resolve('machine-1'));
    expect(here.machine).toMatch(/^[0-9a-f]{64}$/);
    expect(isSameMachine(here, await markOf(root, () => Promise.resolve('machine-1')))).toBe(true);
    expect(isSameMachine(here, await markOf(root, () => Promise.resolve('machine-2')))).toBe(false);
    expect(isSameMachine(here, await markOf(root, () => Promise.resolve(null)))).toBe(true);
    expect(isSameMachine(here, { ...here, folder: '1' })).toBe(false);
  });
});

describe('the passphrase of a headless machine', () => {
  it('comes from the environment or a systemd credential, or from nowhere', async () => {
    await writeFile(join(root, 'coffre-password'), 'from a credential\n');
    const credential = { CREDENTIALS_DIRECTORY: root };
    expect(await passphraseFromEnvironment({ ...credential, COFFRE_PASSWORD: 'given' })).toBe('given');
    expect(await passphraseFromEnvironment({ ...credential, COFFRE_PASSWORD: '' })).toBe('from a credential');
    expect(await passphraseFromEnvironment({ CREDENTIALS_DIRECTORY: join(root, 'none') })).toBeNull();
    expect(await passphraseFromEnvironment({})).toBeNull();
  });
});

describe('a home that cannot be', () => {
  it('says which folder and what to do', async () => {
    const path = join(root, 'file');
    await writeFile(path, '');
    await expect(Home.open(path)).rejects.toMatchObject({
      code: 'failed',
      hint: expect.stringContaining('COFFRE_HOME'),
    });
    await expect((await Home.open(root)).requireConfig()).rejects.toMatchObject({ code: 'not-set-up' });
  });
});
