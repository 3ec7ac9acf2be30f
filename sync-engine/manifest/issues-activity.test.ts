import { describe, expect, it } from 'vitest';
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
