import { inBatches, TABLE_NAMES, type StoreTables } from '../tables.ts';
import { Database } from './database.ts';
import { keepDefaultQuota } from './settings.ts';
import { insertRows } from './table-rows.ts';

/**
 * Writes everything another store has, as of one moment, into a new file.
 * @param stillAtIt called between batches
 */
export async function importTables(
  file: string,
  from: StoreTables,
  defaultQuotaBytes: string | null,
  stillAtIt: () => Promise<void>,
): Promise<void> {
  const database = new Database(file);
  try {
    await database.write(() => {
      if (defaultQuotaBytes !== null) keepDefaultQuota(database, defaultQuotaBytes);
    });
    await from.read(async (tables) => {
      for (const name of TABLE_NAMES) {
        for await (const batch of inBatches(tables.rows(name))) {
          await database.write(() => {
            insertRows(database, name, batch);
          });
          await stillAtIt();
        }
      }
    });
  } finally {
    database.close();
  }
}
