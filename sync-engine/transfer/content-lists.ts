/**
 * Content as ordered lists. A list of more than MAX_LIST_ENTRIES is stored as chunks by the chunker that cuts
 * content, and the list of those again, until what is left fits a record. Both directions hold one chunk of a
 * list at each level, never the list of a whole file.
 */
import { MalformedError } from '../../protocol/bytes.ts';
import type { ChunkId } from '../../protocol/ids.ts';
import { MAX_LIST_ENTRIES } from '../../protocol/limits.ts';
import {
  BRANCH_ENTRY_BYTES,
  ContentHash,
  decodeList,
  encodeList,
  LEAF_ENTRY_BYTES,
} from '../crypto/content.ts';
import { MAX_LIST_DEPTH } from '../crypto/record.ts';
import { MAX_CHUNK_BYTES, type Chunker } from './chunker.ts';
import type { Content, ListEntry } from './sealing-jobs.ts';

interface Level {
  /** Entries that are in no chunk yet. */
  pending: ListEntry[];
  /** More than a record holds, so all of it is stored as chunks. */
  stored: boolean;
}

function entryBytes(depth: number): number {
  return depth === 0 ? LEAF_ENTRY_BYTES : BRANCH_ENTRY_BYTES;
}

/** Builds a Content from its chunks in order. */
export class ContentBuilder {
  readonly #chunker: Chunker;
  readonly #store: (list: Uint8Array) => ChunkId;
  readonly #levels: Level[] = [{ pending: [], stored: false }];
  readonly #hash = new ContentHash();
  #size = 0;

  /** @param store takes one chunk of a list (its bytes are not touched again) and names it */
  constructor(chunker: Chunker, store: (list: Uint8Array) => ChunkId) {
    this.#chunker = chunker;
    this.#store = store;
  }

  add(chunk: ChunkId, length: number): void {
    this.#hash.add(chunk, length);
    this.#size += length;
    this.#append(0, { chunk, length });
  }

  #level(depth: number): Level {
    return (this.#levels[depth] ??= { pending: [], stored: false });
  }

  #append(depth: number, entry: ListEntry): void {
    const { pending } = this.#level(depth);
    pending.push(entry);
    // Twice the largest chunk: what is left over is encoded again, so it should be seldom.
    if (pending.length * entryBytes(depth) >= 2 * MAX_CHUNK_BYTES) this.#storeChunks(depth, false);
  }

  /** Stores what is certain to be whole chunks, or with `all` everything. */
  #storeChunks(depth: number, all: boolean): void {
    const level = this.#level(depth);
    const { pending } = level;
    const unit = entryBytes(depth);
    const bytes = encodeList(pending, depth + 1);
    level.stored = true;
    level.pending = [];
    let start = 0;
    while (bytes.length - start >= (all ? 1 : MAX_CHUNK_BYTES)) {
      const end = this.#chunker.cutEntries(bytes, start, bytes.length, unit);
      let length = 0;
      for (const entry of pending.slice(start / unit, end / unit)) length += entry.length;
      this.#append(depth + 1, { chunk: this.#store(bytes.subarray(start, end)), length });
      start = end;
    }
    level.pending = pending.slice(start / unit);
  }

  /** @throws Error when the content is beyond what lists of the greatest depth name */
  finish(): Content {
    let depth = 0;
    while (this.#level(depth).stored || this.#level(depth).pending.length > MAX_LIST_ENTRIES) {
      this.#storeChunks(depth, true);
      depth += 1;
    }
    if (depth > MAX_LIST_DEPTH) throw new Error('content beyond the depth of its lists');
    return { id: this.#hash.finish(), size: this.#size, depth, list: this.#level(depth).pending };
  }
}

/**
 * The entries that name content, in order and in runs; at the end they have been checked against the content's
 * size and id. Errors of `read` pass through.
 * @param read opens one chunk of a list
 * @throws MalformedError when the lists are not those of this content
 */
export async function* flattenContent(
  content: Content,
  read: (chunk: ChunkId) => Promise<Uint8Array>,
): AsyncGenerator<readonly ListEntry[], void, void> {
  if (content.depth > MAX_LIST_DEPTH) throw new MalformedError('lists too deep');
  const hash = new ContentHash();
  let size = 0;
  for await (const run of leaves(content.list, content.depth, read)) {
    for (const entry of run) {
      hash.add(entry.chunk, entry.length);
      size += entry.length;
    }
    // Before more is read for it: a list may not promise one size and name another.
    if (size > content.size) throw new MalformedError('a list beyond the size of its content');
    yield run;
  }
  if (size !== content.size) throw new MalformedError('a list short of the size of its content');
  if (hash.finish() !== content.id) throw new MalformedError('a list that is not that of its content');
}

async function* leaves(
  list: readonly ListEntry[],
  depth: number,
  read: (chunk: ChunkId) => Promise<Uint8Array>,
): AsyncGenerator<readonly ListEntry[], void, void> {
  if (depth === 0) {
    if (list.length > 0) yield list;
    return;
  }
  for (const entry of list) {
    const below = decodeList(await read(entry.chunk), depth);
    let length = 0;
    for (const { length: part } of below) length += part;
    if (length !== entry.length) throw new MalformedError('a list entry of another length than its list');
    yield* leaves(below, depth - 1, read);
  }
}
