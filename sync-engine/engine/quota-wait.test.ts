import { describe, expect, it } from 'vitest';
import type { IssueBoard } from './issue-board.ts';
import { QuotaWait } from './quota-wait.ts';

const FULL = { usedBytes: 95, limitBytes: 100, returnsAtMs: null };

function world(pairs: readonly string[] = ['one', 'two']) {
  const at = { ms: 0 };
  const raised = new Set<string>();
  const issues: Pick<IssueBoard, 'raise' | 'clear'> = {
    raise: (_pair, _node, code) => void raised.add(code),
    clear: (_pair, _node, code) => void raised.delete(String(code)),
  };
  const quota = new QuotaWait({
    clock: { nowMs: () => at.ms, monotonicMs: () => at.ms, sleep: () => Promise.resolve() },
    random: { fraction: () => 0.5, bytes: (size) => new Uint8Array(size) },
    issues,
    pairs: () => pairs,
    changed: () => undefined,
  });
  return { at, raised, quota };
}

describe('a full account', () => {
  it('is tried again after a wait that doubles with each refusal, and not by what was under way', () => {
    const { at, quota } = world();
    quota.refused(FULL);
    expect(quota.waitMs).toBe(15_000);
    at.ms = 10_000;
    quota.refused(FULL);
    expect(quota.waitMs).toBe(5000);
    quota.took();
    expect(quota.isFull).toBe(true);
    at.ms = 15_000;
    expect(quota).toMatchObject({ isFull: false, isTrying: true });
    quota.refused(FULL);
    expect(quota.waitMs).toBe(30_000);
  });

  it('has room when content is taken at a try', () => {
    const { at, raised, quota } = world();
    quota.refused(FULL);
    expect([...raised]).toEqual(['quota']);
    at.ms = 15_000;
    quota.took();
    expect(quota.state).toBeNull();
    expect([...raised]).toEqual([]);
  });

  it('is tried at once when there is more room than at the refusal, and only then', () => {
    const { quota } = world();
    quota.refused(FULL);
    quota.heard(95, 100);
    expect(quota.isFull).toBe(true);
    quota.heard(40, 100);
    expect(quota.isTrying).toBe(true);
  });

  it('says so as long as anything waits in any pair', () => {
    const { quota } = world();
    quota.refused(FULL);
    quota.waitsNoMore('one');
    expect(quota.state).toEqual(FULL);
    quota.waits('one');
    quota.waitsNoMore('two');
    expect(quota.state).toEqual(FULL);
    quota.waitsNoMore('one');
    expect(quota.state).toBeNull();
  });
});
