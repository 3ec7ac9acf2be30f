/** The package as it is given away: put together, moved, and started where nothing of this checkout can be seen. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killTree } from '../desktop/process-tree.ts';
import { Desktop } from '../desktop/session.ts';
import { appEnvironment, PROJECT, sandboxArguments } from '../e2e/app.ts';
import { until, World } from '../integration/harness.ts';
import { PackagedWindow } from './packaged-window.ts';

const LONG_MS = 60_000;
const place = mkdtempSync(join(tmpdir(), 'coffre-packaged-'));
/** Where it is unpacked: not where it was made. */
let moved: string;

beforeAll(() => {
  make(join(place, 'first'), 'tar.gz');
  const archive = readdirSync(join(place, 'first')).find((name) => name.endsWith('.tar.gz'))!;
  const elsewhere = join(place, 'else where');
  mkdirSync(elsewhere);
  expect(spawnSync('tar', ['-xzf', join(place, 'first', archive), '-C', elsewhere]).status).toBe(0);
  moved = join(elsewhere, readdirSync(elsewhere)[0]!);
});
afterAll(() => rmSync(place, { recursive: true, force: true, maxRetries: 3 }));

function make(out: string, target: string): void {
  const made = spawnSync(
    process.execPath,
    [join(PROJECT, 'build/package.mjs'), 'linux', target, '--test-build', '--out', out],
    { encoding: 'utf8' },
  );
  expect(made.status, made.stderr).toBe(0);
}

it('has its fuses set', async () => {
  const wire = await getCurrentFuseWire(join(moved, 'coffre-desktop'));
  const expected: readonly [FuseV1Options, FuseState][] = [
    [FuseV1Options.RunAsNode, FuseState.DISABLE],
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable, FuseState.DISABLE],
    [FuseV1Options.EnableNodeCliInspectArguments, FuseState.DISABLE],
    [FuseV1Options.EnableCookieEncryption, FuseState.ENABLE],
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation, FuseState.ENABLE],
    [FuseV1Options.OnlyLoadAppFromAsar, FuseState.ENABLE],
  ];
  for (const [fuse, state] of expected) expect(wire[fuse], FuseV1Options[fuse]).toBe(state);
});

it('is no Node for whoever asks it to be one', () => {
  const asked = spawnSync(join(moved, 'coffre-desktop'), ['-e', 'console.log("ran")'], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', DISPLAY: '' },
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  expect(asked.stdout).not.toContain('ran');
});

it('holds the programs outside the archive, with one native module, and every licence', () => {
  const resources = join(moved, 'resources');
  expect(readdirSync(resources)).toEqual(
    expect.arrayContaining(['LICENSE.txt', 'LICENSES.packages.txt', 'app.asar', 'programs']),
  );
  expect(readdirSync(resources)).not.toContain('default_app.asar');
  const natives = join(resources, 'programs/node_modules/better-sqlite3/prebuilds');
  expect(readdirSync(natives)).toEqual([`linux-${process.arch}.node`]);
  const licences = readFileSync(join(resources, 'LICENSES.packages.txt'), 'utf8');
  for (const name of ['better-sqlite3', 'electron-updater', 'fastify', 'react']) {
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
});

it('starts elsewhere, and its engine syncs a file', async () => {
  const [desktop, world] = await Promise.all([Desktop.begin({ keyring: false }), World.begin()]);
  let started: ChildProcess | null = null;
  let window: PackagedWindow | null = null;
  try {
    const node = join(place, 'node');
    copyFileSync(process.execPath, node);
    const home = join(place, 'home');
    const folder = join(place, 'folder');
    mkdirSync(folder);
    const [program, args] = withoutCheckout(join(moved, 'coffre-desktop'), [
      ...sandboxArguments,
      '--remote-debugging-port=0',
    ]);
    started = spawn(program, args, {
      cwd: '/',
      env: { ...appEnvironment(desktop, { home, env: { COFFRE_NODE: node } }), NODE_PATH: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    window = await PackagedWindow.of(started);
    const shown = window;
    await until('the window has something to say', LONG_MS, async () =>
      (await shown.evaluate(`document.querySelector('h1, h2') !== null`)) === true ? true : null,
    );
    const made = await window.evaluate(
      `coffre.request(${JSON.stringify({
        to: 'engine',
        request: 1,
        method: 'signup',
        params: { server: world.wire.url, email: world.email, password: world.password, folder },
      })})`,
    );
    expect(made).toHaveProperty('result');
    world.phrase = (made as { result: { recoveryPhrase: string } }).result.recoveryPhrase;
    writeFileSync(join(folder, 'packed.txt'), 'by a package\n');
    const two = await world.device('two');
    await until('the file is on the other device', LONG_MS, () =>
      readdirSync(two.folder).includes('packed.txt') ? true : null,
    );
    const ended = once(started, 'exit');
    process.kill(started.pid!, 'SIGTERM');
    await ended;
  } finally {
    window?.close();
    if (started?.exitCode === null && started.signalCode === null) killTree(started.pid!);
    await world.end();
    await desktop.end();
  }
});

it('is the same archive when it is made again in another folder', () => {
  make(join(place, 'second'), 'dir');
  const again = join(place, 'second/linux-unpacked/resources/app.asar');
  expect(hashOf(again)).toBe(hashOf(join(moved, 'resources/app.asar')));
});

/** In a mount namespace of its own, where this checkout is an empty folder; where that is not allowed, plainly. */
function withoutCheckout(program: string, args: readonly string[]): readonly [string, string[]] {
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return [program, [...args]];
  const script = 'mount -t tmpfs none "$1" && shift && exec "$@"';
  return ['unshare', ['--mount', 'sh', '-c', script, 'sh', PROJECT, program, ...args]];
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
