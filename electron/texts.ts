/** What the app itself says: tray, notifications, dialogs. The window has its own texts. */
import i18next, { type i18n } from 'i18next';
import type { AppInfo, AppSettings } from '../protocol/app.ts';
import en from './locales/en.json' with { type: 'json' };
import fr from './locales/fr.json' with { type: 'json' };
// What is wrong, and how long a pause is, has one wording: in the window, a notification, the tray.
import windowEn from '../renderer/locales/en.json' with { type: 'json' };
import windowFr from '../renderer/locales/fr.json' with { type: 'json' };

export type Language = AppInfo['language'];
/** `key`: SECTION.NAME of the locale files. */
export type Translate = (key: string, values?: Readonly<Record<string, string | number>>) => string;

export function languageOf(setting: AppSettings['language'], systemLanguage: string): Language {
  if (setting !== 'system') return setting;
  return /^fr\b/i.test(systemLanguage) ? 'fr' : 'en';
}

export class Texts {
  readonly #i18n: i18n = i18next.createInstance();
  #language: Language;

  constructor(language: Language) {
    this.#language = language;
    void this.#i18n.init({
      lng: language,
      fallbackLng: 'en',
      resources: {
        en: { translation: { ...en, issues: windowEn.issues, pause: windowEn.pause } },
        fr: { translation: { ...fr, issues: windowFr.issues, pause: windowFr.pause } },
      },
      // The texts are in memory and go into no page.
      initAsync: false,
      interpolation: { escapeValue: false },
    });
  }

  get language(): Language {
    return this.#language;
  }

  async speak(language: Language): Promise<void> {
    this.#language = language;
    await this.#i18n.changeLanguage(language);
  }

  /** One line of what is wrong; of a newer engine's code its own words. */
  issue({ code, reason }: { readonly code: string; readonly reason: string }): string {
    const key = `issues.${code}.title`;
    return this.#i18n.exists(key) ? this.#i18n.t(key) : reason;
  }

  readonly text: Translate = (key, values) => this.#i18n.t(key, { ...values });
}
