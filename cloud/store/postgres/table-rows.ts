/** The tables of a database as they are at one moment, and rows as they are put into another one. */
import {
  COUNTED_ROWS,
  countVault,
  type PackSums,
  type RecordSums,
  type SummedVault,
} from '../counted-rows.ts';
import {
  TABLES,
  type Scope,
  type StoreTables,
  type Table,
  type TableName,
  type TableReader,
  type TableRow,
} from '../tables.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/** Rows fetched at once. */
const ROWS = 500;
const LARGE_ROWS = 8;

const TYPES = { bytes: 'bytea', number: 'bigint', text: 'text', flag: 'boolean' } as const;

/** Tables whose next number the database makes. */
const NUMBERED: readonly (readonly [TableName, string])[] = [
  ['sessions', 'session'],
  ['vaults', 'key'],
  ['uploads', 'upload'],
  ['legacy_imports', 'import'],
  ['audit_entries', 'entry'],
];

export function postgresTables(database: Database): StoreTables {
  return {
    read: (read) =>
      database.snapshot(async (sql) => {
        // Rows come by the index whose order they have: to sort all first would take as long as all of them.
        for (const setting of ['enable_sort = off', 'cursor_tuple_fraction = 1', 'jit = off'])
          await sql.run(`SET LOCAL ${setting}`);
        return read(tablesOf(sql));
      }),
    faults: () => Promise.resolve([]),
  };
}

function tablesOf(sql: Sql): TableReader {
  return {
    async *rows<Row extends object>(name: TableName, scope?: Scope) {
      const { columns, order, large }: Table = TABLES[name];
      const [column, value] = Object.entries(scope ?? {})[0] ?? [null, null];
      const where = column === null ? '' : `WHERE ${column} = $1`;
      const cursor = `rows_of_${name}`;
      await sql.run(
        `DECLARE ${cursor} NO SCROLL CURSOR FOR
         SELECT ${Object.keys(columns).join(', ')} FROM ${name} ${where} ORDER BY ${order.join(', ')}`,
        ...(column === null ? [] : [value as number | Uint8Array]),
      );
      for (;;) {
        const rows = await sql.all<Row>(`FETCH ${large === true ? LARGE_ROWS : ROWS} FROM ${cursor}`);
        if (rows.length === 0) break;
        yield* rows;
      }
      await sql.run(`CLOSE ${cursor}`);
    },
    counted: (vault) => countVault(sumsOf(sql, vault)),
  };
}

function sumsOf(sql: Sql, vault: number): SummedVault {
  return {
    async records(node, revision) {
      const row = await sql.get<RecordSums>(
        `WITH page AS (
           SELECT node, revision, to_seq, octet_length(object) AS bytes FROM records
           WHERE vault = $1 AND (node, revision) > ($2, $3) ORDER BY node, revision LIMIT $4
         ), last AS (SELECT node, revision FROM page ORDER BY node DESC, revision DESC LIMIT 1)
         SELECT count(*) AS rows, coalesce(sum(bytes) FILTER (WHERE to_seq IS NULL), 0)::bigint AS live,
           coalesce(sum(bytes) FILTER (WHERE to_seq IS NOT NULL), 0)::bigint AS retained,
           (SELECT node FROM last) AS last_node, (SELECT revision FROM last) AS last_revision FROM page`,
        vault,
        node,
        revision,
        COUNTED_ROWS,
      );
      if (row === null) throw new Error('an aggregate has a row');
      return row;
    },
    packs: (name) =>
      sql.all<PackSums>(
        `WITH page AS (
           SELECT name, state, size, octet_length(index_object) AS index_bytes FROM packs
           WHERE vault = $1 AND name > $2 ORDER BY name LIMIT $3
         )
         SELECT state, count(*) AS rows, sum(size)::bigint AS bytes,
           coalesce(sum(index_bytes), 0)::bigint AS index_bytes,
           (SELECT name FROM page ORDER BY name DESC LIMIT 1) AS last_name FROM page GROUP BY state`,
        vault,
        name,
        COUNTED_ROWS,
      ),
    async uploads() {
      const row = await sql.get<{ bytes: number }>(
        'SELECT coalesce(sum(size), 0)::bigint AS bytes FROM uploads WHERE vault = $1',
        vault,
      );
      return row?.bytes ?? 0;
    },
  };
}

/** Puts rows in, whose keys are new. */
export async function insertRows(sql: Sql, name: TableName, rows: readonly TableRow[]): Promise<void> {
  const columns = Object.entries(TABLES[name].columns);
  const names = columns.map(([column]) => column);
  const types = columns.map(([, type], index) => `$${index + 1}::${TYPES[type]}[]`);
  await sql.run(
    `INSERT INTO ${name} (${names.join(', ')}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${types.join(', ')})`,
    ...names.map((column) => rows.map((row) => row[column] ?? null)),
  );
}

/** The numbers that come next are none of those that rows put in have. */
export async function numberOn(sql: Sql): Promise<void> {
  for (const [table, column] of NUMBERED) {
    await sql.run(
      `SELECT setval(pg_get_serial_sequence('${table}', '${column}'), max(${column})) FROM ${table} HAVING max(${column}) > 0`,
    );
  }
}
