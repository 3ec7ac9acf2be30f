/** Somebody new comes to a folder that syncs by keyboard alone; every page on the way can be read and reached. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inDark, violations } from './every-view.ts';
import { walkByTab } from './keyboard.ts';
import { TOO_WIDE } from './too-wide.ts';
import { welcomePages } from './welcome.ts';
import { settled, WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

const ways = [
  ['en', 'create', 'signup', {}],
  ['fr', 'create', 'signup', {}],
  ['en', 'claim', 'claim', { oldPassword: 'the old one' }],
  ['fr', 'claim', 'claim', { oldPassword: 'the old one' }],
] as const;

test.each(ways)('an account of one’s own: %s, %s', async (language, way, method, proof) => {
  const window = await browser.open({ scenario: 'signed-out', language });
  const { page, bridge } = window;
  await settled(page);
  for (const { name, fill, next } of welcomePages(language, way)) {
    await fill(window);
    const found: Record<string, readonly string[]> = { light: await violations(window, 'all') };
    if (language === 'en')
      await inDark(window, async () => {
        found['dark'] = await violations(window, 'colours');
      });
    const { missed, invisible } = await walkByTab(page);
    await page.setViewportSize({ width: 360, height: 640 });
    await settled(page);
    const tooWide = await page.evaluate<string[]>(TOO_WIDE);
    await page.setViewportSize({ width: 1000, height: 700 });
    await settled(page);
    expect({ name, ...found, missed, invisible, tooWide }).toEqual({
      name,
      light: [],
      ...(language === 'en' ? { dark: [] } : {}),
      missed: [],
      invisible: [],
      tooWide: [],
    });
    await next(window);
  }
  await page.getByRole('navigation').waitFor();
  const device = { server: 'https://coffre.example.org', folder: '/home/claire/Coffre' };
  expect(bridge.callsOf(method)).toMatchObject([
    { ...device, ...proof, email: 'claire@example.org', password: 'harbour lantern walnut' },
  ]);
  expect(window.problems()).toEqual([]);
  await window.close();
});

test('a former member hears at once what is wrong, and does not take the old password again', async () => {
  const none = { code: 'refused', message: 'this server restores no accounts of an older service', hint: '' };
  const window = await browser.open({
    scenario: 'signed-out',
    change: (world) => void (world.trouble['claim.offer'] = { ...none, code: 'refused' }),
  });
  const { page, bridge } = window;
  await settled(page);
  const [begin, server, former, lost, account] = welcomePages('en', 'claim');
  for (const step of [begin!, server!]) {
    await step.fill(window);
    await step.next(window);
  }
  await page.getByText('This server restores no accounts').waitFor();
  bridge.world.trouble = {};
  await server!.next(window);

  await page.getByLabel('E-mail address you had there').fill('claire@example.org');
  await page.getByLabel('Old password', { exact: true }).fill('guessed');
  await former!.next(window);
  await page.getByText('No account was found with this address').waitFor();
  await page.getByText('A code that I was sent').click();
  await former!.next(window);
  await page.getByText('Fill this in to go on.').waitFor();
  await page.getByLabel('One-time code').fill('7K3Q');
  await page.getByText('The password I had there').click();
  await page.getByLabel('Old password', { exact: true }).fill('the old one');
  await former!.next(window);
  await page.getByRole('heading', { name: 'Your files do not come back' }).waitFor();
  await page.getByText('Files that were at OldBox are not here').waitFor();
  await lost!.next(window);
  await page.getByLabel('New password', { exact: true }).fill('the old one');
  await account!.next(window);
  await page.getByText('This is the old password.').waitFor();
  await page.getByLabel('New password', { exact: true }).fill('');
  await account!.fill(window);
  await account!.next(window);
  await page.getByRole('button', { name: 'Make my account anew' }).click();
  await page.getByText('nothing came from OldBox').waitFor();
  expect(bridge.callsOf('claim.prove')).toHaveLength(2);
  expect(window.problems()).toEqual([]);
  await window.close();
});
