/** What the commands beside `serve` work on: the data of a server, whether one runs on it or not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../protocol/errors.ts';
import { RETENTION_MS, UNCOMMITTED_MS } from '../../protocol/limits.ts';
import type { StorageConfig } from '../config.ts';
import { StartError } from '../data-dir.ts';
import { refuseMoved } from '../moving/source-mark.ts';
import type { BlobStore } from '../store/blob-store.ts';
import { DATABASE_FILE, openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { openBlobs, openBucket } from '../store/open-blobs.ts';
import type { Database as PostgresDatabase } from '../store/postgres/database.ts';
import type { DatabaseConfig } from '../store/postgres/database-config.ts';
import { databaseConfig } from './database-options.ts';
import { CommandError } from './output.ts';
import { s3Config, type S3Options } from './s3-options.ts';
import type { StorageOptions } from './storage-options.ts';

export interface StoreOptions extends StorageOptions {
  readonly json?: boolean;
}

type EmbeddedStore = Awaited<ReturnType<typeof openEmbeddedStore>>;
type PostgresStore = MetadataStore & { readonly database: PostgresDatabase };

/** The accounts of a server, wherever it keeps them, for one command. */
export async function withStore<T>(
  options: StoreOptions,
  work: (store: MetadataStore) => Promise<T>,
): Promise<T> {
  const database = databaseConfig(options);
  const { data } = options;
  if (data !== undefined && database === null) {
    await refuseMoved(data);
    return withEmbedded(data, work);
  }
  if (data === undefined && database !== null) return withDatabase(database, work);
  const message = 'it takes one place where a server keeps its accounts';
  throw new CommandError(EXIT.usage, 'bad-input', message, 'give --data DIR or --database-url');
}

/** Opens the store of an existing data directory for one command. */
async function withEmbedded<T>(dataDir: string, work: (store: EmbeddedStore) => Promise<T>): Promise<T> {
  expectData(dataDir);
  const store = await openEmbeddedStore({
    dataDir,
    defaultQuotaBytes: null,
    exclusive: false,
    retentionMs: RETENTION_MS,
    uncommittedMs: UNCOMMITTED_MS,
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** @throws CommandError where no server ever kept anything */
export function expectData(dataDir: string): void {
  if (existsSync(join(dataDir, DATABASE_FILE))) return;
  const message = `there is no server's data in ${dataDir}`;
  throw new CommandError(EXIT.usage, 'bad-input', message, 'give the directory the server runs with');
}

async function withDatabase<T>(
  database: DatabaseConfig,
  work: (store: PostgresStore) => Promise<T>,
): Promise<T> {
  const { openPostgresStore } = await import('../store/postgres/postgres-store.ts');
  const { refuseIncoming } = await import('../store/postgres/incoming.ts');
  const store = await openPostgresStore({
    url: database.url,
    maxConnections: 3,
    defaultQuotaBytes: null,
    retentionMs: RETENTION_MS,
    uncommittedMs: UNCOMMITTED_MS,
    statsAgeMs: 0,
  });
  try {
    await refuseIncoming(store.database);
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The blobs of a data directory, for one command. */
export async function withBlobs<T>(
  { data, ...options }: S3Options & { readonly data: string },
  work: (blobs: BlobStore) => Promise<T>,
): Promise<T> {
  const blobs = await openBlobs({ dataDir: data, s3: s3Config(options) }, false);
  try {
    return await work(blobs);
  } finally {
    await blobs.close();
  }
}

/** Everything of a server. */
export interface Everything {
  readonly blobs: BlobStore;
  readonly opened:
    | { readonly kind: 'embedded'; readonly dataDir: string; readonly store: EmbeddedStore }
    | { readonly kind: 'scaled'; readonly store: PostgresStore };
}

/** Metadata and packs of a server, wherever it keeps them. One that moved away may be looked at. */
export async function withEverything<T>(
  storage: StorageConfig,
  work: (everything: Everything) => Promise<T>,
): Promise<T> {
  if (storage.kind === 'embedded') {
    const { dataDir } = storage;
    return withEmbedded(dataDir, async (store) => {
      const blobs = await openBlobs(storage, false);
      try {
        return await work({ blobs, opened: { kind: 'embedded', dataDir, store } });
      } finally {
        await blobs.close();
      }
    });
  }
  return withDatabase(storage.database, async (store) => {
    const { knownPlace } = await import('../store/postgres/shared-settings.ts');
    const place = await knownPlace(store.database);
    if (place === null)
      throw new StartError('no server has run on this database yet: there is nothing in it');
    const { bucket, prefix } = storage.s3;
    if (place.bucket !== bucket || place.prefix !== prefix) {
      throw new StartError(
        `the packs of this database are in the bucket ${place.bucket} under "${place.prefix}", and --s3-bucket and --s3-prefix say otherwise: correct them`,
      );
    }
    const blobs = await openBucket(storage.s3, false);
    try {
      return await work({ blobs, opened: { kind: 'scaled', store } });
    } finally {
      await blobs.close();
    }
  });
}
