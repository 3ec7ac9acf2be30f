import { expect, it } from 'vitest';
import { linkAddress, namedLinks } from './links.ts';

it('offers what the build names an address for, and nothing else', () => {
  const build = { homepage: 'https://coffre.example', bugs: { url: 'https://coffre.example/bugs' } };
  expect(namedLinks(build)).toEqual(['help', 'report']);
  expect(linkAddress('report', build)).toBe('https://coffre.example/bugs');
  expect(() => linkAddress('source', build)).toThrow(expect.objectContaining({ code: 'not-found' }) as Error);
  expect(namedLinks({})).toEqual([]);
});

it('opens what it offers in this build', () => {
  for (const link of namedLinks()) expect(linkAddress(link)).toMatch(/^https:/);
});

it('takes no address but those of the web', () => {
  expect(() => namedLinks({ homepage: 'file:///etc/passwd' })).toThrow();
});
