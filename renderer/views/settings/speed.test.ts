import { expect, test } from 'vitest';
import { toBytes, toSpeed } from './speed.ts';

test('a limit is shown in the unit that reads best', () => {
  expect(toSpeed(250_000)).toEqual({ value: 250, unit: 'KB' });
  expect(toSpeed(1_500_000)).toEqual({ value: 1.5, unit: 'MB' });
  expect(toSpeed(0)).toEqual({ value: 1, unit: 'MB' });
});

test('what a person writes is what the engine gets', () => {
  expect(toBytes({ value: 1.5, unit: 'MB' })).toBe(1_500_000);
  expect(toBytes(toSpeed(640_000))).toBe(640_000);
});
