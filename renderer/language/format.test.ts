import { describe, expect, it } from 'vitest';
import { makeFormat } from './format.ts';

const en = makeFormat('en');
const fr = makeFormat('fr');
/** French writes narrow and fixed spaces. */
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');

describe('sizes', () => {
  it('grow through the units without a thousand of any', () => {
    expect(en.bytes(0)).toBe('0 bytes');
    expect(en.bytes(1)).toBe('1 byte');
    expect(en.bytes(999)).toBe('999 bytes');
    expect(en.bytes(1500)).toBe('1.5 kB');
    expect(en.bytes(999_999)).toBe('1 MB');
    expect(en.bytes(38_400_000_000)).toBe('38.4 GB');
    expect(en.bytes(123_456_789_000)).toBe('123 GB');
  });
  it('follow the language', () => {
    expect(plain(fr.bytes(1_500_000))).toBe('1,5 Mo');
    expect(plain(fr.bytesPerSecond(2_000_000))).toBe('2 Mo/s');
  });
});

describe('durations', () => {
  it('are said as a person would', () => {
    expect(en.duration(0.2)).toBe('1 second');
    expect(en.duration(59)).toBe('59 seconds');
    expect(en.duration(90)).toBe('2 minutes');
    expect(en.duration(3600)).toBe('1 hour');
    expect(en.duration(3600 * 2 + 60 * 5)).toBe('2 hours 5 minutes');
    expect(en.duration(86_400 * 3)).toBe('3 days');
    expect(plain(fr.duration(3600 * 2))).toBe('2 heures');
  });
});

describe('relative times', () => {
  const now = Date.UTC(2026, 4, 12, 14, 30);
  it('become a date after a week', () => {
    expect(en.relative(now - 10_000, now)).toBe('now');
    expect(en.relative(now - 5 * 60_000, now)).toBe('5 minutes ago');
    expect(en.relative(now - 26 * 3_600_000, now)).toBe('yesterday');
    expect(en.relative(now - 20 * 86_400_000, now)).toBe('Apr 22, 2026');
    expect(fr.relative(now - 2 * 3_600_000, now)).toBe('il y a 2 heures');
  });
});
