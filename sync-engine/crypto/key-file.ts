/**
 * The unlock key under a passphrase, for a device without an OS keychain: a small file that Argon2id guards.
 * Its cost is written in the file, bound to the wrap and held between a pinned least and most: less is refused as
 * a downgrade, more as a way to fill the memory. Bytes: docs/format.md, "Key file".
 */
import { argon2id } from 'hash-wasm';
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import { openObject, sealObject, type ObjectContext } from './object.ts';
import type { StretchingCost } from './password.ts';
import type { Random } from './random.ts';

const MAGIC = Buffer.from('coffre/unlock/1\0', 'ascii');
const SALT_BYTES = 16;
const HEADER_BYTES = MAGIC.length + 12 + SALT_BYTES;

/** RFC 9106's memory-constrained option with one lane: the wasm build has one thread. */
export const UNLOCK_COST: StretchingCost = { memory: 65_536, iterations: 3, parallelism: 1 };
const MOST: StretchingCost = { memory: 1_048_576, iterations: 64, parallelism: 16 };

type KeyFileFault = 'malformed' | 'weak-cost' | 'excessive-cost' | 'wrong-passphrase';

export type OpenedUnlockKey =
  | { readonly ok: true; readonly unlockKey: Uint8Array }
  | { readonly ok: false; readonly fault: KeyFileFault };

export interface StretchPassphrase {
  readonly passphrase: string;
  readonly salt: Uint8Array;
  readonly cost: StretchingCost;
}

/** Argon2id, 32 bytes. Grows its memory for the life of the thread it runs in. */
export function stretchPassphrase({ passphrase, salt, cost }: StretchPassphrase): Promise<Uint8Array> {
  return argon2id({
    password: passphrase.normalize('NFKC'),
    salt,
    iterations: cost.iterations,
    parallelism: cost.parallelism,
    memorySize: cost.memory,
    hashLength: 32,
    outputType: 'binary',
  });
}

/** Where the stretching runs. */
export type Stretch = typeof stretchPassphrase;

/** The header is the associated data: cost and salt cannot be changed under the wrap. */
async function contextOf(
  header: Uint8Array,
  cost: StretchingCost,
  passphrase: string,
  stretch: Stretch,
): Promise<ObjectContext> {
  const salt = Uint8Array.from(header.subarray(HEADER_BYTES - SALT_BYTES));
  const key = await stretch({ passphrase, salt, cost });
  return { key, type: 'unlock-key', epoch: 0, vault: null, extra: header };
}

/**
 * @param passphrase not empty
 * @param cost for tests only
 */
export async function wrapUnlockKey(
  unlockKey: Uint8Array,
  passphrase: string,
  random: Random,
  cost: StretchingCost = UNLOCK_COST,
  stretch: Stretch = stretchPassphrase,
): Promise<Uint8Array> {
  const header = new ByteWriter(HEADER_BYTES)
    .raw(MAGIC)
    .u32(cost.memory)
    .u32(cost.iterations)
    .u32(cost.parallelism)
    .raw(random(SALT_BYTES))
    .finish();
  const context = await contextOf(header, cost, passphrase, stretch);
  return Buffer.concat([header, sealObject({ ...context, plaintext: unlockKey, random })]);
}

/** @param least for tests only */
export async function openUnlockKey(
  bytes: Uint8Array,
  passphrase: string,
  least: StretchingCost = UNLOCK_COST,
  stretch: Stretch = stretchPassphrase,
): Promise<OpenedUnlockKey> {
  const reader = new ByteReader(bytes);
  let cost: StretchingCost;
  try {
    if (!MAGIC.equals(reader.raw(MAGIC.length))) return { ok: false, fault: 'malformed' };
    cost = { memory: reader.u32(), iterations: reader.u32(), parallelism: reader.u32() };
    reader.raw(SALT_BYTES);
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, fault: 'malformed' };
    throw error;
  }
  if (
    cost.memory < least.memory ||
    cost.iterations < least.iterations ||
    cost.parallelism < least.parallelism
  ) {
    return { ok: false, fault: 'weak-cost' };
  }
  if (cost.memory > MOST.memory || cost.iterations > MOST.iterations || cost.parallelism > MOST.parallelism) {
    return { ok: false, fault: 'excessive-cost' };
  }
  if (passphrase === '') return { ok: false, fault: 'wrong-passphrase' };
  const context = await contextOf(bytes.subarray(0, HEADER_BYTES), cost, passphrase, stretch);
  const opened = openObject({ ...context, sealed: bytes.subarray(HEADER_BYTES) });
  if (!opened.ok)
    return { ok: false, fault: opened.fault === 'malformed' ? 'malformed' : 'wrong-passphrase' };
  return { ok: true, unlockKey: opened.plaintext };
}
