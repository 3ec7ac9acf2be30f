import { describe, expect, it } from 'vitest';
import en from '../locales/en.json';
import fr from '../locales/fr.json';

const PLURAL = /_(zero|one|two|few|many|other)$/;

function flat(node: object, before = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    if (typeof value === 'string') found.set(before + key, value);
    else for (const [more, text] of flat(value as object, `${before}${key}.`)) found.set(more, text);
  }
  return found;
}
const texts = { en: flat(en), fr: flat(fr) };
const bases = (keys: Map<string, string>): string[] => [
  ...new Set([...keys.keys()].map((key) => key.replace(PLURAL, ''))),
];

const sources = import.meta.glob<string>(['../**/*.ts', '../**/*.tsx', '!../**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

describe('the two languages', () => {
  it('have the same texts', () => {
    expect(bases(texts.fr).sort()).toEqual(bases(texts.en).sort());
  });
  it.each(['en', 'fr'] as const)('%s has every plural its language knows', (language) => {
    const wanted = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const keys = texts[language];
    const plurals = new Set(
      [...keys.keys()].filter((key) => PLURAL.test(key)).map((key) => key.replace(PLURAL, '')),
    );
    const missing = [...plurals].flatMap((base) =>
      wanted.map((category) => `${base}_${category}`).filter((key) => !keys.has(key)),
    );
    expect(missing).toEqual([]);
  });
  it('name the same values in each text', () => {
    const names = (text: string): string[] =>
      [...text.matchAll(/\{\{(\w+)/g)].map((match) => match[1]!).sort();
    const other = [...texts.en].filter(([key, text]) => {
      const theirs = texts.fr.get(key);
      // "One file" may be said without its number.
      return theirs !== undefined && !PLURAL.test(key) && names(text).join() !== names(theirs).join();
    });
    expect(other.map(([key]) => key)).toEqual([]);
  });
  it('hold no text that nothing shows', () => {
    const code = Object.values(sources).join('\n');
    // t('a.b') and t(`a.${x}.c`): the fixed parts around what is filled in.
    const built = [...code.matchAll(/`([a-z][\w.-]*\.)\$\{[^}]*\}([\w.-]*)`/gi)].map(([, head, tail]) => ({
      head: head!,
      tail: tail!,
    }));
    const unused = bases(texts.en).filter(
      (key) =>
        !code.includes(`'${key}'`) &&
        !built.some(({ head, tail }) => key.startsWith(head) && key.endsWith(tail)),
    );
    expect(unused).toEqual([]);
  });
});
