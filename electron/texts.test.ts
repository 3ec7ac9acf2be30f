import { expect, it } from 'vitest';
import en from './locales/en.json' with { type: 'json' };
import fr from './locales/fr.json' with { type: 'json' };
import { languageOf, Texts } from './texts.ts';

const keys = (value: object, at = ''): string[] =>
  Object.entries(value).flatMap(([name, text]) =>
    typeof text === 'object' && text !== null
      ? keys(text as object, `${at}${name}.`)
      : [`${at}${name.replace(/_(one|many|other)$/, '')}`],
  );

it('says the same things in both languages', () => {
  expect(new Set(keys(fr))).toEqual(new Set(keys(en)));
});

it('speaks the language of the system or the one that was chosen, and another when told', async () => {
  expect(languageOf('system', 'fr-CA')).toBe('fr');
  expect(languageOf('system', 'frr')).toBe('en');
  expect(languageOf('en', 'fr-FR')).toBe('en');
  const texts = new Texts('en');
  expect(texts.text('menu.issues', { count: 1 })).toBe('1 issue …');
  await texts.speak('fr');
  expect(texts.text('menu.issues', { count: 2 })).toBe('2 problèmes…');
});

it('words issues as the window does, and those it does not know as the engine does', () => {
  const texts = new Texts('fr');
  expect(texts.issue({ code: 'disk-full', reason: 'x' })).toBe('Le disque est plein');
  expect(texts.issue({ code: 'of-tomorrow', reason: 'its own words' })).toBe('its own words');
});
