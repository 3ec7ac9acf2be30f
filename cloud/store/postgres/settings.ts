import type { Sql } from './sql.ts';

export async function readSetting(sql: Sql, name: string): Promise<string | null> {
  const row = await sql.get<{ value: string }>('SELECT value FROM settings WHERE name = $1', name);
  return row?.value ?? null;
}

export async function writeSetting(sql: Sql, name: string, value: string): Promise<void> {
  await sql.run(
    `INSERT INTO settings (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value`,
    name,
    value,
  );
}

export const DEFAULT_QUOTA = 'default-quota-bytes';

/** The quota of accounts without one of their own: kept when it is given, so that commands beside know it. */
export async function keptQuota(sql: Sql, given: number | null): Promise<number> {
  if (given === null) return Number((await readSetting(sql, DEFAULT_QUOTA)) ?? 0);
  await writeSetting(sql, DEFAULT_QUOTA, String(given));
  return given;
}
