/**
 * What a bucket must allow, tried at the start with an object of the probe's own: what fails a year later would be
 * somebody's file. Whether devices may send by themselves hangs on one thing more: that the store refuses, of an
 * address signed for some bytes, all others.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'undici';
import { directUploadHeaders } from '../../../protocol/cloud.ts';
import type { PackName } from '../../../protocol/ids.ts';
import { hashOf } from '../../../protocol/signing.ts';
import { StartError } from '../../data-dir.ts';
import { BlobStoreUnavailable } from '../blob-store.ts';
import { failureCodeOf, type S3Client, type S3Request } from './s3-client.ts';
import type { S3Config } from './s3-config.ts';

const SECONDS = 60;

/** True where devices may send by themselves. @throws StartError where the bucket is of no use */
export async function probeBucket(config: S3Config, client: S3Client): Promise<boolean> {
  const bytes = randomBytes(64);
  const sha256 = hashOf(bytes) as string as PackName;
  const key = `probe-${randomBytes(8).toString('hex')}`;
  const sentKey = `${key}-sent`;
  const insist = async (what: string, asked: S3Request): Promise<void> => {
    const code = await codeOf(client, asked);
    if (code !== null) throw startError(config, what, code);
  };
  const body = { size: bytes.length, sha256, pieces: once(bytes) };
  await insist('write', { method: 'PUT', key, headers: { 'if-none-match': '*' }, body });
  await insist('read', { method: 'GET', key, headers: { range: 'bytes=1-9' } });
  await insist('list', { method: 'GET', key: null, query: { 'list-type': '2', 'max-keys': '1' } });
  const isChecked = await checksContent(client, { key: sentKey, bytes, sha256 });
  await insist('delete', { method: 'DELETE', key: sentKey });
  await insist('delete', { method: 'DELETE', key });
  return isChecked && isForDevices(config);
}

/** Other bytes are refused, the right ones are taken. */
async function checksContent(
  client: S3Client,
  { key, bytes, sha256 }: { readonly key: string; readonly bytes: Buffer; readonly sha256: PackName },
): Promise<boolean> {
  const headers = { ...directUploadHeaders(sha256), 'content-length': String(bytes.length) };
  const url = await client.presign({ method: 'PUT', key, headers }, SECONDS, 'here');
  const send = async (sent: Buffer): Promise<boolean> => {
    const limits = { headersTimeout: 15_000, bodyTimeout: 15_000 };
    const { statusCode, body } = await request(url, { method: 'PUT', headers, body: sent, ...limits });
    await body.dump();
    return statusCode < 300;
  };
  const others = Buffer.from(bytes.map((byte) => byte ^ 1));
  try {
    return !(await send(others)) && (await send(bytes));
  } catch {
    return false;
  }
}

/** Devices go nowhere but by https, or on their own machine. */
function isForDevices({ endpoint, publicEndpoint }: S3Config): boolean {
  const { protocol, hostname } = new URL(publicEndpoint ?? endpoint);
  return (
    protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  );
}

/** Null where the store did it. */
async function codeOf(client: S3Client, asked: S3Request): Promise<string | null> {
  try {
    const answer = await client.send(asked);
    if (answer.status >= 300) return (await client.refusal(answer)).code;
    await answer.body.dump();
    return null;
  } catch (error) {
    if (!(error instanceof BlobStoreUnavailable)) throw error;
    return failureCodeOf(error);
  }
}

const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'make the bucket, or correct --s3-bucket',
  InvalidAccessKeyId: 'check the access key: AWS_ACCESS_KEY_ID, or the file of --s3-credentials',
  SignatureDoesNotMatch: 'check the secret key, and --s3-region',
  AuthorizationHeaderMalformed: 'correct --s3-region',
  PermanentRedirect: 'the bucket is in another region: correct --s3-endpoint and --s3-region',
  AccessDenied: 'allow these keys to put, get, list and delete objects in the bucket',
  RequestTimeTooSkewed: "set this machine's clock",
  NotImplemented: 'use a store that knows conditional writes (if-none-match)',
};

function startError({ endpoint, bucket }: S3Config, what: string, code: string): StartError {
  const hint = HINTS[code] ?? 'check --s3-endpoint, and that the store runs';
  return new StartError(`cannot ${what} in the bucket ${bucket} at ${endpoint} (${code}): ${hint}`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
