import { describe, expect, it } from 'vitest';
import { headlineOf, secondsLeft } from './headline.ts';

const pair = { id: 'p', folder: '/f', vault: 'Files', seq: 1, path: '/', paused: null };
const nothing = { files: 0, bytes: 0 };

describe('the headline', () => {
  it('says in sync only when the engine is idle and has a folder', () => {
    expect(headlineOf({ state: 'idle', pending: nothing, pairs: [pair] })).toBe('idle');
    expect(headlineOf({ state: 'idle', pending: nothing, pairs: [] })).toBe('no-folder');
    expect(headlineOf({ state: 'syncing', pending: nothing, pairs: [pair] })).toBe('looking');
    expect(headlineOf({ state: 'syncing', pending: { files: 2, bytes: 9 }, pairs: [pair] })).toBe('syncing');
    for (const state of ['paused', 'offline', 'attention', 'quota'] as const)
      expect(headlineOf({ state, pending: nothing, pairs: [pair] })).toBe(state);
  });
});

describe('the time left', () => {
  it('is what is left at the present rate', () => {
    expect(secondsLeft(10_000_000, 1_000_000)).toBe(10);
  });
  it('is not told when it would be a guess', () => {
    expect(secondsLeft(0, 1_000_000)).toBeNull();
    expect(secondsLeft(10_000_000, 10)).toBeNull();
    expect(secondsLeft(1e13, 1001)).toBeNull();
  });
});
