import { expect, it } from 'vitest';
import { IdleHeap } from './idle-heap.ts';

it('gives a large heap of garbage back, once', () => {
  const heap = new IdleHeap();
  const holder = { kept: Array.from({ length: 2_000_000 }, (_, index) => ({ index })) };
  const before = process.memoryUsage().heapUsed;
  expect(holder.kept).toHaveLength(2_000_000);
  holder.kept = [];
  expect(heap.tidy()).toBe(true);
  expect(process.memoryUsage().heapUsed).toBeLessThan(before - 50 * 1024 ** 2);
  expect(heap.tidy()).toBe(false);
  expect(heap.tidy(1024 ** 3)).toBe(true);
});
