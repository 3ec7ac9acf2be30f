/** The store on PostgreSQL: any number of nodes share one database. */
import type { MetadataStore } from '../metadata-store.ts';
import { postgresAccounts } from './accounts.ts';
import { postgresAudit } from './audit.ts';
import { Database } from './database.ts';
import type { DatabaseConfig } from './database-config.ts';
import { postgresLegacy } from './legacy.ts';
import { postgresLog } from './log-read.ts';
import { postgresPacks } from './packs.ts';
import { postgresRates } from './rates.ts';
import { postgresSessions } from './sessions.ts';
import { postgresTables } from './table-rows.ts';
import { postgresUpkeep, type UpkeepOptions } from './upkeep.ts';
import { keptQuota } from './settings.ts';

export interface PostgresOptions extends DatabaseConfig, UpkeepOptions {
  /** For accounts without a quota of their own; null takes the one a server last ran with. */
  readonly defaultQuotaBytes: number | null;
}

/** @throws StoreDamaged, StoreUnavailable */
export async function openPostgresStore(
  options: PostgresOptions,
): Promise<MetadataStore & { readonly database: Database }> {
  const database = await Database.open(options);
  try {
    const quota = await keptQuota(database, options.defaultQuotaBytes);
    return {
      database,
      accounts: postgresAccounts(database, quota),
      sessions: postgresSessions(database),
      log: postgresLog(database, quota, options.retentionMs),
      packs: postgresPacks(database, quota, options.retentionMs),
      legacy: postgresLegacy(database),
      audit: postgresAudit(database),
      upkeep: postgresUpkeep(database, options),
      rates: postgresRates(database),
      reachable: () => database.reachable(),
      tables: postgresTables(database),
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
