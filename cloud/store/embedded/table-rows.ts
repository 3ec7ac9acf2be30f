/** The tables of a data directory as they are at one moment, and rows as they are put into another one. */
import { setImmediate } from 'node:timers/promises';
import {
  COUNTED_ROWS,
  countVault,
  type PackSums,
  type RecordSums,
  type SummedVault,
} from '../counted-rows.ts';
import {
  keptColumns,
  TABLES,
  type Scope,
  type StoreTables,
  type Table,
  type TableName,
  type TableReader,
  type TableRow,
} from '../tables.ts';
import type { Database, SqlValue } from './database.ts';

/** What is kept in another form, as the rows of `TABLES`. `frame_bytes` is about what a reader of changes gets. */
const SOURCES: Partial<Readonly<Record<TableName, string>>> = {
  vaults: `(SELECT v.*, coalesce((SELECT c.received_ms FROM commits c WHERE c.vault = v.key AND c.seq = v.head_seq),
      v.created_ms) AS head_received_ms FROM vaults v)`,
  commits: `(SELECT c.*, length(c.header) + length(c.signature)
      + coalesce((SELECT length(entries) + length(packs) + length(heads) + length(rejoin)
          FROM commit_lists l WHERE l.vault = c.vault AND l.seq = c.seq), 0)
      + coalesce((SELECT sum(length(opening) + length(wraps)) FROM epochs e WHERE e.vault = c.vault AND e.seq = c.seq), 0)
      + coalesce((SELECT sum(length(object)) FROM records r WHERE r.vault = c.vault AND r.from_seq = c.seq), 0)
      + coalesce((SELECT sum(length(p.index_object)) FROM pack_spans s JOIN packs p ON p.key = s.pack
          WHERE s.vault = c.vault AND s.from_seq = c.seq), 0) AS frame_bytes FROM commits c)`,
  pack_spans:
    '(SELECT p.vault, p.name, s.from_seq, s.to_seq FROM packs p JOIN pack_spans s ON s.pack = p.key)',
  inline_packs: '(SELECT p.vault, p.name, i.bytes FROM packs p JOIN inline_packs i ON i.pack = p.key)',
};

/** How rows of those are put in, where a pack is known by its number. */
const PACK = '(SELECT key FROM packs WHERE vault = ?1 AND name = ?2)';
const INSERTS: Partial<Readonly<Record<TableName, string>>> = {
  pack_spans: `INSERT INTO pack_spans (pack, vault, from_seq, to_seq) VALUES (${PACK}, ?1, ?3, ?4)`,
  inline_packs: `INSERT INTO inline_packs (pack, bytes) VALUES (${PACK}, ?3)`,
};

export function embeddedTables(database: Database): StoreTables {
  return {
    async read(read) {
      const own = database.another();
      try {
        return await own.longSnapshot(() => read(tablesOf(own)));
      } finally {
        own.close();
      }
    },
    faults: () => Promise.resolve(database.integrityFaults()),
  };
}

function tablesOf(database: Database): TableReader {
  return {
    async *rows<Row extends object>(name: TableName, scope?: Scope) {
      const { columns, order }: Table = TABLES[name];
      const [column, value] = Object.entries(scope ?? {})[0] ?? [null, null];
      const where = column === null ? '' : `WHERE ${column} = ?`;
      const flags = Object.keys(columns).filter((one) => columns[one] === 'flag');
      const rows = database.iterate<Record<string, SqlValue | boolean>>(
        `SELECT ${Object.keys(columns).join(', ')} FROM ${SOURCES[name] ?? name} ${where} ORDER BY ${order.join(', ')}`,
        ...(column === null ? [] : [value as SqlValue]),
      );
      for (const row of rows) {
        for (const flag of flags) row[flag] = row[flag] !== 0;
        yield row as Row;
      }
    },
    counted: (vault) => countVault(sumsOf(database, vault)),
  };
}

/** Between two pages others have their turn. */
function sumsOf(database: Database, vault: number): SummedVault {
  return {
    async records(node, revision) {
      await setImmediate();
      const row = database.get<RecordSums>(
        `WITH page AS (
           SELECT node, revision, to_seq, length(object) AS bytes FROM records
           WHERE vault = ?1 AND (node, revision) > (?2, ?3) ORDER BY node, revision LIMIT ?4
         ), last AS (SELECT node, revision FROM page ORDER BY node DESC, revision DESC LIMIT 1)
         SELECT count(*) AS rows, coalesce(sum(bytes) FILTER (WHERE to_seq IS NULL), 0) AS live,
           coalesce(sum(bytes) FILTER (WHERE to_seq IS NOT NULL), 0) AS retained,
           (SELECT node FROM last) AS last_node, (SELECT revision FROM last) AS last_revision FROM page`,
        vault,
        node,
        revision,
        COUNTED_ROWS,
      );
      if (row === null) throw new Error('an aggregate has a row');
      return row;
    },
    async packs(name) {
      await setImmediate();
      return database.all<PackSums>(
        `WITH page AS (
           SELECT name, state, size, length(index_object) AS index_bytes FROM packs
           WHERE vault = ?1 AND name > ?2 ORDER BY name LIMIT ?3
         )
         SELECT state, count(*) AS rows, sum(size) AS bytes, coalesce(sum(index_bytes), 0) AS index_bytes,
           (SELECT max(name) FROM page) AS last_name FROM page GROUP BY state`,
        vault,
        name,
        COUNTED_ROWS,
      );
    },
    uploads() {
      const row = database.get<{ bytes: number }>(
        'SELECT coalesce(sum(size), 0) AS bytes FROM uploads WHERE vault = ?',
        vault,
      );
      return Promise.resolve(row?.bytes ?? 0);
    },
  };
}

/** Puts rows in, whose keys are new. Inside a write. */
export function insertRows(database: Database, name: TableName, rows: readonly TableRow[]): void {
  const columns = keptColumns(name);
  const places = columns.map(() => '?').join(', ');
  const sql = INSERTS[name] ?? `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${places})`;
  for (const row of rows) {
    database.run(
      sql,
      ...columns.map((column) => {
        const value = row[column] ?? null;
        return typeof value === 'boolean' ? Number(value) : value;
      }),
    );
  }
}
