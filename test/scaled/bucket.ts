/** A bucket of its own for one test file, in the store of the suite. */
import { randomBytes } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { inject } from 'vitest';
import type {} from './s3-service.ts';
import type { PostgresServer } from './postgres.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';

/** Makes one. @param prefix of the keys that a store over it uses */
export async function freshBucket(prefix = ''): Promise<S3Config> {
  const { endpoint, region, accessKeyId, secretAccessKey } = inject('s3');
  const bucket = `coffre-${randomBytes(6).toString('hex')}`;
  const aws = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 2 });
  const answer = await aws.fetch(`${endpoint}/${bucket}`, { method: 'PUT' });
  if (!answer.ok) throw new Error(`no bucket can be made: ${answer.status}`);
  return {
    endpoint,
    publicEndpoint: null,
    bucket,
    region,
    prefix,
    credentials: { accessKeyId, secretAccessKey, sessionToken: null },
  };
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

/** As flags of `coffre-cloud`, and sets the keys where it looks for them: in the environment. */
export function flagsOf({ endpoint, bucket, region, prefix, credentials }: S3Config): string[] {
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
  return [
    ...['--s3-endpoint', endpoint, '--s3-bucket', bucket, '--s3-region', region],
    ...(prefix === '' ? [] : ['--s3-prefix', prefix]),
  ];
}
