/** What every node on one database must have the same of. */
import { newOpaqueSetup } from '../../accounts/opaque-server.ts';
import { StoreDamaged } from '../store-errors.ts';
import type { Database } from './database.ts';
import { DEFAULT_QUOTA, readSetting } from './settings.ts';
import type { Sql } from './sql.ts';

const OPAQUE_SETUP = 'opaque-setup';
const PLACE = 'packs-in-s3';

/** What a move or a restore brings along. */
export function settingsOf(shared: {
  readonly opaqueSetup: string;
  readonly place: BucketPlace;
  readonly defaultQuotaBytes: string | null;
}): Readonly<Record<string, string>> {
  const { opaqueSetup, place, defaultQuotaBytes } = shared;
  return {
    [OPAQUE_SETUP]: opaqueSetup,
    [PLACE]: JSON.stringify(place),
    ...(defaultQuotaBytes === null ? {} : { [DEFAULT_QUOTA]: defaultQuotaBytes }),
  };
}

/** The first one to write it wins; the value that is kept. */
async function keepFirst(sql: Sql, name: string, value: string): Promise<string> {
  await sql.run('INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', name, value);
  return (await readSetting(sql, name)) ?? value;
}

/** Null before the first start. */
export async function knownOpaqueSetup(sql: Sql): Promise<string | null> {
  return readSetting(sql, OPAQUE_SETUP);
}

/** Null before the first start. */
export async function knownDefaultQuota(sql: Sql): Promise<string | null> {
  return readSetting(sql, DEFAULT_QUOTA);
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

/** Null before the first start. */
export async function knownPlace(sql: Sql): Promise<BucketPlace | null> {
  const text = await readSetting(sql, PLACE);
  return text === null ? null : (JSON.parse(text) as BucketPlace);
}
