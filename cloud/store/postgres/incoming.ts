/**
 * A database that a server is being moved into. Until everything is there and was compared it has a mark, and nobody
 * serves it. Rows come in batches, each in a transaction that also notes how far it has come.
 */
import type { NewAuditEntry } from '../../audit/entry.ts';
import { StartError } from '../../data-dir.ts';
import { inBatches, TABLE_NAMES, type TableName, type TableReader, type TableRow } from '../tables.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';
import { readSetting, writeSetting } from './settings.ts';
import type { Sql } from './sql.ts';
import { insertRows, numberOn } from './table-rows.ts';

const COMING = 'moving-in';
const CAME = 'moved-in';
/** Of the advisory lock under which one move at a time begins: "moving" in ASCII. */
const LOCK = 0x6d6f76696e67;

/** How many rows of which table are there; those of the tables before it all are. */
interface Progress {
  readonly id: string;
  readonly table: number;
  readonly rows: number;
}

/** @throws StartError where a move into it has not ended */
export async function refuseIncoming(database: Sql): Promise<void> {
  if ((await readSetting(database, COMING)) === null) return;
  throw new StartError(
    'a server is being moved into this database, and not all of it is there: run the same coffre-cloud migrate or restore again to finish that, or use another database',
  );
}

/**
 * Marks a database that has nothing as the target of a move, or finds that move's own mark.
 * @param settings what every node must have the same of
 * @returns `came` when that move has ended
 * @throws StartError where anything else is there
 */
export async function beginIncoming(
  database: Database,
  id: string,
  settings: Readonly<Record<string, string>>,
): Promise<'coming' | 'came'> {
  return database.write(async (sql) => {
    await sql.get('SELECT pg_advisory_xact_lock($1)', LOCK);
    const came = await readSetting(sql, CAME);
    if (came === id) return 'came';
    const progress = await readProgress(sql);
    if (progress?.id === id) return 'coming';
    if (progress !== null) {
      throw new StartError(
        'the database has a part of another move in it: finish that one, or drop this database and make it again',
      );
    }
    await refuseFull(sql);
    await refuseNodes(sql);
    for (const [name, value] of Object.entries(settings)) await writeSetting(sql, name, value);
    await writeProgress(sql, { id, table: 0, rows: 0 });
    return 'coming';
  });
}

async function refuseFull(sql: Sql): Promise<void> {
  for (const table of TABLE_NAMES) {
    if ((await sql.get(`SELECT 1 FROM ${table} LIMIT 1`)) === null) continue;
    throw new StartError(
      `the database is not empty (it has ${table}): give an empty one, so that nothing in it is lost`,
    );
  }
}

async function refuseNodes(sql: Sql): Promise<void> {
  const other = await sql.get(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND application_name = 'coffre-cloud' LIMIT 1`,
  );
  if (other !== null)
    throw new StartError('a coffre-cloud runs on this database: stop it, and start it again afterwards');
}

/** Brings every table in, from where it stopped. */
export async function bringTables(
  database: Database,
  id: string,
  from: TableReader,
  brought: (table: TableName, rows: number) => void,
): Promise<void> {
  const progress = await readProgress(database);
  if (progress?.id !== id) throw new Error('the mark of this move is gone');
  for (const [table, name] of TABLE_NAMES.entries()) {
    if (table < progress.table) continue;
    let rows = table === progress.table ? progress.rows : 0;
    for await (const batch of inBatches(skipping(from.rows<TableRow>(name), rows))) {
      const upTo = rows + batch.length;
      await database.write(async (sql) => {
        await insertRows(sql, name, batch);
        await writeProgress(sql, { id, table, rows: upTo });
      });
      rows = upTo;
      brought(name, rows);
    }
  }
}

/** Everything is there and was compared: it may be served from now on. */
export async function endIncoming(database: Database, id: string, audit: NewAuditEntry): Promise<void> {
  for (const table of TABLE_NAMES) await database.run(`ANALYZE ${table}`);
  await database.write(async (sql) => {
    await numberOn(sql);
    await recordEntry(sql, audit);
    await writeSetting(sql, CAME, id);
    await sql.run('DELETE FROM settings WHERE name = $1', COMING);
  });
}

async function readProgress(sql: Sql): Promise<Progress | null> {
  const text = await readSetting(sql, COMING);
  return text === null ? null : (JSON.parse(text) as Progress);
}

async function writeProgress(sql: Sql, progress: Progress): Promise<void> {
  await writeSetting(sql, COMING, JSON.stringify(progress));
}

async function* skipping<T>(rows: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let left = count;
  for await (const row of rows) {
    if (left > 0) left -= 1;
    else yield row;
  }
}
