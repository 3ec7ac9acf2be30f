import { describe, expect, it } from 'vitest';
import { confirmDeletes, guardDeletes, GUARD_WINDOW_MS, type DeleteWindow } from './mass-delete-guard.ts';

const NOW = 1_700_000_000_000;

function ask(window: DeleteWindow | null, going: number, syncedFiles: number, nowMs = NOW) {
  return guardDeletes({ window, nowMs, syncedFiles, going });
}

describe('the mass-delete guard', () => {
  it.each([
    [51, 100, 'ask'],
    [51, 169, 'ask'],
    [50, 50, 'allow'], // not more than 50
    [51, 170, 'allow'], // exactly 30 % of 170 is 51
    [300, 1_000, 'allow'],
    [301, 1_000, 'ask'],
    [0, 0, 'allow'],
  ] as const)('%i files of %i going: %s', (going, synced, answer) => {
    expect(ask(null, going, synced).kind).toBe(answer);
  });

  it('adds up what goes within one window, against the files at its beginning', () => {
    const first = ask(null, 40, 100);
    expect(first).toEqual({ kind: 'allow', window: { startedAtMs: NOW, syncedFiles: 100, gone: 40 } });
    const second = ask(first.window, 20, 60, NOW + GUARD_WINDOW_MS - 1);
    expect(second).toEqual({ kind: 'ask', window: first.window, files: 60, of: 100 });
  });

  it('works on a window that was stored as JSON', () => {
    const { window } = ask(null, 40, 100);
    const restored = JSON.parse(JSON.stringify(window)) as DeleteWindow;
    expect(ask(restored, 20, 60, NOW + 1).kind).toBe('ask');
  });

  it('begins anew after ten minutes', () => {
    const { window } = ask(null, 40, 100);
    expect(ask(window, 20, 60, NOW + GUARD_WINDOW_MS)).toEqual({
      kind: 'allow',
      window: { startedAtMs: NOW + GUARD_WINDOW_MS, syncedFiles: 60, gone: 20 },
    });
  });

  it('does not stay open because the clock was set back', () => {
    const { window } = ask(null, 40, 100);
    expect(ask(window, 20, 60, NOW - 1).window?.startedAtMs).toBe(NOW - 1);
  });

  it('does not count while it asks, and asks no more once confirmed', () => {
    const question = { window: null, nowMs: NOW, syncedFiles: 100, going: 80 };
    const asked = guardDeletes(question);
    expect(asked).toMatchObject({ kind: 'ask', window: { gone: 0 } });
    const window = confirmDeletes(question);
    expect(window).toEqual({ startedAtMs: NOW, syncedFiles: 20, gone: 0 });
    expect(ask(window, 20, 20, NOW + 1).kind).toBe('allow');
  });
});
