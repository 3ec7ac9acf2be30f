/** A desktop that has no keychain: the password opens the keys at every start, and no key lies about in the clear. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import texts from '../../electron/locales/en.json' with { type: 'json' };
import words from '../../renderer/locales/en.json' with { type: 'json' };
import { Desktop } from '../desktop/session.ts';
import { until, World } from '../integration/harness.ts';
import { App } from './app.ts';

const LONG_MS = 60_000;
let desktop: Desktop;
let world: World;
let app: App;

beforeAll(async () => {
  [desktop, world] = await Promise.all([Desktop.begin({ keyring: false }), World.begin()]);
});
afterAll(async () => {
  await app.kill();
  await world.end();
  await desktop.end();
});

it('is locked at the start until the password is given in the window', async () => {
  const home = join(world.place, 'home-of-the-app');
  const folder = join(world.place, 'folder-of-the-app');
  mkdirSync(folder);
  app = await App.start(desktop, { home });
  expect((await app.app('app.info')).keychain).toBe('passphrase');
  const account = { server: world.wire.url, email: world.email, password: world.password };
  await app.engine('signup', { ...account, folder });
  await app.quit();

  writeFileSync(join(folder, 'waits.txt'), 'until it is unlocked\n');
  app = await App.start(desktop, { home });
  const tray = await app.tray();
  await until('the icon says that it is locked', LONG_MS, async () =>
    (await tray.toolTip).includes(texts.state.locked) ? true : null,
  );
  const page = await app.window();
  const password = page.getByLabel(words.locked.password, { exact: true });
  await password.fill('another password');
  await page.getByRole('button', { name: words.locked.unlock, exact: true }).click();
  await page.locator('input[aria-invalid=true]').waitFor();
  expect((await app.engine('status')).state).toBe('locked');
  await password.fill(world.password);
  await page.getByRole('button', { name: words.locked.unlock, exact: true }).click();
  await page.getByText(words.status.headline.idle).first().waitFor();
});
