import type { Database } from './database.ts';

const DEFAULT_QUOTA = 'default-quota-bytes';

export function readSetting(database: Database, name: string): string | null {
  return database.get<{ value: string }>('SELECT value FROM settings WHERE name = ?', name)?.value ?? null;
}

/** Inside a write. */
export function writeSetting(database: Database, name: string, value: string): void {
  database.run(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    value,
  );
}

/** The quota of accounts without one of their own, as the server last ran; null before its first start. */
export function keptDefaultQuota(database: Database): string | null {
  return readSetting(database, DEFAULT_QUOTA);
}

/** Inside a write. */
export function keepDefaultQuota(database: Database, bytes: string): void {
  writeSetting(database, DEFAULT_QUOTA, bytes);
}
