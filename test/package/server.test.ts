/** The account server as the image and the systemd unit run it: staged, and started away from the checkout. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROJECT } from '../e2e/app.ts';

const place = mkdtempSync(join(tmpdir(), 'coffre-staged-'));
const staged = join(place, 'else where', 'coffre');
afterAll(() => rmSync(place, { recursive: true, force: true }));

function textOf(name: string): string {
  return readFileSync(join(PROJECT, 'build/server', name), 'utf8');
}

beforeAll(() => {
  const first = join(place, 'first', 'coffre');
  const made = spawnSync(process.execPath, [join(PROJECT, 'build/server/stage.mjs'), first], {
    encoding: 'utf8',
  });
  expect(made.status, made.stderr).toBe(0);
  renameSync(join(place, 'first'), join(place, 'else where'));
});

it('runs, and has every metric that an alert asks for', async () => {
  const options = ['serve', '--data', join(place, 'data'), '--listen', '127.0.0.1:0'];
  const server = spawn(process.execPath, [join(staged, 'cloud/main.js'), ...options], {
    env: { PATH: '/usr/bin:/bin', HOME: place },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const address = /https?:\/\/\S+/.exec(line.toString())?.[0] ?? '';
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    const metrics = await (await fetch(`${address}/metrics`)).text();
    const asked = new Set(textOf('alerts.yml').match(/\b(coffre|nodejs|process)_\w+/g));
    expect(asked.size).toBeGreaterThan(6);
    for (const name of asked) expect(metrics, name).toMatch(new RegExp(`^${name}[{ ]`, 'm'));
  } finally {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  }
});

it('tells each file one story: ports, limits of time, and the memory of packs', () => {
  const [image, compose, unit, balancer] = [
    'Dockerfile',
    'compose.yml',
    'coffre-cloud.service',
    'haproxy.cfg',
  ].map(textOf) as [string, string, string, string];
  const memory = /MALLOC_MMAP_THRESHOLD_:-(\d+)/.exec(
    readFileSync(join(PROJECT, 'bin/coffre-cloud'), 'utf8'),
  )?.[1];
  for (const text of [image, unit]) expect(text).toContain(`MALLOC_MMAP_THRESHOLD_=${memory}`);
  for (const text of [image, compose, unit, balancer]) expect(text).toContain('8443');
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'node_modules/node/package.json'), 'utf8')) as {
    version: string;
  };
  expect(image.match(/^FROM node:\S+/gm)).toEqual([
    `FROM node:${version}-bookworm-slim`,
    `FROM node:${version}-bookworm-slim`,
  ]);
});

// Where systemd is installed; it need not run.
const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;
it.runIf(analyze)('has a unit that systemd takes (needs systemd-analyze)', () => {
  const checked = spawnSync(
    'systemd-analyze',
    ['verify', join(PROJECT, 'build/server/coffre-cloud.service')],
    {
      encoding: 'utf8',
    },
  );
  expect(checked.stderr).toBe('');
  expect(checked.status).toBe(0);
});
