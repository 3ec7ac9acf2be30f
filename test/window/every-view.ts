/**
 * Every view in every state opens behind the app's policy, nothing goes wrong on the way, it has one heading, and
 * axe finds nothing serious or critical in it. Each rule is tried in English and in light; what else could change
 * an outcome is tried again where it does: the words in French, the colours in dark. A file each, to run beside.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scenarios, type Scenario } from '../fakes/app-bridge/scenarios.ts';
import { placeName, places } from './places.ts';
import { settled, WindowBrowser, type OpenWindow, type Place } from './window.ts';

/** These show one face whatever view is asked for. */
const faces: readonly Scenario[] = [
  'loading',
  'error',
  'locked',
  'engine-failed',
  'signed-out',
  'signed-out-elsewhere',
];
/** What the settings show changes with these; the others change what status and history show. */
const settingsToo: readonly Scenario[] = ['ordinary', 'empty', 'offline', 'full', 'long-names'];

/** Where they have words that they have nowhere else. */
const settingsInFrench: readonly Scenario[] = ['ordinary', 'offline'];

function placesOf(scenario: Scenario, language: 'en' | 'fr'): readonly (Place | null)[] {
  if (faces.includes(scenario)) return [null];
  const withSettings = language === 'en' ? settingsToo : settingsInFrench;
  return withSettings.includes(scenario) ? places : places.filter(({ view }) => view !== 'settings');
}

/** axe itself is half a megabyte: a page gets it once. */
const withAxe = new WeakSet<OpenWindow>();

/** Serious and critical ones. */
export async function violations(window: OpenWindow, rules: 'all' | 'colours'): Promise<string[]> {
  const { page } = window;
  const axe = new AxeBuilder(withAxe.has(window) ? { page, axeSource: 'null' } : { page });
  withAxe.add(window);
  const { violations: found } = await axe
    // One document without frames: the mode that opens no page of its own.
    .setLegacyMode(true)
    .options({
      resultTypes: ['violations'],
      ...(rules === 'colours' ? { runOnly: ['color-contrast'] } : {}),
    })
    .analyze();
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
}

export async function inDark({ page }: OpenWindow, look: () => Promise<void>): Promise<void> {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('html[data-theme=dark]').waitFor();
  await settled(page);
  await look();
  await page.emulateMedia({ colorScheme: 'light' });
  // What is gone to next settles.
  await page.locator('html[data-theme=light]').waitFor();
}

export function testEveryView(language: 'en' | 'fr'): void {
  let browser: WindowBrowser;
  beforeAll(async () => {
    browser = await WindowBrowser.start();
  });
  afterAll(() => browser.stop());

  test.each(scenarios)('%s', async (scenario) => {
    const window = await browser.open({ scenario, language });
    await settled(window.page);
    const found: Record<string, string[]> = {};
    for (const place of placesOf(scenario, language)) {
      const name = place === null ? 'face' : placeName(place);
      if (place !== null) await window.goTo(place);
      expect([name, await window.page.locator('h1').count()]).toEqual([name, 1]);
      found[`${name} light`] = await violations(window, 'all');
      if (language === 'en')
        await inDark(window, async () => {
          found[`${name} dark`] = await violations(window, 'colours');
        });
    }
    expect(Object.entries(found).filter(([, here]) => here.length > 0)).toEqual([]);
    expect(window.problems()).toEqual([]);
    await window.close();
  });
}
