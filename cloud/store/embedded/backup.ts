/**
 * A copy of a data directory that may be running: the reaper is held off, the database is copied as of one
 * moment, then every blob it names, each verified on the way. Blobs a former backup to the same place has are
 * kept, so that the next one copies only what is new. The copy is a data directory: `serve --data` runs on it.
 */
import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccountId, PackName, VaultId } from '../../../protocol/ids.ts';
import type { BlobName, BlobStore } from '../blob-store.ts';
import type { MetadataStore } from '../metadata-store.ts';
import { hex } from '../columns.ts';
import { Database } from './database.ts';
import { DATABASE_FILE } from './embedded-store.ts';
import type { FileBlobs } from './file-blobs.ts';

const HOLD_MS = 60 * 60_000;
const HOLD_AGAIN_MS = 10 * 60_000;

export interface BackupReport {
  readonly packs: number;
  readonly copiedBytes: number;
  /** Packs whose bytes were missing or damaged in the source. */
  readonly damage: readonly string[];
}

export async function backupStore(
  source: { readonly store: MetadataStore; readonly database: Database; readonly blobs: BlobStore },
  from: { readonly dataDir: string; readonly plainFiles: readonly string[] },
  target: { readonly dataDir: string; readonly blobs: FileBlobs },
  now: () => number,
): Promise<BackupReport> {
  let heldAtMs = now();
  await source.store.upkeep.holdBlobs(heldAtMs + HOLD_MS);
  try {
    for (const file of from.plainFiles) await copyWhole(join(from.dataDir, file), join(target.dataDir, file));
    const snapshot = join(target.dataDir, `${DATABASE_FILE}.new`);
    await rm(snapshot, { force: true });
    await source.database.copyTo(snapshot);

    const damage: string[] = [];
    let copiedBytes = 0;
    const packs = namedPacks(snapshot);
    for (const { name, size } of packs) {
      if (now() - heldAtMs > HOLD_AGAIN_MS) {
        heldAtMs = now();
        await source.store.upkeep.holdBlobs(heldAtMs + HOLD_MS);
      }
      const outcome = await copyBlob(source.blobs, target.blobs, name, size);
      if (outcome === 'damaged') damage.push(`pack ${name.pack}: missing or damaged`);
      if (outcome === 'copied') copiedBytes += size;
    }
    // Only now is what the database names all there.
    for (const suffix of ['-wal', '-shm'])
      await rm(join(target.dataDir, `${DATABASE_FILE}${suffix}`), { force: true });
    await rename(snapshot, join(target.dataDir, DATABASE_FILE));
    return { packs: packs.length, copiedBytes, damage };
  } finally {
    await source.store.upkeep.holdBlobs(0);
  }
}

function namedPacks(snapshot: string): { name: BlobName; size: number }[] {
  const database = new Database(snapshot);
  try {
    return database
      .all<{ account: Buffer; vault: Buffer; name: Buffer; size: number }>(
        `SELECT v.account, v.vault, p.name, p.size FROM packs p JOIN vaults v ON v.key = p.vault
         JOIN accounts a ON a.account = v.account
         WHERE a.doomed = 0 AND p.inline = 0 AND p.state NOT IN ('deleting', 'purged')`,
      )
      .map((row) => ({
        name: {
          account: hex(row.account) as AccountId,
          vault: hex(row.vault) as VaultId,
          pack: hex(row.name) as PackName,
        },
        size: row.size,
      }));
  } finally {
    database.close();
  }
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

async function copyWhole(from: string, to: string): Promise<void> {
  if ((await sizeOf(from)) === null) return;
  const temporary = `${to}.new`;
  await copyFile(from, temporary);
  await rename(temporary, to);
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
