/** Nothing needs to be scrolled sideways: in the narrowest window, at 200 % zoom, with the longest names. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeName, places } from './places.ts';
import { WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

/** What is wider than the window, or hangs out of it. Tab lists may scroll: arrows bring their tabs into view. */
const TOO_WIDE = `[...document.querySelectorAll('#root *')].filter((element) => {
  if (element.closest('.only-read, svg, .tab-list') !== null || !element.checkVisibility()) return false;
  const style = getComputedStyle(element);
  const scrolls = element.scrollWidth > element.clientWidth + 1 && ['auto', 'scroll'].includes(style.overflowX);
  const isCut = (() => {
    for (let above = element.parentElement; above !== null; above = above.parentElement)
      if (getComputedStyle(above).overflowX === 'hidden' || getComputedStyle(above).overflowX === 'clip') return above !== document.body;
    return false;
  })();
  return scrolls || (!isCut && element.getBoundingClientRect().right > innerWidth + 1);
}).map((element) => element.className + ' ' + Math.round(element.getBoundingClientRect().right))`;

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
