/** Issues with one cause belong together: five hundred unreadable files are one thing to understand. Pure. */
import type { Issue } from '../../store/engine-state.ts';

export interface IssueGroup {
  readonly code: string;
  readonly issues: readonly Issue[];
}

/** What stops everything comes first, what only informs last, else in the order in which they came. */
const RANK: Readonly<Record<string, number>> = {
  'mass-deletion': 0,
  'root-missing': 1,
  'root-foreign': 1,
  'bound-gone': 1,
  'log-fault': 1,
  'bad-answers': 1,
  'rolled-back': 1,
  forked: 1,
  'copied-home': 1,
  revoked: 1,
  certificate: 1,
  quota: 2,
  'disk-full': 2,
  conflict: 3,
  'watch-limit': 9,
  'new-device': 9,
  'device-revoked': 9,
  recovered: 9,
  'manifest-rebuilt': 9,
};
const ORDINARY = 5;

export function groupIssues(issues: readonly Issue[]): readonly IssueGroup[] {
  const groups = new Map<string, Issue[]>();
  for (const issue of issues) {
    const group = groups.get(issue.code);
    if (group === undefined) groups.set(issue.code, [issue]);
    else group.push(issue);
  }
  return [...groups]
    .map(([code, members]) => ({ code, issues: members }))
    .sort((a, b) => (RANK[a.code] ?? ORDINARY) - (RANK[b.code] ?? ORDINARY));
}

/** Ways that cannot be taken back with a click ask first. */
const FIRM: ReadonlySet<string> = new Set([
  'delete',
  'remove-pair',
  'relink',
  'rejoin',
  'login-again',
  'keep-original',
  'keep-copy',
]);

export function asksFirst(way: string): boolean {
  return FIRM.has(way);
}

/** Shown in red: something goes, if only to the trash. */
export function removesSomething(way: string): boolean {
  return way === 'delete' || way === 'keep-original';
}
