/** Walks a page by Tab as a person without a mouse would, and tells what was reached and what was not. */
import type { Page } from 'playwright-core';
import { settled, type OpenWindow } from './window.ts';

export interface Walk {
  /** What had the focus, in order, until it came round. */
  readonly reached: string[];
  /** Controls that no Tab and no arrow leads to. */
  readonly missed: string[];
  /** What had the focus without showing it. */
  readonly invisible: string[];
}

/**
 * Of a composite (tabs, radio group, grid, list) one part is in the order of Tab and arrows lead to the rest, so
 * its other parts count as reached with it.
 */
const IN_PAGE = `(() => {
  const COMPOSITE = '[role=tablist],[role=radiogroup],[role=grid],[role=listbox],[role=menu]';
  const CONTROL = 'a[href],button,input,select,textarea,[role=button],[role=tab],[role=radio],[role=checkbox],[role=switch],[role=slider],[role=row]';
  const isShown = (element) => element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true }) && !element.closest('[aria-hidden=true],[inert]');
  const isOn = (element) => !element.disabled && element.getAttribute('aria-disabled') !== 'true';
  const nameOf = (element) => element.tagName.toLowerCase() + ' ' + (element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText ?? element.getAttribute('href') ?? '').trim().split('\\n').join(' ').slice(0, 60);
  const ring = (element) => {
    // The ring may be drawn on the control's visible part.
    for (const part of [element, ...element.parentElement.querySelectorAll('*'), element.parentElement, element.parentElement.parentElement]) {
      const style = part && getComputedStyle(part);
      if (style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) return true;
    }
    return false;
  };
  const state = globalThis.coffreWalk ??= { seen: new Set(), reached: [], invisible: [] };
  return {
    note: () => {
      const element = document.activeElement;
      if (element === null || element === document.body) return 'body';
      if (state.seen.has(element)) return 'again';
      state.seen.add(element);
      state.reached.push(nameOf(element));
      if (element.matches(CONTROL) && !ring(element)) state.invisible.push(nameOf(element));
      return 'new';
    },
    end: () => {
      const seen = [...state.seen];
      const composites = new Set(seen.map((element) => element.closest(COMPOSITE)).filter(Boolean));
      const scope = document.querySelector('[role=dialog],[role=alertdialog]') ?? document;
      const missed = [...scope.querySelectorAll(CONTROL)].filter((element) => isShown(element) && isOn(element))
        .filter((element) => !state.seen.has(element) && !seen.some((one) => element.contains(one) || one.contains(element)))
        .filter((element) => !composites.has(element.closest(COMPOSITE)))
        .map(nameOf);
      delete globalThis.coffreWalk;
      return { reached: state.reached, invisible: state.invisible, missed };
    },
  };
})()`;

export async function walkByTab(page: Page, mostSteps = 150): Promise<Walk> {
  let again = 0;
  for (let step = 0; step < mostSteps; step += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate<string>(`${IN_PAGE}.note()`);
    // Once round: two known ones after another, or out of the page.
    again = seen === 'again' ? again + 1 : 0;
    if (again >= 2) break;
  }
  return page.evaluate<Walk>(`${IN_PAGE}.end()`);
}

/** Tab until the control has the focus. */
export async function tabTo({ page }: OpenWindow, name: string | RegExp, most = 80): Promise<void> {
  const isThere = (text: string): boolean => (typeof name === 'string' ? text === name : name.test(text));
  for (let step = 0; step < most; step += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate<string>(
      `(() => { const e = document.activeElement; return (e.getAttribute('aria-label') ?? e.labels?.[0]?.innerText ?? e.innerText ?? '').trim(); })()`,
    );
    if (isThere(here)) return;
  }
  throw new Error(`Tab does not lead to ${String(name)}`);
}

export const keys = async ({ page }: OpenWindow, ...names: string[]): Promise<void> => {
  for (const name of names) await page.keyboard.press(name);
  await settled(page);
};
