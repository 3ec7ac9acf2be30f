/** Token buckets in memory, keyed by what is limited. */
import { isIPv6 } from 'node:net';
import type { Rate } from '../config.ts';
import { Refusal } from '../refusal.ts';

const MAX_BUCKETS = 100_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** @param missing tokens until the next attempt may come */
export function tooMany(missing: number, { perMinute }: Rate): Refusal {
  const retryAfterS = Math.max(1, Math.ceil((missing * 60) / perMinute));
  return new Refusal('rate-limited', 'too many attempts: wait and try again', { retryAfterS });
}

export class RateLimiter {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
  }

  /** @throws Refusal rate-limited */
  take(key: string): void {
    const nowMs = this.#now();
    const { burst, perMinute } = this.#rate;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#forgetFull(nowMs);
      bucket = { tokens: burst, atMs: nowMs };
      this.#buckets.set(key, bucket);
    }
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perMinute) / 60_000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) {
      throw tooMany(1 - bucket.tokens, this.#rate);
    }
    bucket.tokens -= 1;
  }

  /** A bucket that would be full again says nothing; under pressure all go rather than memory. */
  #forgetFull(nowMs: number): void {
    const fullAfterMs = (this.#rate.burst / this.#rate.perMinute) * 60_000;
    for (const [key, bucket] of this.#buckets) {
      if (nowMs - bucket.atMs >= fullAfterMs) this.#buckets.delete(key);
    }
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
  }
}

/** One household: an IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = ip.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

/** What is kept of it for longer: an IPv4 /24 or an IPv6 /48, which is a provider's district or one customer. */
export function coarseNetwork(ip: string): string {
  const network = networkOf(ip);
  return network.includes(':')
    ? `${network.split(':').slice(0, 3).join(':')}::/48`
    : network.replace(/\.\d+$/, '.0/24');
}
