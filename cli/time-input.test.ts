import { describe, expect, it } from 'vitest';
import { timeAhead, timeInput, timeSpan } from './time-input.ts';

const NOW = new Date(2026, 2, 1, 15, 30).getTime();
const now = (): number => NOW;

describe('times a person writes', () => {
  it.each([
    ['90m', 90 * 60_000],
    ['12h', 12 * 3_600_000],
    ['3 d', 3 * 86_400_000],
  ])('a span: %s', (text, ms) => {
    expect(timeSpan().parse(text)).toBe(ms);
    expect(timeInput(now).parse(text)).toBe(NOW - ms);
  });

  it.each([
    ['tomorrow', new Date(2026, 2, 2)],
    ['16:05', new Date(2026, 2, 1, 16, 5)],
    ['9:00', new Date(2026, 2, 2, 9, 0)],
    ['2026-03-05', new Date(2026, 2, 5)],
    ['2026-03-05T14:05', new Date(2026, 2, 5, 14, 5)],
  ])('a time to come: %s', (text, at) => {
    expect(timeAhead(now).parse(text)).toBe(at.getTime());
  });

  it.each(['yesterday', '0h', '25:00', '2026-02-28', 'soon', ''])('neither: %s', (text) => {
    expect(timeAhead(now).safeParse(text).success).toBe(false);
    expect(timeSpan().safeParse(text).success).toBe(false);
  });
});
