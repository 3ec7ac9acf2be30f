import { keptColumns, TABLES, type TableName, type TableReader, type TableRow } from '../store/tables.ts';

/** Differences named of one table: more tell nothing more. */
const NAMED = 5;

export interface Comparison {
  readonly rows: number;
  /** One line each, at most some. */
  readonly differences: readonly string[];
}

/** Holds each row of a table against that of another store. */
export async function compareTable(
  name: TableName,
  one: TableReader,
  other: TableReader,
): Promise<Comparison> {
  const columns = keptColumns(name);
  const differences: string[] = [];
  const others = other.rows<TableRow>(name)[Symbol.asyncIterator]();
  let rows = 0;
  for await (const row of one.rows<TableRow>(name)) {
    rows += 1;
    const next = await others.next();
    const same =
      next.done !== true &&
      columns.every((column) => isSame(row[column] ?? null, next.value[column] ?? null));
    if (!same && differences.length < NAMED) differences.push(`${name}: ${keyOf(name, row)} differs`);
  }
  let more = 0;
  for (let next = await others.next(); next.done !== true; next = await others.next()) more += 1;
  if (more > 0) differences.push(`${name}: ${more} rows more`);
  return { rows, differences };
}

function isSame(a: TableRow[string] | null, b: TableRow[string] | null): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b;
}

/** Ids and numbers, nothing that is secret. */
function keyOf(name: TableName, row: TableRow): string {
  return TABLES[name].order
    .map((column) => {
      const value = row[column];
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex').slice(0, 16) : String(value);
    })
    .join(' ');
}
