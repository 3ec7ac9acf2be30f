/** axe finds nothing serious or critical in any view, in any state, in both themes and languages. */
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scenarios, type Scenario } from '../fakes/app-bridge/scenarios.ts';
import { placeName, places } from './places.ts';
import { settled, WindowBrowser, type OpenWindow, type Place } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

/** These show one face whatever view is asked for. */
const faces: readonly Scenario[] = ['loading', 'error', 'locked', 'engine-failed', 'signed-out'];
/** What the settings show changes with these; the others change what status and history show. */
const settingsToo: readonly Scenario[] = ['ordinary', 'empty', 'offline', 'full', 'long-names'];

function placesOf(scenario: Scenario): readonly (Place | null)[] {
  if (faces.includes(scenario)) return [null];
  return settingsToo.includes(scenario) ? places : places.filter(({ view }) => view !== 'settings');
}

async function violations({ page }: OpenWindow, rules: 'all' | 'colours'): Promise<string[]> {
  // One document without frames: the mode that opens no page of its own.
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  const { violations: found } = await (rules === 'all' ? axe : axe.withRules(['color-contrast'])).analyze();
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
}

describe.each(scenarios)('%s', (scenario) => {
  test.each(['en', 'fr'] as const)('%s', async (language) => {
    const window = await browser.open({ scenario, language });
    await settled(window.page);
    const found: Record<string, string[]> = {};
    for (const place of placesOf(scenario)) {
      const name = place === null ? 'face' : placeName(place);
      if (place !== null) await window.goTo(place);
      found[`${name} light`] = await violations(window, 'all');
      await window.page.emulateMedia({ colorScheme: 'dark' });
      await settled(window.page);
      expect(await window.page.locator('html').getAttribute('data-theme')).toBe('dark');
      found[`${name} dark`] = await violations(window, 'colours');
      await window.page.emulateMedia({ colorScheme: 'light' });
      await settled(window.page);
    }
    expect(Object.entries(found).filter(([, here]) => here.length > 0)).toEqual([]);
    expect(window.problems()).toEqual([]);
    await window.close();
  });
});
