import { describe, expect, it } from 'vitest';
import type { ActivityPage } from './manifest.ts';
import type { IssueRow } from './manifest.ts';
import { nodeId, sample } from '../../test/fakes/sample-manifest.ts';

const PAIR = 'b1b1b1b1b1b1b1b1';

function issue(more: Partial<IssueRow>): Omit<IssueRow, 'id'> {
  return {
    pair: PAIR,
    node: nodeId('a'),
    code: 'name-clash',
    path: 'dir/a',
    reason: 'two names',
    ways: ['rename', 'skip'],
    sinceMs: 10,
    ...more,
  };
}

describe('issues', () => {
  it('stand once for a pair, a node and a code, and keep their id and age', () => {
    const { manifest } = sample();
    const id = manifest.raiseIssue(issue({}));
    expect(manifest.raiseIssue(issue({ reason: 'three names', ways: [], path: 'b', sinceMs: 99 }))).toBe(id);
    expect(manifest.issues()).toEqual([{ ...issue({ reason: 'three names', ways: [], path: 'b' }), id }]);
    expect(manifest.issue(id)?.sinceMs).toBe(10);
    expect(manifest.raiseIssue(issue({ code: 'other' }))).not.toBe(id);
    expect(manifest.raiseIssue(issue({ node: nodeId('b') }))).not.toBe(id);
    expect(manifest.raiseIssue(issue({ pair: 'another' }))).not.toBe(id);
    expect(manifest.issues()).toHaveLength(4);
  });

  it('without a node stand once for a path', () => {
    const { manifest } = sample();
    const id = manifest.raiseIssue(issue({ node: null, path: 'x' }));
    expect(manifest.raiseIssue(issue({ node: null, path: 'x', sinceMs: 11 }))).toBe(id);
    expect(manifest.raiseIssue(issue({ node: null, path: 'y' }))).not.toBe(id);
    expect(manifest.raiseIssue(issue({ node: null, pair: null, path: 'x' }))).not.toBe(id);
    expect(manifest.raiseIssue(issue({ node: null, pair: null, path: 'x' }))).toBeGreaterThan(id);
    expect(manifest.issues()).toHaveLength(3);
  });

  it('are cleared by node, by path, by code and by id', () => {
    const { manifest } = sample();
    const codes = () => manifest.issues().map((row) => `${row.code} ${row.path}`);
    const raiseAll = () => {
      manifest.raiseIssue(issue({ code: 'c1' }));
      manifest.raiseIssue(issue({ code: 'c2' }));
      manifest.raiseIssue(issue({ code: 'c1', node: null, path: 'p' }));
      manifest.raiseIssue(issue({ code: 'c1', node: null, pair: null, path: '' }));
    };
    raiseAll();
    manifest.clearIssue(PAIR, nodeId('a'), 'c1');
    expect(codes()).toEqual(['c2 dir/a', 'c1 p', 'c1 ']);
    raiseAll();
    manifest.clearIssue(PAIR, nodeId('a'));
    expect(codes().sort()).toEqual(['c1 ', 'c1 p']);
    manifest.clearIssueAt(PAIR, 'p', 'c9');
    expect(codes()).toHaveLength(2);
    manifest.clearIssueAt(PAIR, 'p', 'c1');
    expect(codes()).toEqual(['c1 ']);
    manifest.clearIssue(null, null);
    expect(codes()).toEqual([]);
    const id = manifest.raiseIssue(issue({}));
    manifest.deleteIssue(id);
    expect(manifest.issue(id)).toBeUndefined();
  });
});

describe('activity', () => {
  const row = (atMs: number) => ({
    atMs,
    pair: PAIR,
    path: `f${atMs}`,
    action: 'upload',
    reason: 'edited',
    bytes: 2 ** 40,
  });

  it('comes newest first, and is followed without a gap', () => {
    const { manifest } = sample();
    for (let atMs = 1; atMs <= 6; atMs += 1) manifest.addActivity(row(atMs));
    const newest = manifest.activity(2);
    expect(newest.map((entry) => entry.atMs)).toEqual([6, 5]);
    expect(newest[0]).toMatchObject(row(6));
    // A follower that is behind gets what came next, not what came last.
    const first = manifest.activity(3, 0);
    expect(first.map((entry) => entry.atMs)).toEqual([3, 2, 1]);
    expect(manifest.activity(9, first[0]!.id).map((entry) => entry.atMs)).toEqual([6, 5, 4]);
    expect(manifest.activity(9, newest[0]!.id)).toEqual([]);
  });

  it('is paged newest first, whole or by what was done and in which pair', () => {
    const { manifest } = sample();
    manifest.transaction(() => {
      for (let index = 1; index <= 10_000; index += 1) {
        const action = index % 100 === 0 ? 'upload' : 'scan';
        const pair = index % 200 === 0 ? 'p' : 'q';
        manifest.addActivity({ atMs: index, pair, path: `${index}`, action, reason: 'r', bytes: 0 });
      }
    });
    const all: ActivityPage = { limit: 3, after: 0, before: null, actions: null, pair: null };
    const times = (page: ActivityPage) => manifest.activityPage(page).map(({ atMs }) => atMs);
    expect(times(all)).toEqual([10_000, 9_999, 9_998]);
    const [, , third] = manifest.activityPage(all);
    expect(times({ ...all, before: third!.id })).toEqual([9_997, 9_996, 9_995]);
    expect(times({ ...all, after: third!.id })).toEqual([10_000, 9_999]);
    expect(times({ ...all, actions: ['upload', 'download'] })).toEqual([10_000, 9_900, 9_800]);
    expect(times({ ...all, actions: ['upload'], pair: 'q' })).toEqual([9_900, 9_700, 9_500]);
    expect(times({ ...all, pair: 'none' })).toEqual([]);
  });

  it('keeps the newest 10,000', () => {
    const { manifest } = sample();
    manifest.transaction(() => {
      for (let atMs = 1; atMs <= 10_003; atMs += 1) manifest.addActivity(row(atMs));
    });
    const all = manifest.activity(20_000);
    expect(all).toHaveLength(10_000);
    expect(all.at(-1)?.atMs).toBe(4);
  });
});
