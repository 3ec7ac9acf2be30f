/**
 * The blobs of a server: files in its data directory, or a bucket. Which of them is written down beside its data, so
 * that a flag left out does not make every pack look lost.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../data-dir.ts';
import type { BlobStore } from './blob-store.ts';
import { openFileBlobs } from './embedded/file-blobs.ts';
import type { S3Config } from './s3/s3-config.ts';

/** Of a data directory whose packs are in a bucket. Belongs into no backup, which has them as files. */
const PLACE_FILE = 'packs-in-s3.json';

export interface OpenedBlobs extends BlobStore {
  close(): Promise<void>;
}

export interface BlobsPlace {
  readonly dataDir: string;
  readonly s3: S3Config | null;
}

/**
 * @param exclusive the caller holds the data directory, and the bucket is tried
 * @throws StartError
 */
export async function openBlobs({ dataDir, s3 }: BlobsPlace, exclusive: boolean): Promise<OpenedBlobs> {
  const known = await knownPlace(dataDir);
  if (s3 === null) {
    if (known === null) return withClose(await openFileBlobs(dataDir, exclusive));
    throw new StartError(
      `the packs of this server are in the bucket ${known.bucket} at ${known.endpoint}: give --s3-endpoint, --s3-bucket and the keys`,
    );
  }
  const { endpoint, bucket, prefix } = s3;
  if (known !== null && (known.bucket !== bucket || known.prefix !== prefix)) {
    throw new StartError(
      `the packs of this server are in the bucket ${known.bucket} under "${known.prefix}", and --s3-bucket and --s3-prefix say otherwise: correct them`,
    );
  }
  if (known === null && (await hasFiles(dataDir))) {
    throw new StartError(
      `the packs of this server are files in ${join(dataDir, 'blobs')}: go on without --s3-bucket, or begin with an empty data directory`,
    );
  }
  const blobs = await openBucket(s3, exclusive);
  if (known === null) await keepPlace(dataDir, { endpoint, bucket, prefix });
  return blobs;
}

/** The packs of this data directory are there from now on. */
export async function keepPlace(dataDir: string, { endpoint, bucket, prefix }: BlobsLocation): Promise<void> {
  await writeFile(join(dataDir, PLACE_FILE), JSON.stringify({ endpoint, bucket, prefix }));
}

/** The packs of this data directory are files in it. */
export async function forgetPlace(dataDir: string): Promise<void> {
  await rm(join(dataDir, PLACE_FILE), { force: true });
}

/** @param tried whether the bucket is tried first, for a server that is to use it. @throws StartError */
export async function openBucket(s3: S3Config, tried: boolean): Promise<OpenedBlobs> {
  // A server with files need not load any of it.
  const { openS3Blobs } = await import('./s3/s3-blobs.ts');
  const { S3Client } = await import('./s3/s3-client.ts');
  const { probeBucket } = await import('./s3/s3-probe.ts');
  const client = new S3Client(s3);
  try {
    const direct = tried && (await probeBucket(s3, client));
    return openS3Blobs(s3, { client, direct });
  } catch (error) {
    await client.close();
    throw error;
  }
}

function withClose(blobs: BlobStore): OpenedBlobs {
  return { ...blobs, close: () => Promise.resolve() };
}

/** A bucket, and where in it; without what opens it. */
export interface BlobsLocation {
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix: string;
}

/** Null where packs are files, or none came yet. @throws StartError */
export async function knownPlace(dataDir: string): Promise<BlobsLocation | null> {
  try {
    return JSON.parse(await readFile(join(dataDir, PLACE_FILE), 'utf8')) as BlobsLocation;
  } catch (error) {
    if (isMissing(error)) return null;
    throw new StartError(
      `${join(dataDir, PLACE_FILE)} cannot be read: restore it, or write {"endpoint", "bucket", "prefix"} into it`,
    );
  }
}

async function hasFiles(dataDir: string): Promise<boolean> {
  try {
    return (await readdir(join(dataDir, 'blobs'))).length > 0;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
