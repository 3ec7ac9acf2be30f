import { expect, it } from 'vitest';
import { localPathOf } from './local-path.ts';

it('joins as the platform of the folder does', () => {
  expect(localPathOf('/home/c/Coffre', 'a/b.txt')).toBe('/home/c/Coffre/a/b.txt');
  expect(localPathOf('/home/c/Coffre/', '/a')).toBe('/home/c/Coffre/a');
  expect(localPathOf('C:\\Users\\c\\Coffre', 'a/b.txt')).toBe('C:\\Users\\c\\Coffre\\a\\b.txt');
});
