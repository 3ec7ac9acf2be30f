/**
 * One server a data directory. The lock is SQLite's own lock on a file of its own: the operating system lets
 * go of it when the process dies, however it dies.
 */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Null when another process holds the directory. The function returned lets go of it. */
export function lockDataDir(dataDir: string): (() => void) | null {
  const lock = new Sqlite(join(dataDir, 'server.lock'), { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
  return () => {
    lock.close();
  };
}
