/**
 * One engine a home. The lock is SQLite's own lock on a file of its own: the operating system lets go of it
 * when the process dies, however it dies, and no process id is ever mistaken for another's.
 */
import Sqlite from 'better-sqlite3';
import { PersonError } from '../../protocol/errors.ts';
import type { Home } from './home.ts';

/** The function returned lets go; keep it, since a lock that is garbage is let go as well. @throws PersonError engine-running */
export function lockEngine(home: Home): () => void {
  const lock = new Sqlite(home.lockPath, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    const hint = 'Use the one that runs, or end it with `coffre stop`.';
    throw new PersonError('engine-running', 'another engine runs on this home already', hint);
  }
  return () => {
    lock.close();
  };
}
