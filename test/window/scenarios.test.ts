/** The built window opens behind the app's policy in every state, and nothing goes wrong on the way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scenarios } from '../fakes/app-bridge/scenarios.ts';
import { settled, WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

test.each(scenarios)('the window opens: %s', async (scenario) => {
  const window = await browser.open({ scenario });
  await settled(window.page);
  expect(await window.page.locator('h1').count()).toBe(1);
  expect(window.problems()).toEqual([]);
  await window.close();
});
