/** A person's days with the app, in order: one account, one server, and a second device that the command line drives. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import texts from '../../electron/locales/en.json' with { type: 'json' };
import words from '../../renderer/locales/en.json' with { type: 'json' };
import { Desktop } from '../desktop/session.ts';
import { until, World, type Device } from '../integration/harness.ts';
import { App, PROJECT } from './app.ts';
import { createAccount } from './welcome.ts';

const LONG_MS = 60_000;

describe('the desktop app', () => {
  let desktop: Desktop;
  let world: World;
  let app: App;
  let two: Device;
  let home: string;
  let folder: string;

  beforeAll(async () => {
    [desktop, world] = await Promise.all([Desktop.begin({ keyring: true }), World.begin()]);
    home = join(world.place, 'home-of-the-app');
    folder = join(world.place, 'folder-of-the-app');
    mkdirSync(folder);
    app = await App.start(desktop, { home });
  });
  afterAll(async () => {
    await app.kill();
    await world.end();
    await desktop.end();
  });

  const read = (file: string): string | null => (existsSync(file) ? readFileSync(file, 'utf8') : null);

  async function arrives(file: string, text: string): Promise<void> {
    await until(`${file} holds its text`, LONG_MS, () => (read(file) === text ? true : null));
  }

  async function reaches(state: string): Promise<void> {
    await until(`the engine is ${state}`, LONG_MS, async () =>
      (await app.engine('status')).state === state ? true : null,
    );
  }

  it('brings somebody new to a file on a second device', async () => {
    const page = await app.window();
    writeFileSync(join(folder, 'was here.txt'), 'before the account\n');
    world.phrase = await createAccount(page, {
      server: world.wire.url,
      email: world.email,
      password: world.password,
      folder,
    });
    expect(world.phrase.split(' ')).toHaveLength(24);
    await page.getByText(words.status.headline.idle).first().waitFor();
    two = await world.device('two');
    await arrives(two.path('was here.txt'), 'before the account\n');
    writeFileSync(two.path('back.txt'), 'from the other one\n');
    await arrives(join(folder, 'back.txt'), 'from the other one\n');
  });

  it('shows an icon in the panel whose menu pauses and resumes', async () => {
    const tray = await app.tray();
    const labels = (await tray.items()).map(({ label }) => label);
    for (const wanted of ['open', 'openFolder', 'settings', 'quit'] as const)
      expect(labels).toContain(texts.menu[wanted]);
    for (const span of ['hour', 'tomorrow', 'resumed'] as const) expect(labels).toContain(words.pause[span]);
    await reaches('idle');
    const idle = await tray.picture;
    await tray.click(words.pause.resumed);
    await reaches('paused');
    await until('the icon says so', LONG_MS, async () =>
      (await tray.toolTip).includes(texts.state.paused) && (await tray.picture) !== idle ? true : null,
    );
    writeFileSync(join(folder, 'later.txt'), 'when it goes on\n');
    expect(await two.wait()).toMatchObject({ code: 0 });
    expect(read(two.path('later.txt'))).toBeNull();
    await until('the menu offers to go on', LONG_MS, async () =>
      (await tray.items()).some(({ label }) => label === texts.menu.resume) ? true : null,
    );
    await tray.click(texts.menu.resume);
    await arrives(two.path('later.txt'), 'when it goes on\n');
  });

  it('starts an engine that was killed again, and goes on', async () => {
    const { engine } = await app.engine('status');
    process.kill(engine.pid, 'SIGKILL');
    await until('another engine answers', LONG_MS, async () => {
      const info = await app.app('app.info');
      if (info.engine.state !== 'running') return null;
      const status = await app.engine('status').catch(() => null);
      return status !== null && status.engine.pid !== engine.pid && status.state !== 'locked' ? true : null;
    });
    writeFileSync(join(folder, 'after the crash.txt'), 'still here\n');
    await arrives(two.path('after the crash.txt'), 'still here\n');
  });

  it('waits for a server that is gone, and catches up when it is back', async () => {
    await world.server.kill9();
    writeFileSync(join(folder, 'meanwhile.txt'), 'nobody listens\n');
    await reaches('offline');
    const page = await app.window();
    await page.getByText(words.status.headline.offline).first().waitFor();
    await world.server.start();
    await arrives(two.path('meanwhile.txt'), 'nobody listens\n');
    await reaches('idle');
  });

  it('keeps both sides of a conflict, says so, and agrees once one is chosen', async () => {
    writeFileSync(join(folder, 'thesis.txt'), 'draft\n');
    await arrives(two.path('thesis.txt'), 'draft\n');
    await Promise.all([app.engine('pause'), two.ok('pause')]);
    writeFileSync(join(folder, 'thesis.txt'), 'as written here\n');
    writeFileSync(two.path('thesis.txt'), 'as written there, and longer\n');
    await two.ok('resume');
    await two.wait();
    await app.engine('resume');
    const copy = await until(
      'a conflict copy is there',
      LONG_MS,
      () => readdirSync(folder).find((name) => name.startsWith('thesis (conflict, ')) ?? null,
    );
    await until('the other device has it too', LONG_MS, () => read(two.path(copy)));
    const both = [read(join(folder, 'thesis.txt')), read(join(folder, copy))];
    expect(both.sort()).toEqual(['as written here\n', 'as written there, and longer\n']);
    const page = await app.window();
    const original = read(join(folder, 'thesis.txt'));
    const { label } = words.ways['keep-original'];
    await page.getByRole('button', { name: `${label}: ${copy}` }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: label }).click();
    await until('the copy is gone there', LONG_MS, () => (read(two.path(copy)) === null ? true : null));
    expect([read(join(folder, copy)), read(join(folder, 'thesis.txt'))]).toEqual([null, original]);
    expect(read(two.path('thesis.txt'))).toBe(original);
    await reaches('idle');
  });

  it('brings an old version back', async () => {
    const path = 'Files:/version.txt';
    writeFileSync(join(folder, 'version.txt'), 'first\n');
    await arrives(two.path('version.txt'), 'first\n');
    writeFileSync(join(folder, 'version.txt'), 'second\n');
    await arrives(two.path('version.txt'), 'second\n');
    const { versions } = await app.engine('versions', { path });
    const first = versions.find(({ current }) => !current);
    expect(first).toBeDefined();
    await app.engine('restore', { path, version: first!.version });
    await arrives(join(folder, 'version.txt'), 'first\n');
    await arrives(two.path('version.txt'), 'first\n');
  });

  it('says that the storage is full, and goes on when there is room', async () => {
    const quota = async (size: string): Promise<void> => {
      const child = spawn(
        process.execPath,
        [join(PROJECT, 'cloud/main.ts'), 'users', 'quota', world.email, size, '--data', world.server.data],
        { stdio: 'ignore' },
      );
      expect(await once(child, 'exit')).toEqual([0, null]);
    };
    await quota('1MB');
    writeFileSync(join(folder, 'too large'), randomBytes(3_000_000));
    await reaches('quota');
    const tray = await app.tray();
    await until('the icon says so', LONG_MS, async () =>
      (await tray.toolTip).includes(texts.state.quota) ? true : null,
    );
    const page = await app.window();
    await page.getByText(words.status.headline.quota).first().waitFor();
    await quota('100GB');
    // Not the next look at the server, a minute later: the person asks now.
    void app.engine('wait').catch(() => undefined);
    await until('it is on the other device', LONG_MS, () =>
      existsSync(two.path('too large')) ? true : null,
    );
    await reaches('idle');
  });

  it('is one app: a second start shows the window, and a link leads to its view', async () => {
    const page = await app.window();
    await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide());
    await startAgain([]);
    await until('the window shows', LONG_MS, isVisible);
    await startAgain(['coffre://settings']);
    await page.getByRole('heading', { name: words.nav.settings }).first().waitFor();
  });

  it('starts hidden, opens its keys with the keychain, and shows the window when asked', async () => {
    await app.quit();
    app = await App.start(desktop, { home, args: ['--hidden'] });
    const tray = await app.tray();
    await until('it is idle without a password', LONG_MS, async () =>
      (await tray.toolTip).includes(texts.state.idle) ? true : null,
    );
    expect(app.electron.windows()).toEqual([]);
    await tray.click(texts.menu.open);
    await app.window();
    expect((await app.app('app.info')).keychain).toBe('os');
    await until('the window shows', LONG_MS, isVisible);
  });

  it('signs out and leaves every file where it is', async () => {
    const before = readdirSync(folder);
    await app.engine('logout');
    await reaches('signed-out');
    expect(readdirSync(folder)).toEqual(before);
    const tray = await app.tray();
    await until('the menu offers to sign in', LONG_MS, async () =>
      (await tray.items()).some(({ label }) => label === texts.menu.signIn) ? true : null,
    );
  });

  async function startAgain(args: readonly string[]): Promise<void> {
    const again = await App.second(desktop, { home, args });
    expect(again).toBe(0);
  }

  async function isVisible(): Promise<true | null> {
    const visible = await app.electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().some((window) => window.isVisible()),
    );
    return visible ? true : null;
  }
});
