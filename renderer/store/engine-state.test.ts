import { describe, expect, it } from 'vitest';
import type { ActivityRow, Status } from '../../protocol/control-shapes.ts';
import { initialState, MAX_ACTIVITY_ROWS, reduce, type EngineState, type Issue } from './engine-state.ts';

const row = (id: number): ActivityRow => ({
  id,
  atMs: id,
  pair: null,
  path: `f${id}`,
  action: 'upload',
  reason: 'created-here',
  bytes: 1,
});
const issue = (id: number): Issue => ({
  id,
  code: 'unreadable',
  path: `f${id}`,
  reason: '',
  ways: [],
  pair: null,
  sinceMs: 0,
});
const account = { email: 'a@b.c', server: 'https://s', device: 'd', deviceName: 'n' };
function status(part: Partial<Status> = {}): Status {
  return {
    ...({ pending: { files: 0, bytes: 0 }, pairs: [], notices: [], counters: {} } as unknown as Status),
    state: 'idle',
    transfer: { upBytesPerSecond: 0, downBytesPerSecond: 0 },
    issues: [],
    issueCount: 0,
    account,
    ...part,
  };
}
const ids = (state: EngineState): number[] => state.activity.rows.map((one) => one.id);

describe('the activity', () => {
  it('has each row once, the newest first, however pages and events overlap', () => {
    let state = reduce(initialState, { kind: 'activity', rows: [row(4), row(5)] });
    state = reduce(state, { kind: 'activity-page', rows: [row(5), row(4), row(3), row(2)], nextCursor: 'x' });
    state = reduce(state, { kind: 'activity', rows: [row(5), row(6), row(7)] });
    expect(ids(state)).toEqual([7, 6, 5, 4, 3, 2]);
  });
  it('is the same value when nothing is new, so that nothing is drawn', () => {
    const state = reduce(initialState, { kind: 'activity', rows: [row(1)] });
    expect(reduce(state, { kind: 'activity', rows: [row(1)] }).activity.rows).toBe(state.activity.rows);
  });
  it('lets the oldest go beyond what is kept', () => {
    const many = Array.from({ length: MAX_ACTIVITY_ROWS + 5 }, (_, index) => row(index));
    const state = reduce(initialState, { kind: 'activity', rows: many });
    expect(state.activity.rows).toHaveLength(MAX_ACTIVITY_ROWS);
    expect(state.activity.rows[0]?.id).toBe(MAX_ACTIVITY_ROWS + 4);
  });
});

describe('a status', () => {
  it('does not cut down a longer list of issues to its own first ones', () => {
    const all = Array.from({ length: 300 }, (_, index) => issue(index));
    let state = reduce(initialState, { kind: 'issues', issues: all, issueCount: 300 });
    state = reduce(state, { kind: 'status', status: status({ issues: all.slice(0, 100), issueCount: 300 }) });
    expect(state.issues).toHaveLength(300);
    state = reduce(state, { kind: 'status', status: status({ issues: [issue(1)], issueCount: 1 }) });
    expect(state.issues).toHaveLength(1);
  });
  it('remembers whose device it was', () => {
    let state = reduce(initialState, { kind: 'status', status: status() });
    state = reduce(state, { kind: 'status', status: status({ state: 'signed-out', account: null }) });
    expect(state.formerAccount).toEqual(account);
  });
});
