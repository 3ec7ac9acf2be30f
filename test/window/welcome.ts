/** The welcome of somebody new, and of a former member of another service, page by page, without a mouse. */
import en from '../../renderer/locales/en.json' with { type: 'json' };
import fr from '../../renderer/locales/fr.json' with { type: 'json' };
import { keys, tabTo } from './keyboard.ts';
import type { OpenWindow } from './window.ts';

export interface WelcomePage {
  readonly name: string;
  /** Fills it in. */
  readonly fill: (window: OpenWindow) => Promise<void>;
  /** Goes on from it. */
  readonly next: (window: OpenWindow) => Promise<void>;
}

export function welcomePages(
  language: 'en' | 'fr',
  way: 'create' | 'claim' = 'create',
): readonly WelcomePage[] {
  const { kit, welcome, words } = language === 'en' ? en : fr;
  const type = async (window: OpenWindow, label: string, text: string): Promise<void> => {
    await tabTo(window, label);
    await window.page.keyboard.type(text);
    await keys(window);
  };
  const press =
    (name: string) =>
    async (window: OpenWindow): Promise<void> => {
      await tabTo(window, name);
      await keys(window, 'Enter');
    };
  const nothing = (): Promise<void> => Promise.resolve();
  const server: WelcomePage = {
    name: 'server',
    fill: (window) => type(window, welcome.address, 'https://coffre.example.org'),
    next: press(kit.next),
  };
  const begun: readonly WelcomePage[] = [
    { name: 'begin', fill: nothing, next: press(kit.next) },
    server,
    {
      name: 'account',
      fill: async (window) => {
        await type(window, welcome.email, 'claire@example.org');
        await type(window, welcome.password, 'harbour lantern walnut');
      },
      next: press(kit.next),
    },
  ];
  const claimed: readonly WelcomePage[] = [
    {
      name: 'begin',
      async fill(window) {
        await tabTo(window, new RegExp(`^${welcome.create}`));
        await keys(window, 'ArrowDown', 'ArrowDown', 'ArrowDown');
      },
      next: press(kit.next),
    },
    server,
    {
      name: 'former',
      async fill(window) {
        await type(window, welcome.formerEmail, 'claire@example.org');
        await type(window, welcome.oldPassword, 'the old one');
      },
      next: press(kit.next),
    },
    { name: 'lost', fill: nothing, next: press(kit.next) },
    {
      name: 'account',
      fill: (window) => type(window, welcome.newPassword, 'harbour lantern walnut'),
      next: press(kit.next),
    },
  ];
  return [
    ...(way === 'create' ? begun : claimed),
    { name: 'folder', fill: nothing, next: press(welcome.finish[way]) },
    { name: 'words', fill: nothing, next: press(words.noted) },
    {
      name: 'check',
      fill: async (window) => {
        const phrase = window.bridge.world.phrase.split(' ');
        // Three are asked for by their numbers.
        for (const [index, word] of phrase.entries()) {
          const label = words.number.replace('{{number}}', String(index + 1));
          if ((await window.page.getByLabel(label, { exact: true }).count()) > 0)
            await type(window, label, word);
        }
      },
      next: press(words.check),
    },
  ];
}
