/** What every node on one database must have the same of. */
import { newOpaqueSetup } from '../../accounts/opaque-server.ts';
import { StoreDamaged } from '../store-errors.ts';
import type { Database } from './database.ts';
import { readSetting } from './settings.ts';
import type { Sql } from './sql.ts';

const OPAQUE_SETUP = 'opaque-setup';
const PLACE = 'packs-in-s3';

/** The first one to write it wins; the value that is kept. */
async function keepFirst(sql: Sql, name: string, value: string): Promise<string> {
  await sql.run('INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', name, value);
  return (await readSetting(sql, name)) ?? value;
}

/** Made once; without it no password opens its account again. @throws StoreDamaged */
export async function keptOpaqueSetup(database: Database): Promise<string> {
  const known = await readSetting(database, OPAQUE_SETUP);
  if (known !== null) return known;
  if ((await database.get('SELECT 1 FROM accounts LIMIT 1')) !== null) {
    throw new StoreDamaged(
      `the database has accounts but its setting ${OPAQUE_SETUP} is missing: restore that row from a backup, or no password will work`,
    );
  }
  return keepFirst(database, OPAQUE_SETUP, await newOpaqueSetup());
}

export interface BucketPlace {
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix: string;
}

/** Where the packs are, from the first start on: with another bucket every pack would look lost. */
export async function keptPlace(database: Database, place: BucketPlace): Promise<BucketPlace> {
  return JSON.parse(await keepFirst(database, PLACE, JSON.stringify(place))) as BucketPlace;
}
