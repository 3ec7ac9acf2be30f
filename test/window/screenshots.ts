/**
 * `npm run screenshots [NAME...]`: every view in light and dark, English and French, and the states that a person
 * should be able to trust, into docs/screenshots. Clock, zone and fixtures are fixed, so that a picture changes
 * only when the window does.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Scenario } from '../fakes/app-bridge/scenarios.ts';
import { placeName, places } from './places.ts';
import { welcomePages } from './welcome.ts';
import { settled, WindowBrowser, type Opening, type OpenWindow, type Place } from './window.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../docs/screenshots');

interface Shot {
  readonly name: string;
  readonly opening?: Opening;
  readonly place?: Place;
  readonly act?: (window: OpenWindow) => Promise<void>;
}

const press = async ({ page }: OpenWindow, name: string | RegExp): Promise<void> => {
  await page.getByRole('button', { name }).first().click();
  await settled(page);
};
const history: Place = { view: 'history' };
const openVault = (window: OpenWindow): Promise<void> => press(window, 'Files');
const openThesis = async (window: OpenWindow): Promise<void> => {
  await openVault(window);
  await window.page.getByRole('row', { name: 'Thesis' }).dblclick();
  await settled(window.page);
};
const goBack = async (window: OpenWindow): Promise<void> => {
  await openThesis(window);
  await press(window, 'Go back in time');
  await window.page.getByRole('slider').focus();
  for (let day = 0; day < 2; day += 1) await window.page.keyboard.press('ArrowLeft');
  await window.page.getByText('This is a preview').waitFor();
  await window.page.getByRole('slider').blur();
  await settled(window.page);
};
const welcomeTo = async (
  window: OpenWindow,
  page: number,
  language: 'en' | 'fr' = 'en',
  way: 'create' | 'claim' = 'create',
): Promise<void> => {
  const [here, ...before] = welcomePages(language, way)
    .slice(0, page + 1)
    .reverse();
  for (const step of before.reverse()) {
    await step.fill(window);
    await step.next(window);
  }
  await here?.fill(window);
};
const state = (scenario: Scenario, more: Partial<Shot> = {}): Shot => ({
  name: `state-${scenario}`,
  opening: { scenario },
  ...more,
});

const states: readonly Shot[] = [
  state('syncing'),
  state('paused'),
  state('offline'),
  state('quota'),
  state('conflicts'),
  state('mass-deletion'),
  state('new-device'),
  state('empty'),
  state('loading'),
  state('locked'),
  state('engine-failed'),
  state('full'),
  state('long-names'),
  { name: 'history-folder', place: history, act: openThesis },
  { name: 'history-back-in-time', place: history, act: goBack },
  { name: 'history-back-in-time-dark', opening: { theme: 'dark' }, place: history, act: goBack },
  {
    name: 'history-versions',
    place: history,
    act: async (window) => {
      await openThesis(window);
      await window.page.getByRole('row', { name: 'Thesis.pdf' }).dblclick();
      await settled(window.page);
    },
  },
  {
    name: 'history-restore',
    place: history,
    act: async (window) => {
      await openThesis(window);
      await window.page.getByRole('row', { name: 'Thesis.pdf' }).dblclick();
      await press(window, /^Restore the version/u);
    },
  },
  {
    name: 'history-trash',
    place: history,
    act: async ({ page }) => {
      await page.getByRole('tab', { name: 'Trash' }).click();
      await settled(page);
    },
  },
  {
    name: 'settings-choose-folders',
    place: { view: 'settings', page: 'folders' },
    act: async (window) => {
      await press(window, /^Choose folders… of \/home\/claire\/Coffre/u);
      await press(window, 'Folders in Photos');
    },
  },
  {
    name: 'settings-add-folder',
    place: { view: 'settings', page: 'folders' },
    act: (window) => press(window, 'Add a folder'),
  },
  {
    name: 'settings-ignore-draft',
    place: { view: 'settings', page: 'ignore' },
    act: async ({ page }) => {
      await page.getByRole('textbox', { name: 'Rules, one a line' }).fill('*.tmp\n*.bak\nnode_modules\n');
      await page.getByRole('textbox', { name: 'Try a path' }).fill('Thesis/Thesis.bak');
      await page.getByText('The rule *.bak').waitFor();
      await settled(page);
    },
  },
  { name: 'narrow-status', opening: { width: 360, height: 700 } },
  { name: 'narrow-history', opening: { width: 360, height: 700 }, place: history, act: openVault },
  {
    name: 'narrow-settings',
    opening: { width: 360, height: 700 },
    place: { view: 'settings', page: 'folders' },
  },
  {
    name: 'long-names-history',
    opening: { scenario: 'long-names' },
    place: history,
    act: (window) => press(window, 'Files'),
  },
  {
    name: 'long-names-settings',
    opening: { scenario: 'long-names' },
    place: { view: 'settings', page: 'folders' },
  },
  ...welcomePages('en')
    .slice(1, 5)
    .map(({ name }, index) => ({
      name: `welcome-${name}`,
      opening: { scenario: 'signed-out' as const },
      act: (window: OpenWindow) => welcomeTo(window, index + 1),
    })),
  ...welcomePages('en', 'claim')
    .slice(2, 5)
    .map(({ name }, index) => ({
      name: `claim-${name}`,
      opening: { scenario: 'signed-out' as const },
      act: (window: OpenWindow) => welcomeTo(window, index + 2, 'en', 'claim'),
    })),
  {
    name: 'claim-former-dark',
    opening: { scenario: 'signed-out', theme: 'dark' },
    act: (window) => welcomeTo(window, 2, 'en', 'claim'),
  },
  {
    name: 'claim-lost-fr',
    opening: { scenario: 'signed-out', language: 'fr' },
    act: (window) => welcomeTo(window, 3, 'fr', 'claim'),
  },
  {
    name: 'claim-former-narrow',
    opening: { scenario: 'signed-out', width: 360, height: 700 },
    act: (window) => welcomeTo(window, 2, 'en', 'claim'),
  },
  {
    name: 'claim-words',
    opening: { scenario: 'signed-out' },
    act: (window) => welcomeTo(window, 6, 'en', 'claim'),
  },
  state('signed-out-elsewhere'),
  { name: 'welcome', opening: { scenario: 'signed-out' } },
  { name: 'welcome-dark', opening: { scenario: 'signed-out', theme: 'dark' } },
  { name: 'welcome-fr', opening: { scenario: 'signed-out', language: 'fr' } },
];

const views: readonly Shot[] = places.flatMap((place) =>
  (['en', 'fr'] as const).flatMap((language) =>
    (['light', 'dark'] as const).map((theme) => ({
      name: `${placeName(place).replace(' ', '-')}-${language}-${theme}`,
      opening: { language, theme },
      place,
    })),
  ),
);

const wanted = process.argv.slice(2);
const isWanted = ({ name }: Shot): boolean =>
  wanted.length === 0 || wanted.some((part) => name.includes(part));

if (wanted.length === 0) await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const browser = await WindowBrowser.start();
let failures = 0;
try {
  for (const shot of [...views, ...states].filter(isWanted)) {
    const window = await browser.open(shot.opening);
    try {
      await settled(window.page);
      if (shot.place !== undefined) await window.goTo(shot.place);
      await shot.act?.(window);
      await writeFile(
        path.join(FOLDER, `${shot.name}.png`),
        await window.page.screenshot({ animations: 'disabled', caret: 'hide' }),
      );
      for (const problem of window.problems()) throw new Error(problem);
    } catch (error) {
      failures += 1;
      process.stderr.write(`${shot.name}: ${String(error)}\n`);
    } finally {
      await window.close();
    }
  }
} finally {
  await browser.stop();
}
let bytes = 0;
for (const name of await readdir(FOLDER)) bytes += (await stat(path.join(FOLDER, name))).size;
process.stdout.write(`docs/screenshots: ${(bytes / 1_000_000).toFixed(1)} MB\n`);
if (failures > 0) process.exitCode = 1;
