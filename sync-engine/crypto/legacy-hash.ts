/**
 * The hash that an older service kept of a password, computed as it did: it proves to the server that the account
 * there was one's own. Parameters come from the server, within the bounds of protocol/legacy.ts.
 */
import { pbkdf2, scrypt } from 'node:crypto';
import { argon2id, bcrypt } from 'hash-wasm';
import type { LegacyParameters } from '../../protocol/legacy.ts';

const MOST_BCRYPT_BYTES = 72;
const BCRYPT_HASH_BYTES = 23;
const SCRYPT_SLACK_BYTES = 1024 * 1024;

export interface LegacyHash {
  /** As it was typed: an older service took it so. Not empty. */
  readonly password: string;
  readonly parameters: LegacyParameters;
}

/** May take seconds, and up to 256 MiB. */
export async function legacyHash({ password, parameters }: LegacyHash): Promise<Uint8Array> {
  const bytes = Buffer.from(password, 'utf8');
  const salt = Buffer.from(parameters.salt, 'base64');
  switch (parameters.scheme) {
    case 'bcrypt': {
      const hash = await bcrypt({
        password: bytes.subarray(0, MOST_BCRYPT_BYTES),
        salt,
        costFactor: parameters.cost,
        outputType: 'binary',
      });
      return hash.subarray(0, BCRYPT_HASH_BYTES);
    }
    case 'pbkdf2-sha256':
    case 'pbkdf2-sha512': {
      const digest = parameters.scheme === 'pbkdf2-sha256' ? 'sha256' : 'sha512';
      const { iterations, bytes: length } = parameters;
      return new Promise((resolve, reject) => {
        pbkdf2(bytes, salt, iterations, length, digest, (error, hash) => {
          if (error === null) resolve(hash);
          else reject(error);
        });
      });
    }
    case 'scrypt': {
      const { log2N, r, p } = parameters;
      const N = 2 ** log2N;
      const maxmem = 128 * r * (N + p) + SCRYPT_SLACK_BYTES;
      return new Promise((resolve, reject) => {
        scrypt(bytes, salt, parameters.bytes, { N, r, p, maxmem }, (error, hash) => {
          if (error === null) resolve(hash);
          else reject(error);
        });
      });
    }
    case 'argon2id':
      return argon2id({
        password: bytes,
        salt,
        memorySize: parameters.memory,
        iterations: parameters.iterations,
        parallelism: parameters.parallelism,
        hashLength: parameters.bytes,
        outputType: 'binary',
      });
  }
}
