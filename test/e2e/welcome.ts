/** The welcome pages as somebody fills them in who makes an account. */
import type { Page } from 'playwright-core';
import words from '../../renderer/locales/en.json' with { type: 'json' };

export interface NewAccount {
  readonly server: string;
  readonly email: string;
  readonly password: string;
  readonly folder: string;
}

/** Resolves to the 24 words. */
export async function createAccount(page: Page, account: NewAccount): Promise<string> {
  const text = words.welcome;
  const next = (): Promise<void> => page.getByRole('button', { name: words.kit.next }).click();
  await page.getByText(text.create, { exact: true }).click();
  await next();
  await page.getByText(text.serverAddress, { exact: true }).click();
  await page.getByLabel(text.address).fill(account.server);
  await next();
  await page.getByLabel(text.email).fill(account.email);
  await page.getByLabel(text.password, { exact: true }).fill(account.password);
  await next();
  await page.getByLabel(text.folder, { exact: true }).fill(account.folder);
  await page.getByRole('button', { name: text.finish.create }).click();
  const shown = page.locator('ol.words').first().locator('li');
  await shown.nth(23).waitFor();
  const phrase = (await shown.allInnerTexts()).map((line) => line.replace(/^\d+\s*/, '').trim());
  await page.getByRole('button', { name: words.words.noted }).click();
  await answer(page, phrase);
  return phrase.join(' ');
}

/** An input field, for programs that have no types of the DOM. */
interface Labelled {
  readonly labels: ArrayLike<{ readonly textContent: string | null }> | null;
}

/** Three of them are asked for by their number. */
async function answer(page: Page, phrase: readonly string[]): Promise<void> {
  await page.getByRole('heading', { name: words.words.checkTitle }).waitFor();
  for (const field of await page.getByRole('textbox').all()) {
    const label = await field.evaluate(
      (input) => (input as unknown as Labelled).labels?.[0]?.textContent ?? '',
    );
    const number = Number(/\d+/.exec(label)?.[0]);
    await field.fill(phrase[number - 1] ?? '');
  }
  await page.getByRole('button', { name: words.words.check }).click();
}
