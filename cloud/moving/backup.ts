/**
 * A copy of what a server keeps, which may be running: the reaper is held off, the metadata are copied as of one
 * moment, then every blob they name, each verified on the way. Blobs a former backup to the same place has are kept,
 * so that the next one copies only what is new. The copy is a data directory, whatever the source is: `serve --data`
 * runs on it, and `restore` brings it into a database and a bucket.
 */
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byOperator } from '../audit/entry.ts';
import { flushFolder } from '../data-dir.ts';
import type { BlobName, BlobStore } from '../store/blob-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { DATABASE_FILE, openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openFileBlobs, type FileBlobs } from '../store/embedded/file-blobs.ts';
import { forgetPlace, keepPlace, type BlobsLocation } from '../store/open-blobs.ts';
import { namedPacks, type NamedPack } from './named-packs.ts';

const HOLD_MS = 60 * 60_000;
const HOLD_AGAIN_MS = 10 * 60_000;

export interface BackupReport {
  readonly packs: number;
  readonly copiedBytes: number;
  /** Packs whose bytes were missing or damaged in the source. */
  readonly damage: readonly string[];
}

export interface BackupSource {
  readonly store: MetadataStore;
  readonly blobs: BlobStore;
  /** The bucket the packs stay in; null: they are copied into files. */
  readonly packsStayIn: BlobsLocation | null;
  /** Writes what a data directory has beside its metadata and packs. */
  writeFiles(dataDir: string): Promise<void>;
  /** Writes the metadata as of one moment into a new file; `stillAtIt` is to be called now and then. */
  writeMetadata(file: string, stillAtIt: () => Promise<void>): Promise<void>;
}

export async function backupStore(
  source: BackupSource,
  dataDir: string,
  now: () => number,
): Promise<BackupReport> {
  let heldAtMs = -Infinity;
  const hold = async (): Promise<void> => {
    if (now() - heldAtMs < HOLD_AGAIN_MS) return;
    heldAtMs = now();
    await source.store.upkeep.holdBlobs(heldAtMs + HOLD_MS);
  };
  await hold();
  try {
    // Before anything is copied: who has a part of a backup has that.
    await source.store.audit.record(byOperator('backup-made', now()));
    await source.writeFiles(dataDir);
    const file = join(dataDir, DATABASE_FILE);
    const snapshot = `${file}.new`;
    await rm(snapshot, { force: true });
    await removeBeside(snapshot);
    await source.writeMetadata(snapshot, hold);
    const named = await packsOf(dataDir, `${DATABASE_FILE}.new`);
    const report =
      source.packsStayIn === null
        ? await copyPacks(named, source.blobs, await openFileBlobs(dataDir, false), hold)
        : { packs: named.length, copiedBytes: 0, damage: [] };
    // Only now is what the metadata name all there.
    await removeBeside(file);
    if (source.packsStayIn === null) await forgetPlace(dataDir);
    else await keepPlace(dataDir, source.packsStayIn);
    await rename(snapshot, file);
    await flushFolder(dataDir);
    return report;
  } finally {
    await source.store.upkeep.holdBlobs(0);
  }
}

/** What SQLite has beside a file that was not closed. */
async function removeBeside(file: string): Promise<void> {
  for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
}

async function packsOf(dataDir: string, databaseFile: string): Promise<readonly NamedPack[]> {
  const options = { defaultQuotaBytes: null, exclusive: false, retentionMs: 0, uncommittedMs: 0 };
  const store = await openEmbeddedStore({ ...options, dataDir, databaseFile });
  try {
    return await store.tables.read(namedPacks);
  } finally {
    await store.close();
  }
}

async function copyPacks(
  named: readonly NamedPack[],
  from: BlobStore,
  to: FileBlobs,
  stillAtIt: () => Promise<void>,
): Promise<BackupReport> {
  const damage: string[] = [];
  let copiedBytes = 0;
  for (const { name, size } of named) {
    await stillAtIt();
    const outcome = await copyBlob(from, to, name, size);
    if (outcome === 'damaged') damage.push(`pack ${name.pack}: missing or damaged`);
    if (outcome === 'copied') copiedBytes += size;
  }
  return { packs: named.length, copiedBytes, damage };
}

async function copyBlob(
  from: BlobStore,
  to: FileBlobs,
  name: BlobName,
  size: number,
): Promise<'copied' | 'kept' | 'damaged'> {
  if ((await sizeOf(to.pathOf(name))) === size) return 'kept';
  const bytes = await from.get(name, 0, size);
  if (bytes === null) return 'damaged';
  return (await to.put(name, size, bytes)) === 'stored' ? 'copied' : 'damaged';
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
