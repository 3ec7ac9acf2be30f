import { expect, test } from 'vitest';
import { momentOf } from './moment.ts';

const dayStart = new Date(2026, 9, 12).getTime();
const kept = { firstMs: new Date(2026, 8, 1).getTime(), lastMs: new Date(2026, 9, 15, 12).getTime() };

test('a day without an hour is its last moment', () => {
  expect(momentOf(kept, dayStart, '')).toBe(new Date(2026, 9, 12, 23, 59, 59, 999).getTime());
});

test('an hour is the end of its minute', () => {
  expect(momentOf(kept, dayStart, '08:05')).toBe(new Date(2026, 9, 12, 8, 5, 59, 999).getTime());
});

test('never before or after what is kept', () => {
  expect(momentOf(kept, new Date(2026, 9, 15).getTime(), '')).toBe(kept.lastMs);
  expect(momentOf(kept, new Date(2026, 7, 31).getTime(), '10:00')).toBe(kept.firstMs);
});
