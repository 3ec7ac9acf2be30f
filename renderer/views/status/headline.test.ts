import { describe, expect, it } from 'vitest';
import { headlineOf } from './headline.ts';

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
