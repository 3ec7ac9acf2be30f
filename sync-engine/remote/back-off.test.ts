import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.ts';

describe('back-off', () => {
  it('doubles its bound up to the most, and begins anew after a success', () => {
    const backOff = new BackOff({ fraction: () => 0.999999, firstMs: 1000, mostMs: 6000 });
    expect([1, 2, 3, 4, 5].map(() => backOff.next())).toEqual([999, 1999, 3999, 5999, 5999]);
    expect(backOff.failures).toBe(5);
    backOff.succeeded();
    expect(backOff.next()).toBe(999);
  });

  it('spreads over the whole range', () => {
    const backOff = new BackOff({ fraction: () => 0, firstMs: 1000 });
    expect(backOff.next()).toBe(0);
  });

  it('never comes back before the server asked for, and not a day later either', () => {
    const backOff = new BackOff({ fraction: () => 0.5, firstMs: 1000 });
    expect(backOff.next(30)).toBe(30_500);
    expect(backOff.next(1e9)).toBe(3_601_000);
    expect(backOff.next(-5)).toBeLessThanOrEqual(2000);
  });
});
