import { createCipheriv, createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../protocol/bytes.ts';
import { EMPTY_CONTENT, type ChunkId } from '../../protocol/ids.ts';
import { MAX_LIST_ENTRIES } from '../../protocol/limits.ts';
import { contentIdOf } from '../crypto/content.ts';
import { Chunker, MAX_CHUNK_BYTES } from './chunker.ts';
import { ContentBuilder, flattenContent } from './content-lists.ts';
import type { Content, ListEntry } from './sealing-jobs.ts';

const chunker = new Chunker(new Uint8Array(32).fill(9));
const hash = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex') as ChunkId;
/** Ids like noise, eight bytes apart in it: naming half a million by hash would be most of the test. */
const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  .update(Buffer.alloc(4_100_000))
  .toString('hex');
const entry = (index: number): ListEntry => ({
  chunk: noise.slice(index * 16, index * 16 + 64) as ChunkId,
  length: 1 + (index % 1000),
});
const entries = (count: number) => Array.from({ length: count }, (_, index) => entry(index));

function build(list: readonly ListEntry[]) {
  const stored = new Map<ChunkId, Uint8Array>();
  const builder = new ContentBuilder(chunker, (bytes) => {
    expect(bytes.length).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
    const id = hash(bytes);
    stored.set(id, Uint8Array.from(bytes));
    return id;
  });
  for (const { chunk, length } of list) builder.add(chunk, length);
  return { content: builder.finish(), stored };
}

async function flatten(content: Content, stored: ReadonlyMap<ChunkId, Uint8Array>): Promise<ListEntry[]> {
  const list: ListEntry[] = [];
  for await (const run of flattenContent(content, async (chunk) => stored.get(chunk)!)) list.push(...run);
  return list;
}

describe('content lists', { timeout: 30_000 }, () => {
  it('has a content without chunks', async () => {
    const { content, stored } = build([]);
    expect(content).toEqual({ id: EMPTY_CONTENT, size: 0, depth: 0, list: [] });
    expect(await flatten(content, stored)).toEqual([]);
  });

  it.each([
    [1, 0],
    [MAX_LIST_ENTRIES, 0],
    [MAX_LIST_ENTRIES + 1, 1],
    [70_000, 1],
    [510_000, 2],
  ])('holds %d entries at depth %d', async (count, depth) => {
    const list = entries(count);
    const { content, stored } = build(list);
    expect(content.depth).toBe(depth);
    expect(content.list.length).toBeLessThanOrEqual(MAX_LIST_ENTRIES);
    expect(content.size).toBe(list.reduce((sum, { length }) => sum + length, 0));
    expect(content.list.reduce((sum, { length }) => sum + length, 0)).toBe(content.size);
    expect(content.id).toBe(contentIdOf(list));
    const flat = await flatten(content, stored);
    expect(flat.length).toBe(count);
    expect(contentIdOf(flat)).toBe(content.id);
  });

  it('stores few lists anew when a long list changes in the middle', () => {
    const list = entries(70_000);
    const before = build(list).stored;
    const after = build([...list.slice(0, 35_000), entry(500_000), ...list.slice(35_000)]).stored;
    expect(before.size).toBeGreaterThan(5);
    expect([...after.keys()].filter((id) => !before.has(id)).length).toBeLessThanOrEqual(2);
  });

  it('refuses lists that are not those of the content', async () => {
    const { content, stored } = build(entries(5000));
    const [first] = content.list;
    const bytes = stored.get(first!.chunk)!;
    const swapped = Uint8Array.from(bytes);
    swapped.copyWithin(0, 36 * 1000, 36 * 1001); // another entry of the same length stands first
    const cases: [string, Content, Uint8Array][] = [
      ['another size', { ...content, size: content.size - 1 }, bytes],
      ['another id', { ...content, id: EMPTY_CONTENT }, bytes],
      ['half an entry', content, bytes.subarray(0, bytes.length - 1)],
      ['an entry less', content, bytes.subarray(0, bytes.length - 36)],
      ['another entry', content, swapped],
      ['no entries', content, new Uint8Array(0)],
      ['too deep', { ...content, depth: 5 }, bytes],
    ];
    for (const [name, wrong, list] of cases) {
      const reading = flatten(wrong, new Map([...stored, [first!.chunk, list]]));
      await expect(reading, name).rejects.toThrow(MalformedError);
    }
  });
});
