import { expect, test } from 'vitest';
import { besideName, childOf, nameOf, parsePlace, placeText, upTo } from './account-path.ts';

test('a place is read and written back', () => {
  for (const text of ['Files:/', 'Files:/a', 'My files: old:/a/b.txt', 'Files:/a:b/c'])
    expect(placeText(parsePlace(text))).toBe(text);
  expect(parsePlace('My files: old:/a/b.txt')).toEqual({ vault: 'My files: old', steps: ['a', 'b.txt'] });
});

test('children, parents and names', () => {
  const place = childOf(parsePlace('Files:/a'), 'b c');
  expect(placeText(place)).toBe('Files:/a/b c');
  expect(placeText(upTo(place, 0))).toBe('Files:/');
  expect(nameOf(place)).toBe('b c');
  expect(nameOf(upTo(place, 0))).toBe('Files');
});

test('the name of a copy keeps the type and holds no separator', () => {
  expect(besideName('Thesis.pdf', '12/10/2026 14:05', false)).toBe('Thesis (12.10.2026 14.05).pdf');
  expect(besideName('.bashrc', 'x', false)).toBe('.bashrc (x)');
  expect(besideName('v1.0', 'x', true)).toBe('v1.0 (x)');
});
