/** What to do with a manifest that cannot be read: say so by type, and put it aside without deleting it. */
import { existsSync, renameSync } from 'node:fs';
import Sqlite from 'better-sqlite3';

/** The file is not a readable manifest. Everything in it can be had again from the disk and the cloud. */
export class ManifestDamagedError extends Error {
  override readonly name = 'ManifestDamagedError';
}

const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|FORMAT|IOERR_SHORT_READ|IOERR_CORRUPTFS)/;

/** The damage behind an error thrown by any call of a manifest, or null when it is something else. */
export function damageOf(error: unknown): ManifestDamagedError | null {
  if (error instanceof ManifestDamagedError) return error;
  if (!(error instanceof Sqlite.SqliteError) || !DAMAGE.test(error.code)) return null;
  return new ManifestDamagedError('the manifest is damaged', { cause: error });
}

/**
 * Renames a closed manifest and its write-ahead log to the first free `<path>.damaged-N`, N from 1.
 * @returns the new path.
 */
export function setAsideDamaged(path: string): string {
  let count = 1;
  while (existsSync(`${path}.damaged-${count}`) || existsSync(`${path}.damaged-${count}-wal`)) count += 1;
  const aside = `${path}.damaged-${count}`;
  // The log first: should this stop half-way, no log is left beside a database it does not belong to.
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  return aside;
}
