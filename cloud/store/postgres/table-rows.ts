/** The tables of a database as they are at one moment, and rows as they are put into another one. */
import {
  TABLES,
  type Scope,
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
];

/** All that is read within sees one moment. It takes its time: of each statement only the next rows are waited for. */
export function readTables<T>(database: Database, read: (tables: TableReader) => Promise<T>): Promise<T> {
  return database.snapshot(async (sql) => {
    // Rows come by the index whose order they have, however many they are: the first ones are wanted soon.
    await sql.run('SET LOCAL cursor_tuple_fraction = 0.0001');
    return read(tablesOf(sql));
  });
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
