import { expect, it } from 'vitest';
import { s3Config } from './s3-options.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
const PLACE = { s3Endpoint: 'https://s3.example.org', s3Bucket: 'packs' };

it('is null without any of it, and whole with what it needs', () => {
  expect(s3Config({}, KEYS)).toBeNull();
  expect(s3Config(PLACE, KEYS)).toEqual({
    endpoint: 'https://s3.example.org',
    publicEndpoint: null,
    bucket: 'packs',
    region: 'us-east-1',
    prefix: '',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: null },
  });
  const more = { s3Region: 'eu', s3Prefix: 'a/b', s3PublicEndpoint: 'https://packs.example.org:8443/' };
  expect(s3Config({ ...PLACE, ...more }, { ...KEYS, AWS_SESSION_TOKEN: 'token' })).toMatchObject({
    region: 'eu',
    prefix: 'a/b/',
    publicEndpoint: 'https://packs.example.org:8443',
    credentials: { sessionToken: 'token' },
  });
});

it.each([
  ['an endpoint without a bucket', { s3Endpoint: 'https://s3.example.org' }],
  ['a bucket without an endpoint', { s3Bucket: 'packs' }],
  ['a prefix without either', { s3Prefix: 'a' }],
  ['an endpoint with a path', { ...PLACE, s3Endpoint: 'https://s3.example.org/packs' }],
  ['an endpoint that is none', { ...PLACE, s3Endpoint: 's3.example.org' }],
  ['an endpoint with keys in it', { ...PLACE, s3Endpoint: 'https://id:secret@s3.example.org' }],
  ['a public endpoint that is none', { ...PLACE, s3PublicEndpoint: 'ftp://packs.example.org' }],
  ['a bucket that is none', { ...PLACE, s3Bucket: '../packs' }],
  ['a file that is not there', { ...PLACE, s3Credentials: '/nowhere/at/all' }],
])('refuses %s, and repeats no key', (_what, options) => {
  const refused = (() => {
    try {
      return s3Config(options, KEYS);
    } catch (error) {
      return error as { exit: number; message: string; hint: string };
    }
  })();
  expect(refused).toMatchObject({ exit: 2 });
  expect(JSON.stringify(refused)).not.toContain('secret@');
});

it('refuses to go without keys', () => {
  for (const missing of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    expect(() => s3Config(PLACE, { ...KEYS, [missing]: '' })).toThrow(/AWS_ACCESS_KEY_ID/);
});
