/** Nothing needs to be scrolled sideways: in the narrowest window, at 200 % zoom, with the longest names. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeName, places } from './places.ts';
import { TOO_WIDE } from './too-wide.ts';
import { WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

const shown = [
  ['ordinary', places],
  ['long-names', places],
  // Its issues are on the status view alone.
  ['conflicts', places.filter(({ view }) => view === 'status')],
] as const;

describe.each([
  ['360 pixels', { width: 360, height: 640 }],
  ['200 % zoom', { width: 800, height: 600, zoom: 2 }],
] as const)('%s', (_, size) => {
  test.each(shown)('%s', async (scenario, toSee) => {
    for (const language of ['en', 'fr'] as const) {
      const window = await browser.open({ scenario, language, ...size });
      for (const place of toSee) {
        await window.goTo(place);
        expect([placeName(place), await window.page.evaluate<string[]>(TOO_WIDE)]).toEqual([
          placeName(place),
          [],
        ]);
      }
      await window.close();
    }
  });
});
