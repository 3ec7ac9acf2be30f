/**
 * Content: the ordered list of (chunk id, length). Its identity is the SHA-256 of the flattened list, so two
 * nodes of a vault hold the same bytes exactly when their content ids agree. A list above 64 entries is itself
 * stored as chunks, recursively. Bytes: docs/format.md, "Content lists".
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteWriter, MalformedError } from '../../protocol/bytes.ts';
import { toHex, type ChunkId, type ContentId } from '../../protocol/ids.ts';
import { MAX_PACK_BYTES } from '../../protocol/limits.ts';

export interface ListEntry {
  readonly chunk: ChunkId;
  /** Content bytes beneath this entry: those of the chunk, or of everything the list in it names. */
  readonly length: number;
}

/** An entry whose chunk is content: id and a u32 length. */
export const LEAF_ENTRY_BYTES = 36;
/** An entry whose chunk is a piece of a list: id and a u64 length. */
export const BRANCH_ENTRY_BYTES = 40;

/**
 * The bytes of a list that is stored as chunks.
 * @param level 1 when its entries name content, 2 and above when they name lists
 */
export function encodeList(list: readonly ListEntry[], level: number): Uint8Array {
  const writer = new ByteWriter(
    Math.max(1, list.length * (level === 1 ? LEAF_ENTRY_BYTES : BRANCH_ENTRY_BYTES)),
  );
  for (const entry of list) {
    writer.hex(entry.chunk, 32);
    if (level === 1) writer.u32(entry.length);
    else writer.u64(entry.length);
  }
  return writer.finish();
}

/** One chunk of a stored list: whole entries, at least one. @throws MalformedError */
export function decodeList(bytes: Uint8Array, level: number): ListEntry[] {
  const reader = new ByteReader(bytes);
  const list: ListEntry[] = [];
  do {
    const chunk = reader.hex(32) as ChunkId;
    const length = level === 1 ? reader.u32() : reader.u64();
    if (length === 0) throw new MalformedError('a list entry without content');
    if (level === 1 && length > MAX_PACK_BYTES) throw new MalformedError('a chunk larger than a pack');
    list.push({ chunk, length });
  } while (reader.remaining > 0);
  return list;
}

/** The content id, built entry by entry: memory does not grow with the file. */
export class ContentHash {
  readonly #hash = createHash('sha256');
  readonly #entry = Buffer.alloc(LEAF_ENTRY_BYTES);

  add(chunk: ChunkId, length: number): this {
    this.#entry.write(chunk, 0, 32, 'hex');
    this.#entry.writeUInt32BE(length, 32);
    this.#hash.update(this.#entry);
    return this;
  }

  finish(): ContentId {
    return toHex(this.#hash.digest()) as ContentId;
  }
}

/** @param list the flattened list: every entry's chunk is content */
export function contentIdOf(list: readonly ListEntry[]): ContentId {
  const content = new ContentHash();
  for (const entry of list) content.add(entry.chunk, entry.length);
  return content.finish();
}
