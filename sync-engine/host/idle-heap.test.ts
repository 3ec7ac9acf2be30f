import { expect, it } from 'vitest';
import { IdleHeap } from './idle-heap.ts';

/** Makes garbage of more than a hundred MiB. */
function litter(): number {
  return Array.from({ length: 2_000_000 }, (_, index) => ({ index })).length;
}

it('gives a large heap of garbage back, once', () => {
  const heap = new IdleHeap();
  litter();
  const before = process.memoryUsage().heapTotal;
  expect(heap.tidy()).toBe(true);
  expect(process.memoryUsage().heapTotal).toBeLessThan(before - 50 * 1024 ** 2);
  expect(heap.tidy()).toBe(false);
});
