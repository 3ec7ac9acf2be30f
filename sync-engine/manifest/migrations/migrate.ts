/** Brings a manifest to the newest version. `user_version` counts the steps that were applied. */
import type { Database } from 'better-sqlite3';
import { PersonError } from '../../../protocol/errors.ts';
import { TABLES } from './0001-tables.ts';
import { COUNTERS } from './0002-counters.ts';
import { LOG } from './0003-log.ts';
import { COMMIT_NODES } from './0004-commit-nodes.ts';
import { UNSETTLED_CONTENT } from './0005-unsettled-content.ts';

/** Step N leads to version N + 1. Steps that shipped are never edited. */
export const MIGRATIONS: readonly string[] = [TABLES, COUNTERS, LOG, COMMIT_NODES, UNSETTLED_CONTENT];

/** "Cofr": tells a manifest from any other SQLite file. */
export const APPLICATION_ID = 0x436f6672;

/**
 * Applies what is missing, all of it or nothing.
 * @throws PersonError home-damaged when a newer Coffre wrote the file.
 */
export function migrate(database: Database): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new PersonError(
      'home-damaged',
      `the manifest has version ${version}, and this Coffre knows ${MIGRATIONS.length}`,
      'Update Coffre on this device.',
    );
  }
  if (version === MIGRATIONS.length) return;
  database
    .transaction(() => {
      for (const step of MIGRATIONS.slice(version)) database.exec(step);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${MIGRATIONS.length}`);
    })
    .immediate();
}
