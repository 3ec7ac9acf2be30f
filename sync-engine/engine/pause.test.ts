import { describe, expect, it } from 'vitest';
import { Pause } from './pause.ts';

function world() {
  const kept = new Map<string, string>();
  const now = { ms: 1_000_000 };
  const told: string[] = [];
  /** Sleeps under way: they end only when the test says so. */
  const sleeps: { ms: number; end: () => void }[] = [];
  const open = (): Pause =>
    new Pause({
      manifest: {
        meta: (key) => kept.get(key) ?? null,
        setMeta: (key, value) => {
          if (value === null) kept.delete(key);
          else kept.set(key, value);
        },
      },
      clock: {
        nowMs: () => now.ms,
        monotonicMs: () => 0,
        sleep: (ms) => new Promise((resolve) => sleeps.push({ ms, end: resolve })),
      },
      began: () => told.push('began'),
      ended: () => told.push('ended'),
    });
  return { now, told, sleeps, open };
}

describe('a pause', () => {
  it('lasts until it is resumed, across restarts', () => {
    const { open, now, told } = world();
    open().begin(null);
    now.ms += 10 ** 12;
    const again = open();
    again.look();
    expect(again).toMatchObject({ isPaused: true, untilMs: null });
    again.end();
    expect(open().isPaused).toBe(false);
    expect(told).toEqual(['began', 'ended']);
  });

  it('ends by itself at its time, across restarts', () => {
    const { open, now, told } = world();
    open().begin(now.ms + 5000);
    const again = open();
    again.look();
    expect(again).toMatchObject({ isPaused: true, untilMs: now.ms + 5000 });
    now.ms += 5000;
    again.look();
    expect(again).toMatchObject({ isPaused: false, untilMs: null });
    expect(told).toEqual(['began', 'ended']);
  });

  it('is looked at often enough for a machine that slept through its end', async () => {
    const { open, now, sleeps } = world();
    const pause = open();
    const stop = new AbortController();
    pause.begin(now.ms + 3_600_000);
    const kept = pause.keep(stop.signal);
    await Promise.resolve();
    expect(sleeps[0]?.ms).toBeLessThanOrEqual(30_000);
    now.ms += 8 * 3_600_000;
    sleeps[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pause.isPaused).toBe(false);
    stop.abort();
    await kept;
  });
});
