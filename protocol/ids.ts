/**
 * Branded identifiers and byte kinds. In memory and in JSON every id is lower-case hex; in bytes it is
 * raw. A brand carries meaning the compiler checks: `remote` takes nothing but sealed bytes, so sending
 * plaintext does not compile.
 */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** 16 bytes: the first half of SHA-256("coffre/account\0" || master Ed25519 public key). */
export type AccountId = Brand<string, 'AccountId'>;
/** 16 bytes: the first half of SHA-256("coffre/device\0" || device Ed25519 public key). */
export type DeviceId = Brand<string, 'DeviceId'>;
/** 16 random bytes. */
export type VaultId = Brand<string, 'VaultId'>;
/** 16 random bytes, for the life of a node; never reused after its tombstone. */
export type NodeId = Brand<string, 'NodeId'>;
/** 32 bytes: HMAC-SHA256(K_id, plaintext of the chunk). */
export type ChunkId = Brand<string, 'ChunkId'>;
/** 32 bytes: SHA-256 of the bytes of the pack, padding included. */
export type PackName = Brand<string, 'PackName'>;
/** 32 bytes: SHA-256 of a sealed object, a commit header or a chain entry. */
export type Hash = Brand<string, 'Hash'>;
/** 32 bytes: SHA-256 of the flattened (chunk id, length) list; identifies content within one vault. */
export type ContentId = Brand<string, 'ContentId'>;

/** Bytes that left the crypto room as one F1 object (a record, a pack index, a wrapped key). */
export type SealedObject = Brand<Uint8Array, 'SealedObject'>;
/** Bytes of a whole pack: sealed segments and padding. */
export type SealedPack = Brand<Uint8Array, 'SealedPack'>;

export const ROOT_NODE = '00000000000000000000000000000001' as NodeId;
export const TRASH_NODE = '00000000000000000000000000000002' as NodeId;
export const ZERO_HASH = '0'.repeat(64) as Hash;
/** The content of an empty file: SHA-256 of the empty list. */
export const EMPTY_CONTENT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as ContentId;

const HEX16 = /^[0-9a-f]{32}$/;
const HEX32 = /^[0-9a-f]{64}$/;

/** True when the text is the hex form of a 16-byte id. */
export function isId16(text: string): boolean {
  return HEX16.test(text);
}

/** True when the text is the hex form of 32 bytes. */
export function isId32(text: string): boolean {
  return HEX32.test(text);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}
