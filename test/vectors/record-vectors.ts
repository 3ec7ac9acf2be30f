/** Records and pack indexes, honest and hostile. */
import { ByteWriter } from '../../protocol/bytes.ts';
import { EMPTY_CONTENT, fromHex, ROOT_NODE, toHex, type ChunkId, type VaultId } from '../../protocol/ids.ts';
import { contentIdOf } from '../../sync-engine/crypto/content.ts';
import { sealObject } from '../../sync-engine/crypto/object.ts';
import { encodePackIndex } from '../../sync-engine/crypto/pack-index.ts';
import { encodeRecord, type NodeRecord } from '../../sync-engine/crypto/record.ts';
import { plain, run, type Input, type Vector } from './operations.ts';
import {
  chunk,
  Collection,
  drawing,
  epochKeys,
  file,
  flip,
  folder,
  index,
  keys,
  node,
  otherVault,
  pack,
  vault,
} from './shared.ts';

const draw = drawing('record');

/** A record's bytes with fields no encoder would write. */
function rawRecord(change: {
  version?: number;
  type?: number;
  mode?: number;
  name?: Uint8Array;
  size?: number;
  depth?: number;
  entries?: readonly (readonly [string, number])[];
  content?: string;
  tail?: string;
}): string {
  const name = change.name ?? Buffer.from('a');
  const writer = new ByteWriter()
    .u8(change.version ?? 1)
    .u8(change.type ?? 0)
    .hex(ROOT_NODE, 16)
    .u16(change.mode ?? 0o644)
    .i64(0)
    .blob(name);
  if (change.type !== 1) {
    const entries = change.entries ?? [[chunk, 5] as const];
    writer
      .varint(change.size ?? 5)
      .u8(change.depth ?? 0)
      .varint(entries.length);
    for (const [id, length] of entries) writer.hex(id, 32).varint(length);
    if (change.content !== undefined) writer.hex(change.content, 32);
  }
  return toHex(writer.raw(fromHex(change.tail ?? '')).finish());
}

/** Records on both sides of each of their sizes. */
export async function recordSizes(): Promise<Vector[]> {
  const out = new Collection();
  const drawn = drawing('record-sizes');
  const filled = (...lengths: number[]): NodeRecord => {
    const list = lengths.map((length) => ({ chunk: drawn(32) as ChunkId, length }));
    const size = lengths.reduce((sum, length) => sum + length, 0);
    return { ...file, size, list, content: contentIdOf(list) };
  };
  const of = (bytes: number): string => 'n'.repeat(bytes);
  const sized: [string, NodeRecord][] = [
    ['a folder with a name of 138 bytes', { ...folder, name: of(138) }],
    ['a folder with a name of 139 bytes', { ...folder, name: of(139) }],
    ['a file with a name of 1 byte', { ...filled(1), name: of(1) }],
    ['a file with a name of 99 bytes', { ...filled(1_000_000), name: of(99) }],
    ['a file with a name of 100 bytes', { ...filled(1_000_000), name: of(100) }],
    ['a file of three chunks', filled(500_000, 600_000, 70_000)],
    ['a file of nine chunks', filled(...Array<number>(9).fill(200_000))],
    ['a file of eleven chunks', filled(...Array<number>(11).fill(200_000))],
  ];
  for (const [name, record] of sized) {
    const input = { vault, epochKeys, node, revision: 3 };
    const random = drawn(32);
    const sealed = await out.make(name, 'record-seal', { ...input, epoch: 1, record: plain(record), random });
    out.expect(name, 'record-open', { ...input, sealed }, { record: plain(record), epoch: 1 });
  }
  return out.vectors;
}

export async function records(): Promise<Vector[]> {
  const out = new Collection();
  const nested = Array.from({ length: 64 }, (_, index) => ({
    chunk: draw(32) as ChunkId,
    length: 2 ** 30 + index,
  }));
  const size = nested.reduce((sum, entry) => sum + entry.length, 0);
  const valid: [string, NodeRecord][] = [
    ['a file', file],
    ['an empty file', { ...file, size: 0, list: [], content: EMPTY_CONTENT }],
    [
      'a file of nested lists',
      { ...file, depth: 1, list: nested, size, content: draw(32) as NodeRecord['content'] },
    ],
    ['a folder', folder],
    ['a symlink', { ...file, type: 'symlink', mode: 0o777, mtimeUs: 0 }],
    ['before 1970', { ...file, mtimeUs: -1 }],
    ['without permissions', { ...file, mode: 0 }],
    ['a name of 255 bytes', { ...folder, name: `${'é'.repeat(127)}x` }],
    ['a name beyond the basic plane', { ...folder, name: '🎁' }],
    ['a decomposed name', { ...folder, name: 'Mu\u0308ll' }],
    ['a name with a byte order mark', { ...folder, name: '\ufeffx' }],
    ['a name with a newline and a bidi control', { ...folder, name: 'a\n\u202etxt.exe' }],
    ['a Windows device name', { ...folder, name: 'CON' }],
    ['three dots', { ...folder, name: '...' }],
  ];
  for (const [name, record] of valid) {
    const input = { vault, epochKeys, node, revision: 3 };
    const sealed = await out.make(name, 'record-seal', {
      ...input,
      epoch: 1,
      record: plain(record),
      random: draw(32),
    });
    out.expect(name, 'record-open', { ...input, sealed }, { record: plain(record), epoch: 1 });
  }

  const hostile: [string, string, string][] = [
    ['an unknown version', 'bad-encoding', rawRecord({ version: 2 })],
    ['an unknown type', 'bad-encoding', rawRecord({ type: 3 })],
    ['an empty name', 'bad-name', rawRecord({ name: Buffer.alloc(0) })],
    ['the name .', 'bad-name', rawRecord({ name: Buffer.from('.') })],
    ['the name ..', 'bad-name', rawRecord({ name: Buffer.from('..') })],
    ['a name with a separator', 'bad-name', rawRecord({ name: Buffer.from('../../etc/passwd') })],
    ['a name with a NUL', 'bad-name', rawRecord({ name: Buffer.from('a\0.txt') })],
    ['a name of 256 bytes', 'bad-name', rawRecord({ name: Buffer.alloc(256, 'x') })],
    ['a name that is not UTF-8', 'bad-encoding', rawRecord({ name: Buffer.from([0x61, 0xff]) })],
    ['a name with an overlong separator', 'bad-encoding', rawRecord({ name: Buffer.from([0xc0, 0xaf]) })],
    [
      'a name with half a surrogate pair',
      'bad-encoding',
      rawRecord({ name: Buffer.from([0xed, 0xa0, 0x80]) }),
    ],
    ['a set-uid mode', 'bad-mode', rawRecord({ mode: 0o4755 })],
    ['a size that is not the sum', 'bad-content', rawRecord({ size: 6 })],
    ['an entry without content', 'bad-content', rawRecord({ size: 0, entries: [[chunk, 0]] })],
    [
      'an entry larger than a pack',
      'bad-content',
      rawRecord({ size: 2 ** 24 + 1, entries: [[chunk, 2 ** 24 + 1]] }),
    ],
    [
      '65 entries',
      'bad-encoding',
      rawRecord({ size: 65, entries: Array.from({ length: 65 }, () => [chunk, 1]) }),
    ],
    ['a count beyond its bytes', 'bad-encoding', `${rawRecord({ size: 0, entries: [] }).slice(0, -2)}40`],
    ['lists nested five deep', 'bad-content', rawRecord({ depth: 5, content: draw(32) })],
    [
      'depth without entries',
      'bad-content',
      rawRecord({ size: 0, depth: 1, entries: [], content: draw(32) }),
    ],
    ['nested lists without a content id', 'bad-encoding', rawRecord({ depth: 1 })],
    ['a symlink to nowhere', 'bad-content', rawRecord({ type: 2, size: 0, entries: [] })],
    ['a symlink of nested lists', 'bad-content', rawRecord({ type: 2, depth: 1, content: draw(32) })],
    [
      'a symlink above 64 KiB',
      'bad-content',
      rawRecord({ type: 2, size: 65_537, entries: [[chunk, 65_537]] }),
    ],
    ['bytes behind it', 'bad-padding', rawRecord({ type: 1, tail: '0001' })],
    [
      'an overlong varint',
      'bad-encoding',
      rawRecord({ size: 0, entries: [] }).replace(/000000$/, '80000000'),
    ],
    ['nothing', 'bad-encoding', ''],
  ];
  for (const [name, fault, bytes] of hostile) out.refuse(name, 'record-decode', { bytes }, fault);
  out.expect('zeros behind it', 'record-decode', { bytes: `${toHex(encodeRecord(file))}0000` }, plain(file));

  const input = { vault, epochKeys, node, revision: 3 };
  const seal = { ...input, epoch: 1, record: plain(file), random: draw(32) };
  const sealed = (await run({ operation: 'record-seal', input: seal })) as string;
  const open = (name: string, fault: string, change: Input): void =>
    out.refuse(name, 'record-open', { ...input, sealed, ...change }, fault);
  open('another node', 'wrong-commitment', { node: draw(16) });
  open('an older revision', 'wrong-commitment', { revision: 2 });
  open('a later revision', 'wrong-commitment', { revision: 4 });
  open('grafted from another vault', 'wrong-commitment', { vault: otherVault });
  open('an epoch without a key', 'wrong-epoch', { epochKeys: { 0: epochKeys[0] } });
  open('above 8 KiB', 'malformed', { sealed: sealed + '00'.repeat(7681) });
  const oversize = sealObject({
    key: keys.metaKey(1),
    type: 'record',
    epoch: 1,
    vault: vault as VaultId,
    extra: new ByteWriter().hex(node, 16).u64(3).finish(),
    plaintext: fromHex(rawRecord({ name: Buffer.from('..') })),
    random: (size) => fromHex(draw(size)),
  });
  open('a hostile name, well sealed', 'bad-name', { sealed: toHex(oversize) });
  return out.vectors;
}

/** An index of one segment at `gap`, of `length` sealed bytes, with chunks as raw fields. */
function rawIndex(
  gap: number,
  length: number,
  chunks: readonly (readonly [id: string, method: number, gap: number, stored: number, size?: number])[],
  epoch = 0,
): string {
  const writer = new ByteWriter()
    .u8(1)
    .varint(1)
    .varint(gap)
    .varint(length)
    .varint(epoch)
    .varint(chunks.length);
  for (const [id, method, chunkGap, stored, size] of chunks) {
    writer.hex(id, 32).u8(method).varint(chunkGap).varint(stored);
    if (size !== undefined) writer.varint(size);
  }
  return toHex(writer.finish());
}

export async function indexes(): Promise<Vector[]> {
  const out = new Collection();
  const input = { vault, epochKeys, pack };
  const sealed = (await out.make('two segments of two epochs', 'index-seal', {
    ...input,
    epoch: 1,
    index: plain(index),
    random: draw(32),
  })) as string;
  out.expect(
    'two segments of two epochs',
    'index-open',
    { ...input, sealed },
    { index: plain(index), epoch: 1 },
  );
  out.expect(
    'with padding',
    'index-decode',
    { bytes: `${toHex(encodePackIndex(index))}000000` },
    plain(index),
  );
  out.expect('of an empty pack', 'index-decode', { bytes: '0100' }, { segments: [], chunks: [] });
  out.refuse('another pack', 'index-open', { ...input, pack: draw(32), sealed }, 'wrong-commitment');
  out.refuse('another vault', 'index-open', { ...input, vault: otherVault, sealed }, 'wrong-commitment');
  out.refuse('a flipped bit', 'index-open', { ...input, sealed: flip(sealed, 100) }, 'bad-tag');

  const id = draw(32);
  const hostile: [string, string, string][] = [
    ['an unknown version', 'a pack index of an unknown version', '0200'],
    ['more segments than bytes', 'a count beyond the bytes that follow', '01ffff03'],
    ['more chunks than bytes', 'a count beyond the bytes that follow', `01010064000a`],
    ['a segment without content', 'a segment without content', rawIndex(0, 80, [[id, 0, 0, 1]])],
    ['a segment beyond the pack', 'a segment beyond the pack', rawIndex(2 ** 24, 100, [[id, 0, 0, 1]])],
    ['a segment without chunks', 'a segment without chunks', `${rawIndex(0, 100, [])}${'00'.repeat(40)}`],
    ['an epoch beyond 32 bits', 'an epoch beyond 32 bits', rawIndex(0, 100, [[id, 0, 0, 1]], 2 ** 32)],
    ['a chunk beyond its segment', 'a chunk beyond its segment', rawIndex(0, 100, [[id, 0, 0, 21]])],
    [
      'a chunk twice',
      'a chunk twice in one pack',
      rawIndex(0, 100, [
        [id, 0, 0, 1],
        [id, 0, 0, 1],
      ]),
    ],
    ['an unknown method', 'a chunk of an unknown method', rawIndex(0, 100, [[id, 2, 0, 1, 1]])],
    ['an empty chunk', 'a chunk without content', rawIndex(0, 100, [[id, 0, 0, 0]])],
    ['a compressed chunk of nothing', 'a chunk without content', rawIndex(0, 100, [[id, 1, 0, 5, 0]])],
    ['a decompression bomb', 'a chunk larger than a pack', rawIndex(0, 100, [[id, 1, 0, 5, 2 ** 40]])],
    ['bytes behind it', 'padding that is not zero', `${rawIndex(0, 100, [[id, 0, 0, 1]])}01`],
    [
      'its end missing',
      'a count beyond the bytes that follow',
      rawIndex(0, 100, [[id, 0, 0, 1]]).slice(0, -2),
    ],
  ];
  for (const [name, fault, bytes] of hostile) out.refuse(name, 'index-decode', { bytes }, fault);
  return out.vectors;
}
