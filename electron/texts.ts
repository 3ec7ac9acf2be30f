/** What the app itself says: tray, notifications, dialogs. The window has its own texts. */
import i18next, { type i18n } from 'i18next';
import type { AppInfo, AppSettings } from '../protocol/app.ts';
import en from './locales/en.json' with { type: 'json' };
import fr from './locales/fr.json' with { type: 'json' };

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
      resources: { en: { translation: en }, fr: { translation: fr } },
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

  readonly text: Translate = (key, values) => this.#i18n.t(key, { ...values });
}
