/** The page about the program leads only where this build has something to lead to. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appLinks } from '../../protocol/app.ts';
import { WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

test.each([[[]], [[...appLinks]]])('offers %j', async (links) => {
  const window = await browser.open({
    change: (world) => {
      world.app = { ...world.app, links };
    },
  });
  await window.goTo({ view: 'settings', page: 'about' });
  const offered = window.page.getByRole('button', { name: /^(Help|Source code|Report a problem)$/u });
  expect(await offered.count()).toBe(links.length);
  for (const button of await offered.all()) await button.click();
  expect(window.bridge.callsOf('link.open')).toEqual(links.map((link) => ({ link })));
  expect(window.problems()).toEqual([]);
  await window.close();
});
