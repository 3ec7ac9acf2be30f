import { expect, it } from 'vitest';
import { Refusal } from '../refusal.ts';
import type { RateStore } from '../store/metadata-store.ts';
import { SharedRate } from './shared-rate.ts';

/** A bucket that two nodes share, and how often it was asked. */
function bucketOf(tokens: number): RateStore & { asked: number } {
  return {
    asked: 0,
    async draw(_key, _rate, wanted) {
      this.asked += 1;
      const given = Math.min(wanted, tokens);
      tokens -= given;
      return { tokens: given, missing: 1 };
    },
  };
}

it('lets two nodes together no more through than one, and asks once for many', async () => {
  const store = bucketOf(500);
  const rate = { burst: 500, perMinute: 60 };
  const nodes = [1, 2].map(() => new SharedRate('kind', rate, () => 0, store));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 700 }, (_none, index) => nodes[index % 2]!.take('somebody')),
  );
  const refused = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  expect(refused).toHaveLength(200);
  for (const reason of refused) {
    expect(reason).toBeInstanceOf(Refusal);
    expect((reason as Refusal).details.retryAfterS).toBe(1);
  }
  expect(store.asked).toBeLessThan(130);
});

it('asks nobody when its own bucket is empty already', async () => {
  const store = bucketOf(10);
  const node = new SharedRate('kind', { burst: 2, perMinute: 1 }, () => 0, store);
  await node.take('a');
  await node.take('a');
  await expect(node.take('a')).rejects.toThrow(Refusal);
  expect(store.asked).toBe(2);
});
