/**
 * Object F1, the form of every sealed thing: `magic2|suite|type|epoch u32|salt32|commit32|ciphertext|tag16`.
 * The salt gives each object its own key, so the GCM nonce can be zero, and the commitment ties the bytes to
 * that key and to the whole context (AES-GCM alone commits to neither: one ciphertext can open under two keys).
 * Bytes: docs/format.md, "Object F1".
 */
import { createCipheriv, createDecipheriv, hash, timingSafeEqual } from 'node:crypto';
import { fromHex, type SealedObject, type VaultId } from '../../protocol/ids.ts';
import { hkdf } from './hmac.ts';
import type { Random } from './random.ts';

/** The type byte of each sealed thing. Numbers are for life. */
export const OBJECT_TYPES = {
  record: 1,
  index: 2,
  segment: 3,
  'previous-key': 4,
  'root-by-password': 5,
  'root-by-recovery': 6,
  'account-box-key': 7,
  'device-name': 8,
  'device-secrets': 9,
  'unlock-key': 10,
  'phrase-by-root': 11,
} as const;
export type ObjectType = keyof typeof OBJECT_TYPES;

const MAGIC = Buffer.from('F1', 'ascii');
/** HKDF-SHA256, AES-256-GCM. A client constant: an object of another suite is refused before any key is used. */
const SUITE = 1;
const HEADER_BYTES = 8;
const SALT_BYTES = 32;
const COMMIT_BYTES = 32;
const TAG_BYTES = 16;
const ZERO_NONCE = Buffer.alloc(12);

/** Salt, commitment and tag: what sealing adds to a segment. */
export const SEGMENT_OVERHEAD_BYTES = SALT_BYTES + COMMIT_BYTES + TAG_BYTES;
/** What sealing adds to any other object. */
export const OBJECT_OVERHEAD_BYTES = HEADER_BYTES + SEGMENT_OVERHEAD_BYTES;

/**
 * Why an object did not open. For tests and diagnostics: a person sees one message for all of them, and no
 * request that follows may depend on which it was.
 */
export type ObjectFault =
  'malformed' | 'wrong-suite' | 'wrong-type' | 'wrong-epoch' | 'wrong-commitment' | 'bad-tag';

export type Opened =
  { readonly ok: true; readonly plaintext: Uint8Array } | { readonly ok: false; readonly fault: ObjectFault };

/** What an object is bound to; sealing and opening must name the same. */
export interface ObjectContext {
  /** 32 bytes, for one purpose. */
  readonly key: Uint8Array;
  readonly type: ObjectType;
  readonly epoch: number;
  /** Null for an object of no vault; its place in the associated data is then zero. */
  readonly vault: VaultId | null;
  /** Further associated data; its length is fixed by the type. */
  readonly extra: Uint8Array;
}

export const NO_EXTRA: Uint8Array = new Uint8Array(0);
const INFO_PREFIX_BYTES = 4;

/** magic, suite, type, epoch, vault, extra. */
function associatedData(context: ObjectContext): Buffer {
  const data = Buffer.alloc(HEADER_BYTES + 16 + context.extra.length);
  data.set(MAGIC, 0);
  data[2] = SUITE;
  data[3] = OBJECT_TYPES[context.type];
  data.writeUInt32BE(context.epoch, 4);
  if (context.vault !== null) data.set(fromHex(context.vault), HEADER_BYTES);
  data.set(context.extra, HEADER_BYTES + 16);
  return data;
}

/** The single-use key and the commitment: HKDF-SHA256(key, salt, "F1/" type SHA-256(associated data), 64). */
function deriveKeys(context: ObjectContext, salt: Uint8Array): { key: Buffer; commit: Buffer } {
  if (context.key.length !== 32) throw new RangeError('a sealing key has 32 bytes');
  const info = Buffer.allocUnsafe(INFO_PREFIX_BYTES + 32);
  info.write('F1/', 0, 'ascii');
  info[3] = OBJECT_TYPES[context.type];
  info.set(hash('sha256', associatedData(context), 'buffer'), INFO_PREFIX_BYTES);
  const derived = hkdf(context.key, salt, info, 64);
  return { key: derived.subarray(0, 32), commit: derived.subarray(32) };
}

/** `header|salt|commit|ciphertext|tag`. */
function seal(context: ObjectContext, header: Uint8Array, plaintext: Uint8Array, random: Random): Buffer {
  const sealed = Buffer.allocUnsafe(header.length + plaintext.length + SEGMENT_OVERHEAD_BYTES);
  sealed.set(header);
  sealBody(context, sealed, header.length, plaintext, random);
  return sealed;
}

/** Writes `salt|commit|ciphertext|tag` to `target` from `at` on. */
function sealBody(
  context: ObjectContext,
  target: Uint8Array,
  at: number,
  plaintext: Uint8Array,
  random: Random,
): void {
  const salt = random(SALT_BYTES);
  if (salt.length !== SALT_BYTES) throw new RangeError('the randomness has the wrong size');
  const { key, commit } = deriveKeys(context, salt);
  const cipher = createCipheriv('aes-256-gcm', key, ZERO_NONCE);
  target.set(salt, at);
  target.set(commit, at + SALT_BYTES);
  target.set(cipher.update(plaintext), at + SALT_BYTES + COMMIT_BYTES);
  cipher.final();
  target.set(cipher.getAuthTag(), at + SALT_BYTES + COMMIT_BYTES + plaintext.length);
  key.fill(0);
}

function open(context: ObjectContext, body: Uint8Array): Opened {
  const commitAt = SALT_BYTES;
  const textAt = SALT_BYTES + COMMIT_BYTES;
  const tagAt = body.length - TAG_BYTES;
  const { key, commit } = deriveKeys(context, body.subarray(0, commitAt));
  try {
    if (!timingSafeEqual(commit, body.subarray(commitAt, textAt)))
      return { ok: false, fault: 'wrong-commitment' };
    const decipher = createDecipheriv('aes-256-gcm', key, ZERO_NONCE, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(body.subarray(tagAt));
    const plaintext = decipher.update(body.subarray(textAt, tagAt));
    try {
      decipher.final();
    } catch {
      plaintext.fill(0); // not one byte leaves before the tag holds
      return { ok: false, fault: 'bad-tag' };
    }
    return { ok: true, plaintext };
  } finally {
    key.fill(0);
  }
}

/** @throws RangeError on a key or an epoch of the wrong size */
export function sealObject(
  request: ObjectContext & { readonly plaintext: Uint8Array; readonly random: Random },
): SealedObject {
  const header = associatedData(request).subarray(0, HEADER_BYTES);
  return seal(request, header, request.plaintext, request.random) as Uint8Array as SealedObject;
}

export function openObject(request: ObjectContext & { readonly sealed: Uint8Array }): Opened {
  const { sealed } = request;
  if (sealed.length < OBJECT_OVERHEAD_BYTES || !MAGIC.equals(sealed.subarray(0, 2))) {
    return { ok: false, fault: 'malformed' };
  }
  if (sealed[2] !== SUITE) return { ok: false, fault: 'wrong-suite' };
  if (sealed[3] !== OBJECT_TYPES[request.type]) return { ok: false, fault: 'wrong-type' };
  if (sealedEpoch(sealed) !== request.epoch) return { ok: false, fault: 'wrong-epoch' };
  return open(request, sealed.subarray(HEADER_BYTES));
}

/** The epoch an object says it is of, to choose the key by; null when it is too short. Proved by opening. */
export function sealedEpoch(sealed: Uint8Array): number | null {
  if (sealed.length < HEADER_BYTES) return null;
  return new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength).getUint32(4);
}

/** An object without its header, as it lies in a pack: nothing marks its boundary. */
export function sealHeaderless(
  request: ObjectContext & { readonly plaintext: Uint8Array; readonly random: Random },
): Uint8Array {
  return seal(request, NO_EXTRA, request.plaintext, request.random);
}

/** The same, written to `target` from `at` on: where a pack is built, without one copy more. */
export function sealHeaderlessInto(
  request: ObjectContext & { readonly plaintext: Uint8Array; readonly random: Random },
  target: Uint8Array,
  at: number,
): void {
  sealBody(request, target, at, request.plaintext, request.random);
}

export function openHeaderless(request: ObjectContext & { readonly sealed: Uint8Array }): Opened {
  if (request.sealed.length < SEGMENT_OVERHEAD_BYTES) return { ok: false, fault: 'malformed' };
  return open(request, request.sealed);
}
