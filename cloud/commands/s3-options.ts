/** Where packs are, from flags and environment. The keys come by environment or file, never by a flag. */
import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import type { S3Config } from '../store/s3/s3-config.ts';
import { CommandError } from './output.ts';

export interface S3Options {
  readonly s3Endpoint?: string;
  readonly s3PublicEndpoint?: string;
  readonly s3Bucket?: string;
  readonly s3Region?: string;
  readonly s3Prefix?: string;
  readonly s3Credentials?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function addS3Options(command: Command): Command {
  const option = (flags: string, description: string, variable: string): Option =>
    new Option(flags, description).env(variable);
  return command
    .addOption(option('--s3-endpoint <url>', 'keep packs in an S3 store', 'COFFRE_S3_ENDPOINT'))
    .addOption(option('--s3-bucket <name>', 'in this bucket', 'COFFRE_S3_BUCKET'))
    .addOption(option('--s3-region <name>', 'of this region (default: us-east-1)', 'COFFRE_S3_REGION'))
    .addOption(option('--s3-prefix <prefix>', 'under keys that begin so', 'COFFRE_S3_PREFIX'))
    .addOption(
      option('--s3-public-endpoint <url>', 'the same store as devices reach it', 'COFFRE_S3_PUBLIC_ENDPOINT'),
    )
    .addOption(
      option(
        '--s3-credentials <file>',
        'its keys, in the form of ~/.aws/credentials (default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)',
        'COFFRE_S3_CREDENTIALS',
      ),
    );
}

/** Null where packs are files. @throws CommandError */
export function s3Config(options: S3Options, environment: Environment = process.env): S3Config | null {
  const { s3Endpoint, s3PublicEndpoint, s3Bucket, s3Region, s3Prefix, s3Credentials } = options;
  if (s3Endpoint === undefined && s3Bucket === undefined) {
    if (s3PublicEndpoint === undefined && s3Credentials === undefined && s3Prefix === undefined) return null;
    throw usage('the --s3 options want --s3-endpoint and --s3-bucket', 'give both, or none of them');
  }
  if (s3Endpoint === undefined || s3Bucket === undefined) {
    throw usage('--s3-endpoint and --s3-bucket go together', 'give both, or none of them');
  }
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(s3Bucket)) {
    throw usage(
      '--s3-bucket is not the name of a bucket',
      'it has 3 to 63 letters a to z, digits, dots and hyphens',
    );
  }
  const prefix = s3Prefix ?? '';
  return {
    endpoint: endpointOf(s3Endpoint, '--s3-endpoint'),
    publicEndpoint:
      s3PublicEndpoint === undefined ? null : endpointOf(s3PublicEndpoint, '--s3-public-endpoint'),
    bucket: s3Bucket,
    region: s3Region ?? 'us-east-1',
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    credentials: s3Credentials === undefined ? fromEnvironment(environment) : fromFile(s3Credentials),
  };
}

function endpointOf(text: string, flag: string): string {
  const url = URL.parse(text);
  const isPlain = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return url.origin;
  throw usage(`${flag} is not the address of a store`, 'write it like https://s3.eu-central-1.amazonaws.com');
}

function fromEnvironment(environment: Environment): S3Config['credentials'] {
  return credentials(
    {
      aws_access_key_id: environment['AWS_ACCESS_KEY_ID'],
      aws_secret_access_key: environment['AWS_SECRET_ACCESS_KEY'],
      aws_session_token: environment['AWS_SESSION_TOKEN'],
    },
    'the environment has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  );
}

/** The first profile of the file counts. */
function fromFile(path: string): S3Config['credentials'] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw usage('the file of --s3-credentials cannot be read', 'check its path and its rights');
  }
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [name, ...value] = line.split('=');
    if (name !== undefined && value.length > 0) values[name.trim().toLowerCase()] ??= value.join('=').trim();
  }
  return credentials(
    values,
    'the file of --s3-credentials has no aws_access_key_id and aws_secret_access_key',
  );
}

function credentials(values: Environment, missing: string): S3Config['credentials'] {
  const accessKeyId = values['aws_access_key_id'] ?? '';
  const secretAccessKey = values['aws_secret_access_key'] ?? '';
  const token = values['aws_session_token'] ?? '';
  if (accessKeyId === '' || secretAccessKey === '') {
    throw usage(missing, 'set both, or name a file that has them as --s3-credentials');
  }
  return { accessKeyId, secretAccessKey, sessionToken: token === '' ? null : token };
}

function usage(message: string, hint: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}
