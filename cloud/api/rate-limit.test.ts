import { describe, expect, it } from 'vitest';
import { Refusal } from '../refusal.ts';
import { coarseNetwork, networkOf, RateLimiter } from './rate-limit.ts';

describe('a rate limiter', () => {
  it('lets a burst through, then what comes back a minute, for each key alone', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ burst: 3, perMinute: 2 }, () => nowMs);
    const take = (key: string): boolean => {
      try {
        limiter.take(key);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect((error as Refusal).details.retryAfterS).toBe(30);
        return false;
      }
    };
    expect([1, 2, 3, 4].map(() => take('a'))).toEqual([true, true, true, false]);
    expect(take('b')).toBe(true);
    nowMs = 30_000;
    expect([take('a'), take('a')]).toEqual([true, false]);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
  ])('counts %s as %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });

  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::6', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
  ])('keeps of %s no more than %s for longer', (ip, network) => {
    expect(coarseNetwork(ip)).toBe(network);
  });
});
