/** What a pair notes about its nodes beside the trees: dirty, in quarantine, unsettled, deselected. */
import type { ContentId, NodeId } from '../../protocol/ids.ts';
import type { PairStore } from './manifest.ts';
import { hexOf, type Shared } from './rows.ts';

type DirtyMarks = Pick<
  PairStore,
  | 'markDirty'
  | 'clearDirty'
  | 'isDirty'
  | 'dirty'
  | 'dirtyCount'
  | 'pending'
  | 'quarantine'
  | 'attempts'
  | 'release'
  | 'releaseAll'
  | 'quarantinedUntil'
  | 'nextRelease'
>;
type SettledMarks = Pick<PairStore, 'markUnsettled' | 'unsettled' | 'clearUnsettled'>;
type SelectionMarks = Pick<PairStore, 'deselect' | 'deselected'>;
export type NodeMarks = DirtyMarks & SettledMarks & SelectionMarks;

/** @param key the pair's key in the database. */
export function nodeMarks(shared: Shared, key: number): NodeMarks {
  return { ...dirtyMarks(shared, key), ...settledMarks(shared, key), ...selectionMarks(shared, key) };
}

function dirtyMarks({ database, transaction, nextMark }: Shared, key: number): DirtyMarks {
  // A node marked again keeps its place, so a pass over the marks always ends; it is weighed again.
  const mark = database.prepare<[number, NodeId, number]>(
    `WITH m (pair, node, seq) AS (VALUES (?, unhex(?), ?))
     INSERT INTO dirty (pair, seq, node, until_ms, is_file, bytes)
     SELECT m.pair, m.seq, m.node, q.until_ms, ifnull(l.type = 0, 0) OR ifnull(r.type = 0, 0),
       CASE WHEN l.type = 0 AND (s.key IS NULL OR l.content IS NOT s.content)
             AND (r.key IS NULL OR l.content IS NOT r.content) THEN l.size ELSE 0 END
       + CASE WHEN r.type = 0 AND (s.key IS NULL OR r.content IS NOT s.content)
             AND (l.key IS NULL OR r.content IS NOT l.content) THEN r.size ELSE 0 END
     FROM m JOIN pair p ON p.key = m.pair
     LEFT JOIN local_node l ON l.pair = m.pair AND l.id = m.node
     LEFT JOIN synced_node s ON s.pair = m.pair AND s.id = m.node
     LEFT JOIN remote_node r ON r.vault = p.vault AND r.id = m.node
     LEFT JOIN quarantine q ON q.pair = m.pair AND q.node = m.node
     WHERE true
     ON CONFLICT (pair, node) DO UPDATE SET is_file = excluded.is_file, bytes = excluded.bytes
       WHERE is_file <> excluded.is_file OR bytes <> excluded.bytes`,
  );
  const clear = database.prepare<[number, NodeId]>('DELETE FROM dirty WHERE pair = ? AND node = unhex(?)');
  const has = database
    .prepare<[number, NodeId], number>('SELECT 1 FROM dirty WHERE pair = ? AND node = unhex(?)')
    .pluck();
  const read = database.prepare<[number, number, number, number], { seq: number; node: NodeId }>(
    `SELECT seq, ${hexOf('node')} AS node FROM dirty
     WHERE pair = ? AND seq > ? AND (until_ms IS NULL OR until_ms <= ?) ORDER BY seq LIMIT ?`,
  );
  const counts = database.prepare<[number], { count: number; files: number; bytes: number }>(
    'SELECT dirty_count AS count, dirty_files AS files, dirty_bytes AS bytes FROM pair WHERE key = ?',
  );
  const hold = database
    .prepare<[number, NodeId, number], number>(
      `INSERT INTO quarantine (pair, node, until_ms, attempts) VALUES (?, unhex(?), ?, 1)
       ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms, attempts = attempts + 1 RETURNING attempts`,
    )
    .pluck();
  const attempts = database
    .prepare<[number, NodeId], number>('SELECT attempts FROM quarantine WHERE pair = ? AND node = unhex(?)')
    .pluck();
  const forget = database.prepare<[number, NodeId]>(
    'DELETE FROM quarantine WHERE pair = ? AND node = unhex(?)',
  );
  const mirror = database.prepare<[number | null, number, NodeId]>(
    'UPDATE dirty SET until_ms = ? WHERE pair = ? AND node = unhex(?)',
  );
  const until = database
    .prepare<[number, NodeId], number>('SELECT until_ms FROM quarantine WHERE pair = ? AND node = unhex(?)')
    .pluck();
  const mirrorAll = database.prepare<[number, number, number]>(
    'UPDATE dirty SET until_ms = NULL WHERE pair = ? AND until_ms BETWEEN ? AND ?',
  );
  const forgetAll = database.prepare<[number, number, number]>(
    'DELETE FROM quarantine WHERE pair = ? AND until_ms BETWEEN ? AND ?',
  );
  const earliest = database
    .prepare<[number, number], number | null>(
      'SELECT min(until_ms) FROM dirty WHERE pair = ? AND until_ms > ? AND until_ms IS NOT NULL',
    )
    .pluck();
  let lastAskedMs = Number.MIN_SAFE_INTEGER;

  return {
    markDirty: (id) => void mark.run(key, id, nextMark()),
    clearDirty: (id) => void clear.run(key, id),
    isDirty: (id) => has.get(key, id) !== undefined,
    dirty(limit, after, nowMs) {
      lastAskedMs = nowMs;
      const rows = read.all(key, after, nowMs, limit);
      return { ids: rows.map((row) => row.node), cursor: rows.at(-1)?.seq ?? after };
    },
    dirtyCount: () => counts.get(key)?.count ?? 0,
    pending() {
      const row = counts.get(key);
      return { files: row?.files ?? 0, bytes: row?.bytes ?? 0 };
    },
    quarantine: (id, untilMs) =>
      transaction(() => {
        mirror.run(untilMs, key, id);
        return hold.get(key, id, untilMs) ?? 0;
      }),
    attempts: (id) => attempts.get(key, id) ?? 0,
    release(id) {
      transaction(() => {
        mirror.run(null, key, id);
        forget.run(key, id);
      });
    },
    releaseAll(fromMs, toMs) {
      transaction(() => {
        mirrorAll.run(key, fromMs, toMs);
        forgetAll.run(key, fromMs, toMs);
      });
    },
    quarantinedUntil: (id) => until.get(key, id) ?? null,
    nextRelease: () => earliest.get(key, lastAskedMs) ?? null,
  };
}

function settledMarks({ database }: Shared, key: number): SettledMarks {
  type Content = ContentId | null;
  const mark = database.prepare<[number, NodeId, Content, number | null, number | null]>(
    `INSERT INTO unsettled (pair, node, content, mtime_us, ino) VALUES (?, unhex(?), unhex(?), ?, ?)
     ON CONFLICT DO UPDATE SET
       before_content = CASE WHEN content IS excluded.content THEN before_content ELSE content END,
       before_mtime_us = CASE WHEN content IS excluded.content THEN before_mtime_us ELSE mtime_us END,
       content = excluded.content, mtime_us = excluded.mtime_us, ino = excluded.ino`,
  );
  const read = database.prepare<
    [number, number],
    {
      id: NodeId;
      content: ContentId | '';
      mtimeUs: number;
      ino: number | null;
      before: ContentId | '';
      beforeUs: number;
    }
  >(
    `SELECT ${hexOf('node')} AS id, ${hexOf('content')} AS content, mtime_us AS mtimeUs, ino,
       ${hexOf('before_content')} AS before, before_mtime_us AS beforeUs
     FROM unsettled WHERE pair = ? LIMIT ?`,
  );
  const clear = database.prepare<[number, NodeId, Content, number | null, number | null]>(
    `DELETE FROM unsettled
     WHERE pair = ? AND node = unhex(?) AND content IS unhex(?) AND mtime_us IS ? AND ino IS ?`,
  );
  return {
    markUnsettled: (id, put) =>
      void mark.run(key, id, put?.content ?? null, put?.mtimeUs ?? null, put?.ino ?? null),
    unsettled: (limit) =>
      read.all(key, limit).map(({ id, content, mtimeUs, ino, before, beforeUs }) => ({
        id,
        put: content === '' ? null : { content, mtimeUs, ino },
        before: before === '' ? null : { content: before, mtimeUs: beforeUs },
      })),
    clearUnsettled: ({ id, put }) =>
      void clear.run(key, id, put?.content ?? null, put?.mtimeUs ?? null, put?.ino ?? null),
  };
}

function selectionMarks({ database }: Shared, key: number): SelectionMarks {
  const add = database.prepare<[number, NodeId]>(
    'INSERT INTO deselected (pair, node) VALUES (?, unhex(?)) ON CONFLICT DO NOTHING',
  );
  const remove = database.prepare<[number, NodeId]>(
    'DELETE FROM deselected WHERE pair = ? AND node = unhex(?)',
  );
  const read = database
    .prepare<[number], NodeId>(`SELECT ${hexOf('node')} FROM deselected WHERE pair = ?`)
    .pluck();
  return {
    deselect: (id, on) => void (on ? add : remove).run(key, id),
    deselected: () => new Set(read.all(key)),
  };
}
