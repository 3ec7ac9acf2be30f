/** The status view while ten thousand files sync: what it costs is bounded by what is seen. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manyRows } from '../fakes/app-bridge/scenarios.ts';
import { settled, WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

test('ten thousand rows arrive and only those that are seen are in the page', async () => {
  const window = await browser.open({ scenario: 'syncing' });
  await window.goTo({ view: 'status' });
  await window.page.evaluate(`{
    globalThis.coffreMost = 0;
    globalThis.coffreChanges = 0;
    new MutationObserver(() => {
      globalThis.coffreChanges += 1;
      globalThis.coffreMost = Math.max(globalThis.coffreMost, document.querySelectorAll('*').length);
    }).observe(document.body, { childList: true, subtree: true });
  }`);
  const rows = manyRows(10_000, 20_000).reverse();
  for (let from = 0; from < rows.length; from += 100)
    await window.bridge.tell('activity', { rows: rows.slice(from, from + 100) });
  await window.page.getByText('IMG_20000.jpg').first().waitFor();
  await settled(window.page);
  expect(Number(await window.page.evaluate('globalThis.coffreMost'))).toBeLessThan(1_500);
  // A hundred batches are gathered into a few renders.
  expect(Number(await window.page.evaluate('globalThis.coffreChanges'))).toBeLessThan(400);
  expect(window.problems()).toEqual([]);
  await window.close();
});
