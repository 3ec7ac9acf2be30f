/** Opening a manifest: a file that only this process opens, a database in memory, or bytes of one. */
import { statSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { PersonError } from '../../protocol/errors.ts';
import { damageOf, ManifestDamagedError } from './damage.ts';
import { APPLICATION_ID, migrate } from './migrations/migrate.ts';
import { sqliteManifest, type SqliteManifest } from './sqlite-manifest.ts';

export interface ManifestOptions {
  /**
   * `normal` (the default) loses no more than the last transactions on a power cut, and never consistency.
   * `off` is for tests and simulations.
   */
  readonly synchronous?: 'normal' | 'off';
}

/** SQLite's page cache. Memory that stays with the engine. */
const CACHE_KIB = 8 * 1024;
/** Up to this size the whole file is checked at every opening (about a millisecond a MiB). */
const ALWAYS_CHECKED_BYTES = 32 * 1024 * 1024;
/** The log is copied into the database when it has so many pages of 4 KiB. */
const WAL_PAGES = 2_000;
const BUSY_MS = 500;

/**
 * Opens the manifest at a path, or a new one in memory (`:memory:`). The folder must exist.
 * @throws ManifestDamagedError when the file is not a readable manifest (see `setAsideDamaged`).
 * @throws PersonError engine-running when another process has it open; home-damaged when a newer Coffre wrote it.
 */
export function openManifest(path: string, options: ManifestOptions = {}): SqliteManifest {
  const unclean = size(`${path}-wal`) > 0;
  return open(() => new Sqlite(path, { timeout: BUSY_MS }), {
    synchronous: options.synchronous ?? 'normal',
    checked: unclean || size(path) <= ALWAYS_CHECKED_BYTES,
  });
}

/**
 * Opens a copy, in memory, of what `serialize` returned.
 * @throws as openManifest does.
 */
export function openManifestFrom(bytes: Uint8Array): SqliteManifest {
  return open(() => new Sqlite(Buffer.from(bytes)), { synchronous: 'off', checked: true });
}

function size(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function open(
  connect: () => Database,
  options: { synchronous: 'normal' | 'off'; checked: boolean },
): SqliteManifest {
  let database: Database | null = null;
  try {
    database = connect();
    // One process owns the file: reads then take no locks, and the log needs no shared memory.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${options.synchronous}`);
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
    database.pragma(`journal_size_limit = ${WAL_PAGES * 4096}`);
    database.pragma('mmap_size = 0');
    database.pragma('foreign_keys = OFF');
    // A statement that fires a trigger notes the pages it changes, to undo itself: in a file that costs 3 us more.
    database.pragma('temp_store = MEMORY');
    check(database, options.checked);
    migrate(database);
    return sqliteManifest(database);
  } catch (error) {
    database?.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new PersonError(
        'engine-running',
        'another process has the manifest of this device open',
        'Stop the other engine, or use another COFFRE_HOME.',
        { cause: error },
      );
    }
    throw damageOf(error) ?? error;
  }
}

function check(database: Database, whole: boolean): void {
  const applicationId = database.pragma('application_id', { simple: true });
  const tables = database.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (applicationId !== APPLICATION_ID && tables !== 0) {
    throw new ManifestDamagedError('the file is not a manifest');
  }
  if (whole && database.pragma('quick_check(1)', { simple: true }) !== 'ok') {
    throw new ManifestDamagedError('the manifest is damaged');
  }
}
