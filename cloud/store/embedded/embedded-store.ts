/** The embedded store: one SQLite file. Opened exclusively by the server, shared by the commands beside it. */
import { join } from 'node:path';
import type { MetadataStore } from '../metadata-store.ts';
import { embeddedAccounts } from './accounts.ts';
import { embeddedAudit } from './audit.ts';
import { Database } from './database.ts';
import { embeddedLegacy } from './legacy.ts';
import { embeddedLog } from './log-read.ts';
import { embeddedPacks } from './packs.ts';
import { embeddedSessions } from './sessions.ts';
import { keepDefaultQuota, keptDefaultQuota } from './settings.ts';
import { embeddedTables } from './table-rows.ts';
import { embeddedUpkeep, releaseUploads, type Retention } from './upkeep.ts';

export const DATABASE_FILE = 'cloud.sqlite';

export interface EmbeddedOptions extends Retention {
  readonly dataDir: string;
  /** Another name than the usual one, of a copy that is being made. */
  readonly databaseFile?: string;
  /** For accounts without a quota of their own; null takes the one the server last ran with. */
  readonly defaultQuotaBytes: number | null;
  /** The caller holds the data directory: what an unclean stop left behind may be tidied. */
  readonly exclusive: boolean;
}

/** @throws StoreDamaged, StoreUnavailable */
export async function openEmbeddedStore(
  options: EmbeddedOptions,
): Promise<MetadataStore & { database: Database }> {
  return embeddedStoreOver(
    new Database(join(options.dataDir, options.databaseFile ?? DATABASE_FILE)),
    options,
  );
}

/** The same over a database that is open. */
export async function embeddedStoreOver(
  database: Database,
  options: Omit<EmbeddedOptions, 'dataDir' | 'databaseFile'>,
): Promise<MetadataStore & { database: Database }> {
  if (options.exclusive) {
    await database.write(() => {
      releaseUploads(database, Number.MAX_SAFE_INTEGER);
      if (options.defaultQuotaBytes === null) return;
      keepDefaultQuota(database, String(options.defaultQuotaBytes));
    });
  }
  const quota = options.defaultQuotaBytes ?? Number(keptDefaultQuota(database) ?? 0);
  return {
    database,
    accounts: embeddedAccounts(database, quota),
    sessions: embeddedSessions(database),
    log: embeddedLog(database, quota, options.retentionMs),
    packs: embeddedPacks(database, quota, options.retentionMs),
    legacy: embeddedLegacy(database),
    audit: embeddedAudit(database),
    upkeep: embeddedUpkeep(database, options),
    rates: null,
    async reachable() {
      database.get('SELECT 1 FROM settings LIMIT 1');
    },
    tables: embeddedTables(database),
    async close() {
      database.close();
    },
  };
}
