import { StoreDamaged } from '../store-errors.ts';
import type { Sql } from './sql.ts';
import { SCHEMA_VERSIONS } from './schema.ts';

/** Of the advisory lock under which one node at a time brings the schema up to date: "coffre" in ASCII. */
const LOCK = 0x636f66667265;

/**
 * Brings the schema up to date, inside the caller's transaction. Nodes of an older program may run on meanwhile: a
 * version only adds to the one before.
 * @throws StoreDamaged when a newer program has been here
 */
export async function migrate(sql: Sql): Promise<void> {
  await sql.run('SET LOCAL statement_timeout = 0');
  await sql.run('SET LOCAL lock_timeout = 0');
  await sql.get('SELECT pg_advisory_xact_lock($1)', LOCK);
  await sql.run(
    `CREATE TABLE IF NOT EXISTS schema_versions (
       version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  );
  const found = await sql.get<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM schema_versions',
  );
  const version = found?.version ?? 0;
  if (version > SCHEMA_VERSIONS.length) {
    throw new StoreDamaged(
      `the database was written by a newer coffre-cloud (schema ${version}): run that version`,
    );
  }
  for (const [index, text] of SCHEMA_VERSIONS.entries()) {
    if (index < version) continue;
    for (const statement of text.split(/;\s*$/m)) if (statement.trim() !== '') await sql.run(statement);
    await sql.run('INSERT INTO schema_versions (version) VALUES ($1)', index + 1);
  }
}
