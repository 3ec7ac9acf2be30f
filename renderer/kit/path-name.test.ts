import { describe, expect, it } from 'vitest';
import { splitName, splitPath, visibleName } from './path-name.ts';

describe('a name from elsewhere', () => {
  it('shows what would turn or hide its letters', () => {
    expect(visibleName('photo\u202Egpj.exe')).toBe('photo‹U+202E›gpj.exe');
    expect(visibleName('a\u200Bb\nc')).toBe('a‹U+200B›b‹U+000A›c');
    expect(visibleName('\u2066x\u2069')).toBe('‹U+2066›x‹U+2069›');
  });
  it('keeps every honest letter', () => {
    const names = ['Été à l’océan.md', 'שלום.txt', 'résumé – final.pdf', '日本語.txt', '👩.png'];
    expect(names.map(visibleName)).toEqual(names);
  });
});

it('finds the name of a path of either kind', () => {
  expect(splitPath('Files:/a/b.txt')).toEqual({ folder: 'Files:/a', name: 'b.txt' });
  expect(splitPath('C:\\Users\\c')).toEqual({ folder: 'C:\\Users', name: 'c' });
  expect(splitPath('/a/')).toEqual({ folder: '', name: 'a' });
  expect(splitPath('a.txt')).toEqual({ folder: '', name: 'a.txt' });
});

it('keeps the end of a long name, and cuts no letter in two', () => {
  expect(splitName('short.txt')).toEqual({ head: 'short.txt', tail: '' });
  const { head, tail } = splitName(`${'😀'.repeat(30)}.tar.gz`);
  expect(head + tail).toBe(`${'😀'.repeat(30)}.tar.gz`);
  expect(tail).toBe(`${'😀'.repeat(7)}.tar.gz`);
  // The fourteenth letter from the end is amid the code.
  expect(splitName(`${'a'.repeat(30)}‹U+202E›gnp.exe`).tail).toBe('‹U+202E›gnp.exe');
});
