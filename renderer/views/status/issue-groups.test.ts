import { describe, expect, it } from 'vitest';
import type { Issue } from '../../store/engine-state.ts';
import { asksFirst, groupIssues } from './issue-groups.ts';

const issue = (id: number, code: string): Issue => ({
  id,
  code,
  path: `file ${id}`,
  reason: '',
  ways: ['retry'],
  pair: null,
  sinceMs: 0,
});

describe('groups of issues', () => {
  it('hold each cause once, the gravest first, and lose none', () => {
    const groups = groupIssues([
      issue(1, 'unreadable'),
      issue(2, 'new-device'),
      issue(3, 'unreadable'),
      issue(4, 'mass-deletion'),
      issue(5, 'a-code-of-tomorrow'),
    ]);
    expect(groups.map((group) => group.code)).toEqual([
      'mass-deletion',
      'unreadable',
      'a-code-of-tomorrow',
      'new-device',
    ]);
    expect(groups.flatMap((group) => group.issues.map((one) => one.id)).sort()).toEqual([1, 2, 3, 4, 5]);
  });
});

it('asks before what takes something away', () => {
  expect(['delete', 'remove-pair', 'rejoin', 'keep-original', 'keep-copy'].every(asksFirst)).toBe(true);
  expect(['retry', 'dismiss', 'restore', 'keep-both'].some(asksFirst)).toBe(false);
});
