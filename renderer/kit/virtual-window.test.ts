import { describe, expect, it } from 'vitest';
import { movedIndex, virtualWindow } from './virtual-window.ts';

describe('the drawn rows', () => {
  it('are those in view and a few around them', () => {
    expect(virtualWindow(0, 560, 56, 10_000)).toEqual({ first: 0, end: 18 });
    expect(virtualWindow(56_000, 560, 56, 10_000)).toEqual({ first: 992, end: 1018 });
  });
  it('end with the list, also when it became shorter than where somebody was', () => {
    expect(virtualWindow(0, 560, 56, 3)).toEqual({ first: 0, end: 3 });
    expect(virtualWindow(56_000, 560, 56, 10)).toEqual({ first: 10, end: 10 });
    expect(virtualWindow(0, 560, 56, 0)).toEqual({ first: 0, end: 0 });
  });
});

it('moves by arrows, pages and ends, and never out of the list', () => {
  expect(movedIndex('ArrowDown', 9, 10, 5)).toBe(9);
  expect(movedIndex('ArrowUp', 0, 10, 5)).toBe(0);
  expect(movedIndex('PageDown', 2, 10, 5)).toBe(7);
  expect(movedIndex('PageUp', 2, 10, 5)).toBe(0);
  expect(movedIndex('Home', 5, 10, 5)).toBe(0);
  expect(movedIndex('End', 5, 10, 5)).toBe(9);
  expect(movedIndex('a', 5, 10, 5)).toBeNull();
});
