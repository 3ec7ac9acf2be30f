/** A bucket of its own for one test file, in the store of the suite. */
import { AwsClient } from 'aws4fetch';
import { inject } from 'vitest';
import type {} from './s3-service.ts';
import { flagsOf, makeBucket } from './make-bucket.ts';
import type { PostgresServer } from './postgres.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';

/** Makes one. @param prefix of the keys that a store over it uses */
export function freshBucket(prefix = ''): Promise<S3Config> {
  return makeBucket(inject('s3'), prefix);
}

/** An empty one goes, while others still rely on it. */
export async function removeBucket({ endpoint, bucket, region, credentials }: S3Config): Promise<void> {
  const { accessKeyId, secretAccessKey } = credentials;
  const aws = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 2 });
  const answer = await aws.fetch(`${endpoint}/${bucket}`, { method: 'DELETE' });
  if (!answer.ok) throw new Error(`the bucket cannot be removed: ${answer.status}`);
}

/** A fresh database and a fresh bucket: what any number of nodes are started with. */
export async function freshStorage(
  server: PostgresServer,
): Promise<{ options: string[]; env: { COFFRE_DATABASE_URL: string } }> {
  return storageIn(server, await freshBucket());
}

/** The same with a bucket that is there. */
export async function storageIn(
  server: PostgresServer,
  s3: S3Config,
): Promise<{ options: string[]; env: { COFFRE_DATABASE_URL: string } }> {
  return { options: flagsOf(s3), env: { COFFRE_DATABASE_URL: await server.database() } };
}
