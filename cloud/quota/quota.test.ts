import { expect, it } from 'vitest';
import { parseSize } from './quota.ts';

it.each([
  ['100GB', 100e9],
  ['1.5TiB', 1.5 * 1024 ** 4],
  ['4096', 4096],
  ['20 mb', 20e6],
  ['512KiB', 512 * 1024],
  ['0', null],
  ['-1GB', null],
  ['10XB', null],
  ['GB', null],
  ['99999999999TB', null],
])('reads the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
