import { describe, expect, it } from 'vitest';
import { Bandwidth, type BandwidthClock } from './bandwidth.ts';
import { packBody } from './pack-body.ts';

/** A clock that sleeps by moving on. */
class QuickClock implements BandwidthClock {
  ms = 5000;
  monotonicMs(): number {
    return this.ms;
  }
  sleep(ms: number): Promise<void> {
    this.ms += ms;
    return Promise.resolve();
  }
}

describe('bandwidth', () => {
  it('lets everything pass without a limit', async () => {
    const clock = new QuickClock();
    await new Bandwidth(clock).take(1e12);
    expect(clock.ms).toBe(5000);
  });

  it('keeps to its rate over many pieces, and past one larger than a burst', async () => {
    const clock = new QuickClock();
    const limit = new Bandwidth(clock, 1_000_000);
    for (let piece = 0; piece < 40; piece += 1) await limit.take(250_000);
    expect(clock.ms - 5000).toBeCloseTo(10_000, 3);
    await limit.take(5_000_000);
    expect(clock.ms - 5000).toBeCloseTo(15_000, 3);
  });

  it('saves no more than a burst while nothing passes', async () => {
    const clock = new QuickClock();
    const limit = new Bandwidth(clock, 1_000_000);
    clock.ms += 3_600_000;
    const start = clock.ms;
    await limit.take(1_000_000);
    expect(clock.ms - start).toBeCloseTo(750, 3);
  });

  it('shares its rate among those that take at once', async () => {
    const clock = new QuickClock();
    const waits: number[] = [];
    clock.sleep = (ms) => {
      waits.push(ms);
      return Promise.resolve();
    };
    const limit = new Bandwidth(clock, 1000);
    await Promise.all([limit.take(1000), limit.take(1000), limit.take(1000)]);
    expect(waits).toEqual([1000, 2000, 3000]);
  });

  it('follows a change of the limit', async () => {
    const clock = new QuickClock();
    const limit = new Bandwidth(clock, 10);
    limit.set(null);
    await limit.take(1e9);
    limit.set(1000);
    await limit.take(1000);
    expect(clock.ms - 5000).toBeCloseTo(1000, 3);
  });
});

describe('a pack as a body', () => {
  it('is read in pieces, paid for, and read again for another attempt', async () => {
    const bytes = Buffer.alloc(600_000, 'pack');
    const clock = new QuickClock();
    const limit = new Bandwidth(clock, 100_000);
    const body = packBody(bytes, limit);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const pieces: Uint8Array[] = [];
      for await (const piece of body.chunks()) pieces.push(piece);
      expect(pieces.length).toBe(3);
      expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
      expect(clock.ms - 5000).toBeCloseTo(6000 * attempt, 3);
    }
  });
});
