/** Opens what a server keeps everything in, as configured: the one place that tells the kinds apart. */
import { opaqueServer, type OpaqueServer } from './accounts/opaque-server.ts';
import type { CloudConfig, StorageConfig } from './config.ts';
import { loadOpaqueSetup, prepareDataDir, removeUnfinished, StartError } from './data-dir.ts';
import { refuseMoved } from './moving/source-mark.ts';
import { lockDataDir } from './store/embedded/data-lock.ts';
import { openEmbeddedStore } from './store/embedded/embedded-store.ts';
import type { MetadataStore } from './store/metadata-store.ts';
import { NO_OTHER_NODES, type NodeNews } from './store/node-news.ts';
import { openBlobs, openBucket, type OpenedBlobs } from './store/open-blobs.ts';

/** Sums over everything are made no more often. */
const STATS_AGE_MS = 10 * 60_000;

export interface Storage {
  readonly store: MetadataStore;
  readonly blobs: OpenedBlobs;
  readonly news: NodeNews;
  readonly opaque: OpaqueServer;
  /** Frees memory that can be had again. */
  readonly dropCache: () => void;
}

/**
 * @param undo takes how each thing that was opened is closed, also when a later one fails
 * @throws StartError, StoreDamaged, StoreUnavailable
 */
export async function openStorage(
  config: CloudConfig,
  undo: (() => Promise<void> | void)[],
): Promise<Storage> {
  switch (config.storage.kind) {
    case 'embedded':
      return openEmbedded(config, config.storage, undo);
    case 'scaled':
      return openScaled(config, config.storage, undo);
  }
}

async function openEmbedded(
  config: CloudConfig,
  storage: Extract<StorageConfig, { kind: 'embedded' }>,
  undo: (() => Promise<void> | void)[],
): Promise<Storage> {
  const { dataDir } = storage;
  await prepareDataDir(dataDir);
  const unlock = lockDataDir(dataDir);
  if (unlock === null) {
    throw new StartError(
      `the data directory ${dataDir} is in use by another coffre-cloud: stop that one, or give this one its own`,
    );
  }
  undo.push(unlock);
  await refuseMoved(dataDir);
  const store = await openEmbeddedStore({
    dataDir,
    defaultQuotaBytes: config.quotaBytes,
    exclusive: true,
    retentionMs: config.retentionMs,
    uncommittedMs: config.uncommittedMs,
  });
  undo.push(() => store.close());
  const blobs = await openBlobs(storage, true);
  undo.push(() => blobs.close());
  await removeUnfinished(dataDir);
  const isNew = (await store.upkeep.stats()).accounts === 0;
  const opaque = await opaqueServer(await loadOpaqueSetup(dataDir, isNew));
  const dropCache = (): void => {
    store.database.dropCache();
  };
  return { store, blobs, news: NO_OTHER_NODES, opaque, dropCache };
}

async function openScaled(
  config: CloudConfig,
  { database, s3 }: Extract<StorageConfig, { kind: 'scaled' }>,
  undo: (() => Promise<void> | void)[],
): Promise<Storage> {
  // A server with a data directory need not load any of it.
  const { openPostgresStore } = await import('./store/postgres/postgres-store.ts');
  const { Notices } = await import('./store/postgres/notices.ts');
  const { refuseIncoming } = await import('./store/postgres/incoming.ts');
  const { keptOpaqueSetup, keptPlace } = await import('./store/postgres/shared-settings.ts');
  const store = await openPostgresStore({
    ...database,
    defaultQuotaBytes: config.quotaBytes,
    retentionMs: config.retentionMs,
    uncommittedMs: config.uncommittedMs,
    statsAgeMs: STATS_AGE_MS,
  });
  undo.push(() => store.close());
  await refuseIncoming(store.database);
  const { endpoint, bucket, prefix } = s3;
  const place = await keptPlace(store.database, { endpoint, bucket, prefix });
  if (place.bucket !== bucket || place.prefix !== prefix) {
    throw new StartError(
      `the packs of this database are in the bucket ${place.bucket} under "${place.prefix}", and --s3-bucket and --s3-prefix say otherwise: correct them`,
    );
  }
  const blobs = await openBucket(s3, true);
  undo.push(() => blobs.close());
  const opaque = await opaqueServer(await keptOpaqueSetup(store.database));
  const news = await Notices.open(database);
  undo.push(() => news.close());
  return { store, blobs, news, opaque, dropCache: () => undefined };
}
