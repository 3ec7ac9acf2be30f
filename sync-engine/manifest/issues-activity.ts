/** The issues that stand and the activity that was, as the person sees them. */
import type { NodeId } from '../../protocol/ids.ts';
import type { ActivityRow, IssueRow, Manifest, PairId } from './manifest.ts';
import { hexOf, type Shared } from './rows.ts';

/** Activity rows that are kept. */
const MAX_ACTIVITY = 10_000;

type IssuePart = Pick<
  Manifest,
  'raiseIssue' | 'clearIssue' | 'clearIssueAt' | 'deleteIssue' | 'issue' | 'issues'
>;
type ActivityPart = Pick<Manifest, 'addActivity' | 'activity' | 'activityPage'>;

interface StoredIssue extends Omit<IssueRow, 'node' | 'ways'> {
  readonly node: NodeId | '';
  readonly ways: string;
}

function issueRow(row: StoredIssue): IssueRow {
  return { ...row, node: row.node === '' ? null : row.node, ways: JSON.parse(row.ways) as string[] };
}

export function issueStore({ database }: Shared): IssuePart {
  const columns = `id, pair, ${hexOf('node')} AS node, code, path, reason, ways, since_ms AS sinceMs`;
  // `since_ms` stays: the issue stands since it was first raised.
  const raise = database
    .prepare<[PairId | null, NodeId | null, string, string, string, string, number], number>(
      `INSERT INTO issue (pair, node, code, path, reason, ways, since_ms)
       VALUES (?, unhex(?), ?, ?, ?, ?, ?)
       ON CONFLICT (ifnull(pair, ''), ifnull(node, path), code) DO UPDATE
         SET path = excluded.path, reason = excluded.reason, ways = excluded.ways
       RETURNING id`,
    )
    .pluck();
  const clear = database.prepare<[PairId | null, NodeId | null, string | null]>(
    `DELETE FROM issue WHERE ifnull(pair, '') = ifnull(?, '') AND node IS unhex(?)
     AND code = ifnull(?, code)`,
  );
  const clearAt = database.prepare<[PairId, string, string | null]>(
    'DELETE FROM issue WHERE pair = ? AND path = ? AND code = ifnull(?, code)',
  );
  const remove = database.prepare<[number]>('DELETE FROM issue WHERE id = ?');
  const read = database.prepare<[number], StoredIssue>(`SELECT ${columns} FROM issue WHERE issue.id = ?`);
  const readAll = database.prepare<[], StoredIssue>(`SELECT ${columns} FROM issue ORDER BY issue.id`);
  return {
    raiseIssue({ pair, node, code, path, reason, ways, sinceMs }) {
      const id = raise.get(pair, node, code, path, reason, JSON.stringify(ways), sinceMs);
      if (id === undefined) throw new Error('an issue got no id');
      return id;
    },
    clearIssue: (pair, node, code) => void clear.run(pair, node, code ?? null),
    clearIssueAt: (pair, path, code) => void clearAt.run(pair, path, code ?? null),
    deleteIssue: (id) => void remove.run(id),
    issue(id) {
      const row = read.get(id);
      return row === undefined ? undefined : issueRow(row);
    },
    issues: () => readAll.all().map(issueRow),
  };
}

export function activityStore({ database, transaction }: Shared): ActivityPart {
  const columns = 'id, at_ms AS atMs, pair, path, action, reason, bytes';
  const add = database.prepare<[number, PairId | null, string, string, string, number]>(
    'INSERT INTO activity (at_ms, pair, path, action, reason, bytes) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const trim = database.prepare<[number]>('DELETE FROM activity WHERE id <= ?');
  const newest = database.prepare<[number], ActivityRow>(
    `SELECT ${columns} FROM activity ORDER BY id DESC LIMIT ?`,
  );
  // The oldest of what came after: a follower that fell behind skips nothing.
  const following = database.prepare<[number, number], ActivityRow>(
    `SELECT * FROM (SELECT ${columns} FROM activity WHERE id > ? ORDER BY id LIMIT ?) ORDER BY id DESC`,
  );
  // Among so few rows a filter needs no index of its own: one pass from the newest on.
  const page = database.prepare<
    [number, number, PairId | null, PairId | null, string | null, string | null, number],
    ActivityRow
  >(
    `SELECT ${columns} FROM activity WHERE id > ? AND id < ? AND (? IS NULL OR pair = ?)
       AND (? IS NULL OR action IN (SELECT value FROM json_each(?))) ORDER BY id DESC LIMIT ?`,
  );
  return {
    addActivity({ atMs, pair, path, action, reason, bytes }) {
      transaction(() => {
        const { lastInsertRowid } = add.run(atMs, pair, path, action, reason, bytes);
        trim.run(Number(lastInsertRowid) - MAX_ACTIVITY);
      });
    },
    activityPage({ limit, after, before, actions, pair }) {
      const wanted = actions === null ? null : JSON.stringify(actions);
      return page.all(after, before ?? Number.MAX_SAFE_INTEGER, pair, pair, wanted, wanted, limit);
    },
    activity: (limit, after) => (after === undefined ? newest.all(limit) : following.all(after, limit)),
  };
}
