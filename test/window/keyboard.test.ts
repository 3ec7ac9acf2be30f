/** The window without a mouse: everything is reached, the focus is seen, nothing traps, and each task can be done. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys, tabTo, walkByTab } from './keyboard.ts';
import { placeName, places } from './places.ts';
import { settled, WindowBrowser } from './window.ts';

let browser: WindowBrowser;
beforeAll(async () => {
  browser = await WindowBrowser.start();
});
afterAll(() => browser.stop());

/** Issues are on the status view alone. */
const walked = [
  ['ordinary', places],
  ['conflicts', places.filter(({ view }) => view === 'status')],
  ['mass-deletion', places.filter(({ view }) => view === 'status')],
] as const;

test.each(walked)('every control is reached and seen: %s', async (scenario, toWalk) => {
  const window = await browser.open({ scenario });
  for (const place of toWalk) {
    await window.goTo(place);
    const { reached, missed, invisible } = await walkByTab(window.page);
    expect(reached.length).toBeGreaterThan(3);
    expect([placeName(place), { missed, invisible }]).toEqual([
      placeName(place),
      { missed: [], invisible: [] },
    ]);
  }
  expect(window.problems()).toEqual([]);
  await window.close();
});

describe('tasks', () => {
  test('syncing is paused until tomorrow, and resumed', async () => {
    const window = await browser.open();
    await tabTo(window, 'Pause');
    await keys(window, 'Enter', 'ArrowDown', 'Enter');
    expect(window.bridge.callsOf('pause')).toEqual([{ untilMs: Date.UTC(2026, 9, 16, 6) }]);
    await window.page.getByRole('heading', { level: 1, name: 'Paused until 8:00' }).waitFor();
    await tabTo(window, 'Resume');
    await keys(window, 'Enter');
    await window.page.getByRole('heading', { name: 'Everything is in sync' }).waitFor();
    expect(window.problems()).toEqual([]);
    await window.close();
  });

  test('an old version of a file is restored', async () => {
    const window = await browser.open();
    await window.goTo({ view: 'history' });
    // The tab, then the vault.
    await tabTo(window, 'Files');
    await tabTo(window, /^Files/u, 5);
    await keys(window, 'Enter');
    // The first entry has the focus now.
    await keys(window, 'End');
    await keys(window, 'Enter');
    await tabTo(window, /^Restore the version of/u);
    await keys(window, 'Enter');
    await tabTo(window, 'Restore');
    await keys(window, 'Enter');
    expect(window.bridge.callsOf('restore')).toEqual([{ path: 'Files:/Recipes.md', version: 8 }]);
    expect(window.problems()).toEqual([]);
    await window.close();
  });

  test('a folder is shown as it was, and restored', async () => {
    const window = await browser.open();
    await window.goTo({ view: 'history' });
    await window.page.getByRole('button', { name: 'Files' }).focus();
    await keys(window, 'Enter');
    await tabTo(window, 'Go back in time');
    await keys(window, 'Enter');
    await tabTo(window, 'Show this folder as it was');
    await keys(window, 'ArrowLeft', 'ArrowLeft', 'ArrowLeft');
    await window.page.getByText('This is a preview').waitFor();
    await settled(window.page);
    // The list that came for that moment took no focus from where it was chosen.
    expect(await window.page.evaluate('document.activeElement.type')).toBe('range');
    await tabTo(window, /^Restore this folder/u);
    await keys(window, 'Enter');
    await tabTo(window, 'Restore');
    await keys(window, 'Enter');
    const [asked] = window.bridge.callsOf('restore') as { path: string; atMs: number }[];
    expect(asked).toEqual({ path: 'Files:/', atMs: Date.UTC(2026, 9, 13, 21, 59, 59, 999) });
    await window.close();
  });

  test('something comes back from the trash, and the trash is erased with the password', async () => {
    const window = await browser.open();
    await window.goTo({ view: 'history' });
    await window.page.getByRole('tab', { name: 'Files' }).focus();
    await keys(window, 'ArrowRight');
    await tabTo(window, /^Empty the trash/u);
    await keys(window, 'Tab', 'ArrowDown', 'Tab', 'Enter');
    expect(window.bridge.callsOf('trash.restore')).toEqual([{ item: 't-2' }]);
    await window.page.getByRole('button', { name: /^Empty the trash/u }).focus();
    await keys(window, 'Enter');
    await window.page.getByRole('radio', { name: /^Empty it/u }).focus();
    await keys(window, 'ArrowDown');
    await tabTo(window, 'Your password');
    await window.page.keyboard.type('wrong');
    await keys(window, 'Enter');
    expect(await window.page.getByRole('alert').count()).toBe(1);
    await tabTo(window, 'Your password');
    await window.page.keyboard.press('Control+A');
    await window.page.keyboard.type('correct horse battery staple');
    await keys(window, 'Enter');
    expect(window.bridge.callsOf('trash.empty').at(-1)).toMatchObject({ now: true });
    expect(window.bridge.world.trash).toEqual([]);
    await window.close();
  });

  test('a folder is kept off this device', async () => {
    const window = await browser.open();
    await window.goTo({ view: 'settings', page: 'folders' });
    await tabTo(window, /^Choose folders… of \/home\/claire\/Coffre/u);
    await keys(window, 'Enter');
    await tabTo(window, /^Thesis/u);
    await keys(window, 'Space');
    await tabTo(window, 'Apply');
    await keys(window, 'Enter');
    expect(window.bridge.callsOf('select')).toEqual([{ path: 'Files:/Thesis', on: false }]);
    await window.close();
  });

  test('a device is removed with the password', async () => {
    const window = await browser.open();
    await window.goTo({ view: 'settings', page: 'devices' });
    await tabTo(window, 'Remove Old netbook');
    await keys(window, 'Enter');
    await window.page.keyboard.type('correct horse battery staple');
    await keys(window, 'Enter');
    expect(window.bridge.callsOf('devices.revoke')).toMatchObject([{ id: 'b09e4d' }]);
    await window.close();
  });

  test('rules are tried and saved', async () => {
    const window = await browser.open();
    await window.goTo({ view: 'settings', page: 'ignore' });
    await tabTo(window, 'Rules, one a line');
    await window.page.keyboard.press('Control+End');
    await window.page.keyboard.type('*.bak');
    await window.page.getByText('2 files would no longer be synced').waitFor();
    await tabTo(window, 'Save the rules');
    await keys(window, 'Enter');
    expect(window.bridge.callsOf('ignore.setRules')).toMatchObject([{ pair: 'pair-files' }]);
    expect(window.bridge.world.ignoreText).toContain('*.bak');
    await window.close();
  });
});

describe('a mass deletion', () => {
  test('shows what would go before it is let go', async () => {
    const window = await browser.open({ scenario: 'mass-deletion' });
    const { page } = window;
    const listed = page.getByRole('list', { name: /^1,830 files were deleted in this folder/u });
    expect(await listed.getByRole('listitem').allInnerTexts()).toHaveLength(5);
    await tabTo(window, 'Show the first 100');
    await keys(window, 'Enter');
    expect(await listed.getByRole('listitem').allInnerTexts()).toHaveLength(101);
    await page.getByText('and 1,730 more').waitFor();

    await page.getByRole('button', { name: /^Let them go/u }).focus();
    await keys(window, 'Enter');
    const asked = page.getByRole('alertdialog');
    expect(await asked.getByText('IMG_2211.jpg').count()).toBeGreaterThan(0);
    const walk = await walkByTab(page);
    expect({ missed: walk.missed, invisible: walk.invisible }).toEqual({ missed: [], invisible: [] });
    await asked.getByRole('button', { name: 'Let them go' }).focus();
    await keys(window, 'Enter');
    expect(window.bridge.callsOf('issues.resolve')).toEqual([{ id: 1, way: 'delete' }]);
    expect(window.problems()).toEqual([]);
    await window.close();
  });
});

describe('dialogs', () => {
  test.each([
    ['folders', 'Add a folder'],
    ['folders', /^Stop syncing \/home\/claire\/Coffre/u],
    ['account', /^Sign out/u],
    ['account', /^Delete…/u],
    ['about', 'Third-party licences'],
  ] as const)('%s %s: keeps the focus, closes with Escape, gives the focus back', async (page, name) => {
    const window = await browser.open();
    await window.goTo({ view: 'settings', page });
    const opener = window.page.getByRole('button', { name }).first();
    await opener.focus();
    await keys(window, 'Enter');
    const dialog = window.page.locator('[role=dialog], [role=alertdialog]');
    await dialog.waitFor();
    const walk = await walkByTab(window.page, 300);
    expect({ missed: walk.missed, invisible: walk.invisible }).toEqual({ missed: [], invisible: [] });
    expect(
      await window.page.evaluate(
        "document.activeElement.closest('[role=dialog], [role=alertdialog]') !== null",
      ),
    ).toBe(true);
    await keys(window, 'Escape');
    expect(await dialog.count()).toBe(0);
    expect(await opener.isVisible()).toBe(true);
    await opener.and(window.page.locator(':focus')).waitFor();
    await window.close();
  });
});
