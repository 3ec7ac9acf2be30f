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

test.each(['en', 'fr'] as const)('a new account: %s', async (language) => {
  const window = await browser.open({ scenario: 'signed-out', language });
  const { page, bridge } = window;
  await settled(page);
  for (const { name, fill, next } of welcomePages(language)) {
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
  expect(bridge.callsOf('signup')).toMatchObject([
    { email: 'claire@example.org', server: 'https://coffre.example.org', folder: '/home/claire/Coffre' },
  ]);
  expect(window.problems()).toEqual([]);
  await window.close();
});
