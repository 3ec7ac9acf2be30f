/**
 * Blobs in a bucket of any S3 store, each under `PREFIX/ACCOUNT/VAULT/PACK`. The name of a pack is the SHA-256 of its
 * bytes, which is what S3 wants signed of a body: with it the store itself refuses any other content. A key is written
 * once (`if-none-match`), and is there whole or not at all.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { directUploadHeaders } from '../../../protocol/cloud.ts';
import { isId16, isId32, type AccountId, type PackName, type VaultId } from '../../../protocol/ids.ts';
import { BlobStoreUnavailable, type BlobName, type BlobStore, type DirectAccess } from '../blob-store.ts';
import { CheckedBody } from './checked-body.ts';
import { parseListing } from './s3-answers.ts';
import { S3Client, type S3Answer } from './s3-client.ts';
import type { S3Config } from './s3-config.ts';

/** Removals at a time, where an account goes. */
const REMOVALS = 16;
/** How long an address is good for. A transfer that began by then may go on. */
const URL_SECONDS = 15 * 60;
/** What a store says of bytes that are not those their signature names. */
const OTHER_CONTENT = new Set(['XAmzContentSHA256Mismatch', 'BadDigest', 'IncompleteBody']);

export interface S3Blobs extends BlobStore {
  close(): Promise<void>;
}

const keyOf = ({ account, vault, pack }: BlobName): string => `${account}/${vault}/${pack}`;

export interface S3BlobsOptions {
  readonly client?: S3Client;
  /** Devices may send and fetch by themselves: the store sees to the content of what they send. */
  readonly direct?: boolean;
  /** How many keys a page of a list has. */
  readonly pageKeys?: number;
}

export function openS3Blobs(config: S3Config, options: S3BlobsOptions = {}): S3Blobs {
  const { client = new S3Client(config), direct = false, pageKeys = 1000 } = options;
  const read = async (
    name: BlobName,
    headers: Readonly<Record<string, string>>,
  ): Promise<S3Answer | null> => {
    const answer = await client.send({ method: 'GET', key: keyOf(name), headers });
    if (answer.status === 200 || answer.status === 206) return answer;
    const { code, error } = await client.refusal(answer);
    // Without its bucket nothing is known of a blob, not even that it is missing.
    if (code === 'NoSuchKey' || code === 'InvalidRange') return null;
    throw error;
  };
  const page = async (within: string, after: string | null): Promise<ReturnType<typeof parseListing>> => {
    const query = {
      'list-type': '2',
      'max-keys': String(pageKeys),
      prefix: `${config.prefix}${within}`,
      ...(after === null ? {} : { 'start-after': `${config.prefix}${after}` }),
    };
    const answer = await client.send({ method: 'GET', key: null, query });
    if (answer.status !== 200) throw (await client.refusal(answer)).error;
    const text = await client.text(answer);
    try {
      return parseListing(text);
    } catch (cause) {
      throw new BlobStoreUnavailable('the S3 store answers with a list that is none', { cause });
    }
  };
  const removeKey = async (key: string): Promise<void> => {
    const answer = await client.send({ method: 'DELETE', key });
    if (answer.status < 300) return answer.body.dump();
    const { code, error } = await client.refusal(answer);
    if (code !== 'NoSuchKey') throw error;
  };

  return {
    direct: direct ? directAccess(client) : null,
    async put(name, size, body) {
      const checked = new CheckedBody(body, size, name.pack);
      const sent = { size, sha256: name.pack, pieces: checked.pieces() };
      const headers = { 'if-none-match': '*' };
      try {
        const answer = await client.send({ method: 'PUT', key: keyOf(name), headers, body: sent });
        if (answer.status === 200) {
          await answer.body.dump();
          return 'stored';
        }
        const { code, error } = await client.refusal(answer);
        // It is there already: these bytes still have to be those.
        if (answer.status === 412) return (await checked.isRight()) ? 'stored' : 'mismatch';
        if (OTHER_CONTENT.has(code)) return 'mismatch';
        throw error;
      } catch (error) {
        if (checked.isWrong) return 'mismatch';
        throw error;
      } finally {
        checked.rethrow();
      }
    },
    async get(name, start, end) {
      if (end <= start) return Readable.from([]);
      const answer = await read(name, { range: `bytes=${start}-${end - 1}` });
      if (answer === null) return null;
      if (answer.status === 206) return answer.body;
      answer.body.destroy();
      throw new BlobStoreUnavailable('the S3 store does not serve parts of an object');
    },
    async verify(name, size) {
      const answer = await read(name, {});
      if (answer === null) return 'missing';
      if (Number(answer.headers['content-length']) !== size) {
        answer.body.destroy();
        return 'damaged';
      }
      const hash = createHash('sha256');
      try {
        for await (const piece of answer.body as AsyncIterable<Buffer>) hash.update(piece);
      } catch (cause) {
        throw new BlobStoreUnavailable('the S3 store broke off', { cause });
      }
      return hash.digest('hex') === name.pack ? 'sound' : 'damaged';
    },
    async reachable() {
      const answer = await client.send({ method: 'HEAD', key: null });
      if (answer.status !== 200) throw (await client.refusal(answer)).error;
      await answer.body.dump();
    },
    async remove(name) {
      await removeKey(keyOf(name));
    },
    async removeAccount(account) {
      for (let after: string | null = null; ;) {
        const { objects, isLast } = await page(`${account}/`, after);
        const keys = objects.map(({ key }) => key.slice(config.prefix.length));
        for (let at = 0; at < keys.length; at += REMOVALS) {
          await Promise.all(keys.slice(at, at + REMOVALS).map(removeKey));
        }
        after = keys.at(-1) ?? null;
        if (isLast || after === null) return;
      }
    },
    async list(cursor) {
      const { objects, isLast } = await page('', cursor);
      const last = objects.at(-1)?.key.slice(config.prefix.length) ?? null;
      const blobs = objects.flatMap(({ key, size, modifiedMs }) => {
        const name = nameOf(key.slice(config.prefix.length));
        return name === null ? [] : [{ name, size, modifiedMs }];
      });
      return { blobs, next: isLast ? null : last };
    },
    close: () => client.close(),
  };
}

function directAccess(client: S3Client): DirectAccess {
  return {
    uploadUrl: (name, size) => {
      const headers = { ...directUploadHeaders(name.pack), 'content-length': String(size) };
      return client.presign({ method: 'PUT', key: keyOf(name), headers }, URL_SECONDS);
    },
    readUrl: (name) => client.presign({ method: 'GET', key: keyOf(name) }, URL_SECONDS),
    async sizeOf(name) {
      const answer = await client.send({ method: 'HEAD', key: keyOf(name) });
      if (answer.status === 404) return null;
      if (answer.status !== 200) throw (await client.refusal(answer)).error;
      await answer.body.dump();
      return Number(answer.headers['content-length']);
    },
  };
}

function nameOf(key: string): BlobName | null {
  const [account = '', vault = '', pack = '', ...more] = key.split('/');
  if (!isId16(account) || !isId16(vault) || !isId32(pack) || more.length > 0) return null;
  return { account: account as AccountId, vault: vault as VaultId, pack: pack as PackName };
}
