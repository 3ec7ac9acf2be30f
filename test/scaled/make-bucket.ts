/** Makes a bucket of its own in a store, for whoever is no test of the suite, too. */
import { randomBytes } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import type { S3Service } from './ceph.ts';

/** @param prefix of the keys that a store over it uses */
export async function makeBucket(service: S3Service, prefix = ''): Promise<S3Config> {
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
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

/** As flags of `coffre-cloud`, and sets the keys where it looks for them: in the environment. */
export function flagsOf({ endpoint, bucket, region, prefix, credentials }: S3Config): string[] {
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
  return [
    ...['--s3-endpoint', endpoint, '--s3-bucket', bucket, '--s3-region', region],
    ...(prefix === '' ? [] : ['--s3-prefix', prefix]),
  ];
}
