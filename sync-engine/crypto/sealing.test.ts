import { createCipheriv, createHmac, hash, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../protocol/bytes.ts';
import type { ChunkId, PackName, VaultId } from '../../protocol/ids.ts';
import { EMPTY_CONTENT } from '../../protocol/ids.ts';
import { MAX_INDEX_BYTES, MAX_PACK_BYTES } from '../../protocol/limits.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { contentIdOf, decodeList, encodeList } from './content.ts';
import { HmacKey } from './hmac.ts';
import { NO_EXTRA, openObject, sealObject, sealedEpoch, type ObjectContext } from './object.ts';
import {
  decodePackIndex,
  encodePackIndex,
  openPackIndex,
  sealPackIndex,
  type PackIndex,
} from './pack-index.ts';
import { MIN_PACK_BYTES, padme, padPack, padPackInPlace } from './padding.ts';
import { openSegment, sealSegment } from './segment.ts';
import { VaultKeys } from './vault-keys.ts';

const random = seededRandom('sealing tests');
const vault = '0a'.repeat(16) as VaultId;
const keys = new VaultKeys(vault, [
  [0, random(32)],
  [1, random(32)],
]);
const chunk = (fill: number): ChunkId => fill.toString(16).padStart(2, '0').repeat(32) as ChunkId;

describe('HMAC', () => {
  it('agrees with node:crypto at every length around its two ways', () => {
    const key = random(32);
    const mac = new HmacKey(key);
    for (const length of [0, 1, 55, 56, 63, 64, 65, 4095, 4096, 4097, 100_000]) {
      const message = random(length);
      expect(mac.mac(message).equals(createHmac('sha256', key).update(message).digest())).toBe(true);
    }
  });
});

describe('object F1', () => {
  const context: ObjectContext = { key: random(32), type: 'record', epoch: 3, vault, extra: random(24) };
  const plaintext = Buffer.from('what nobody else may read');

  it('opens to what was sealed, however often it is sealed', () => {
    const first = sealObject({ ...context, plaintext, random });
    const second = sealObject({ ...context, plaintext, random });
    expect(Buffer.from(first).equals(second)).toBe(false);
    for (const sealed of [first, second]) {
      expect(openObject({ ...context, sealed })).toEqual({ ok: true, plaintext });
    }
    expect(sealedEpoch(first)).toBe(3);
  });

  it('holds an empty plaintext', () => {
    const sealed = sealObject({ ...context, plaintext: NO_EXTRA, random });
    expect(openObject({ ...context, sealed })).toEqual({ ok: true, plaintext: Buffer.alloc(0) });
  });

  it('refuses every flipped bit and every truncation', () => {
    const sealed = sealObject({ ...context, plaintext, random });
    for (let bit = 0; bit < sealed.length * 8; bit += 3) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(openObject({ ...context, sealed: flipped }).ok).toBe(false);
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(openObject({ ...context, sealed: sealed.subarray(0, length) }).ok).toBe(false);
    }
  });

  it.each([
    ['wrong-commitment', { key: Buffer.alloc(32, 9) }],
    ['wrong-commitment', { vault: 'ff'.repeat(16) as VaultId }],
    ['wrong-commitment', { vault: null }],
    ['wrong-commitment', { extra: new Uint8Array(24) }],
    ['wrong-type', { type: 'index' }],
    ['wrong-epoch', { epoch: 4 }],
  ] as const)('is bound to its context: %s', (fault, other) => {
    const sealed = sealObject({ ...context, plaintext, random });
    expect(openObject({ ...context, ...other, sealed })).toEqual({ ok: false, fault });
  });

  it('says what is wrong before it uses a key, and gives no byte out when the tag does not hold', () => {
    const sealed = sealObject({ ...context, plaintext, random });
    const changed = (at: number) => {
      const bytes = Buffer.from(sealed);
      bytes[at]! ^= 1;
      return openObject({ ...context, sealed: bytes });
    };
    expect(changed(0)).toEqual({ ok: false, fault: 'malformed' });
    expect(changed(2)).toEqual({ ok: false, fault: 'wrong-suite' });
    expect(changed(sealed.length - 1)).toEqual({ ok: false, fault: 'bad-tag' });
    expect(sealedEpoch(sealed.subarray(0, 7))).toBeNull();
  });

  it('is made and opened with a whole key and whole randomness, or not at all', () => {
    const sealed = sealObject({ ...context, plaintext, random });
    for (const size of [0, 16, 31, 33]) {
      const short = { ...context, key: random(size) };
      expect(() => sealObject({ ...short, plaintext, random })).toThrow('32 bytes');
      expect(() => openObject({ ...short, sealed })).toThrow('32 bytes');
      expect(() => sealObject({ ...context, plaintext, random: () => random(size) })).toThrow('wrong size');
    }
  });

  it('never uses a key twice, even when a compare-and-swap is refused a thousand times', () => {
    const salts = new Set<string>();
    const commits = new Set<string>();
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      const sealed = Buffer.from(sealObject({ ...context, plaintext, random }));
      salts.add(sealed.toString('hex', 8, 40));
      commits.add(sealed.toString('hex', 40, 72));
    }
    expect([salts.size, commits.size]).toEqual([1000, 1000]);
  });

  it('is what the format says, computed here by other means', () => {
    const salt = Buffer.alloc(32, 7);
    const sealed = sealObject({ ...context, plaintext, random: () => salt });
    const header = Buffer.from('46310101' + '00000003', 'hex');
    const data = Buffer.concat([header, Buffer.from(vault, 'hex'), context.extra]);
    const info = Buffer.concat([Buffer.from('F1/\u0001'), hash('sha256', data, 'buffer')]);
    const derived = Buffer.from(hkdfSync('sha256', context.key, salt, info, 64));
    const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), Buffer.alloc(12));
    const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const expected = Buffer.concat([header, salt, derived.subarray(32), text, cipher.getAuthTag()]);
    expect(Buffer.from(sealed).equals(expected)).toBe(true);
  });
});

describe('segments', () => {
  it('open under their epoch alone', () => {
    const plaintext = random(1000);
    const sealed = sealSegment(keys, 1, plaintext, random);
    expect(sealed.length).toBe(plaintext.length + 80);
    const opened = openSegment(keys, 1, sealed);
    expect(opened.ok && Buffer.from(opened.plaintext).equals(plaintext)).toBe(true);
    expect(openSegment(keys, 0, sealed)).toEqual({ ok: false, fault: 'wrong-commitment' });
    expect(openSegment(keys, 2, sealed)).toEqual({ ok: false, fault: 'wrong-epoch' });
    expect(openSegment(keys, 1, sealed.subarray(0, 79))).toEqual({ ok: false, fault: 'malformed' });
  });

  it('do not pass from one vault to another', () => {
    const foreign = new VaultKeys('0b'.repeat(16) as VaultId, [[0, keys.epochKey(0)]]);
    const sealed = sealSegment(keys, 0, random(10), random);
    expect(openSegment(foreign, 0, sealed)).toEqual({ ok: false, fault: 'wrong-commitment' });
  });
});

describe('Padmé', () => {
  it('costs at most 12 %, never shrinks, and is its own fixed point', () => {
    for (let size = 0; size < 70_000; size += 1) {
      const padded = padme(size);
      expect(padded >= size && padded <= Math.ceil(size * 1.12)).toBe(true);
      if (size % 97 === 0) expect(padme(padded)).toBe(padded);
    }
  });

  it('leaves few sizes to tell apart', () => {
    const sizes = new Set<number>();
    for (let size = 1; size <= MAX_PACK_BYTES; size += 511) sizes.add(padme(size));
    expect(sizes.size).toBeLessThan(400);
    expect(padme(MAX_PACK_BYTES)).toBe(MAX_PACK_BYTES);
  });

  it('follows the definition beyond 32 bits', () => {
    // 2^40 + 1: 41 bits, exponent 40 of 6 bits, so 34 low bits are rounded up.
    expect(padme(2 ** 40 + 1)).toBe(2 ** 40 + 2 ** 34);
    expect(padme(9)).toBe(10);
    expect(padme(100)).toBe(104);
  });

  it('fills a pack with bytes that are not zeros', () => {
    const pack = padPack([random(100)], random);
    expect(pack.length).toBe(MIN_PACK_BYTES);
    expect(pack.subarray(100).filter((byte) => byte === 0).length).toBeLessThan(30);
    expect(() => padPack([new Uint8Array(MAX_PACK_BYTES + 1)], random)).toThrow(RangeError);
  });

  it('fills a pack in place as it fills a new one', () => {
    const segments = random(5000);
    const room = new Uint8Array(8192);
    room.set(segments);
    const inPlace = padPackInPlace(room, segments.length, seededRandom('padding'));
    expect(Buffer.from(inPlace).equals(padPack([segments], seededRandom('padding')))).toBe(true);
    expect(inPlace.buffer).toBe(room.buffer);
    expect(() => padPackInPlace(new Uint8Array(1000), 900, random)).toThrow(RangeError);
  });
});

describe('pack indexes', () => {
  const index: PackIndex = {
    segments: [
      { offset: 0, length: 1080, epoch: 1 },
      { offset: 1100, length: 180, epoch: 0 },
    ],
    chunks: [
      { id: chunk(1), segment: 0, method: 0, offset: 0, storedLength: 600, length: 600 },
      { id: chunk(2), segment: 0, method: 1, offset: 650, storedLength: 300, length: 5000 },
      { id: chunk(3), segment: 1, method: 0, offset: 0, storedLength: 100, length: 100 },
    ],
  };
  const pack = 'ee'.repeat(32) as PackName;

  it('come back, whatever the order they were collected in', () => {
    expect(decodePackIndex(encodePackIndex(index))).toEqual(index);
    expect(encodePackIndex({ ...index, chunks: [...index.chunks].reverse() })).toEqual(
      encodePackIndex(index),
    );
    const sealed = sealPackIndex(keys, 1, pack, index, random);
    expect(sealed.length).toBe(512);
    expect(openPackIndex(keys, pack, sealed)).toEqual({ ok: true, index, epoch: 1 });
  });

  it('belong to one pack', () => {
    const sealed = sealPackIndex(keys, 1, pack, index, random);
    const opened = openPackIndex(keys, 'ef'.repeat(32) as PackName, sealed);
    expect(opened).toEqual({ ok: false, fault: 'wrong-commitment' });
  });

  const one = index.chunks[0]!;
  const segment = index.segments[0]!;
  it.each<[string, PackIndex]>([
    ['overlapping segments', { ...index, segments: [segment, { ...segment, offset: 500 }] }],
    ['a segment beyond the pack', { ...index, segments: [segment, { ...segment, offset: MAX_PACK_BYTES }] }],
    [
      'a chunk beyond its segment',
      { segments: [segment], chunks: [{ ...one, storedLength: 1001, length: 1001 }] },
    ],
    ['overlapping chunks', { segments: [segment], chunks: [one, { ...one, id: chunk(9), offset: 10 }] }],
    [
      'a chunk twice',
      { segments: [segment], chunks: [one, { ...one, offset: 600, storedLength: 1, length: 1 }] },
    ],
    ['a chunk of no segment', { segments: [segment], chunks: [one, { ...one, id: chunk(9), segment: 1 }] }],
    ['an empty chunk', { segments: [segment], chunks: [{ ...one, storedLength: 0, length: 0 }] }],
    ['two lengths of a stored chunk', { segments: [segment], chunks: [{ ...one, length: 601 }] }],
    [
      'an output without bounds',
      { segments: [segment], chunks: [{ ...one, method: 1, length: MAX_PACK_BYTES + 1 }] },
    ],
  ])('refuse %s', (_, wrong) => {
    expect(() => encodePackIndex(wrong)).toThrow(RangeError);
  });

  interface Written {
    readonly version?: number;
    readonly length?: number;
    readonly epoch?: number;
    readonly chunks?: number;
    readonly method?: number;
    readonly stored?: number;
    readonly padding?: number;
  }
  /** One segment with one chunk of 600 bytes, as another implementation might write it. */
  function byHand(other: Written): Uint8Array {
    const writer = new ByteWriter(64).u8(other.version ?? 1).varint(1);
    writer
      .varint(0)
      .varint(other.length ?? 1080)
      .varint(other.epoch ?? 1);
    writer.varint(other.chunks ?? 1);
    if (other.chunks !== 0) {
      const stored = other.stored ?? 600;
      writer
        .hex(chunk(1), 32)
        .u8(other.method ?? 0)
        .varint(0)
        .varint(stored);
      if (other.method === 1) writer.varint(0);
    }
    return writer.u8(other.padding ?? 0).finish();
  }

  it.each<[string, Written]>([
    ['unknown version', { version: 2 }],
    ['segment without content', { length: 80 }],
    ['beyond 32 bits', { epoch: 2 ** 32 }],
    ['segment without chunks', { chunks: 0 }],
    ['unknown method', { method: 2 }],
    ['chunk without content', { stored: 0 }],
    ['chunk without content', { method: 1 }],
    ['not zero', { padding: 1 }],
  ])('are refused when they are read: %s', (why, wrong) => {
    expect(decodePackIndex(byHand({})).chunks).toHaveLength(1);
    expect(() => decodePackIndex(byHand(wrong))).toThrow(why);
    // The same from someone who has the key.
    const sealed = sealObject({
      key: keys.metaKey(1),
      type: 'index',
      epoch: 1,
      vault,
      extra: Buffer.from(pack, 'hex'),
      plaintext: byHand(wrong),
      random,
    });
    expect(openPackIndex(keys, pack, sealed)).toEqual({ ok: false, fault: 'bad-index' });
  });

  it('do not open without the key of their epoch, cut short, or beyond their size', () => {
    const sealed = sealPackIndex(keys, 1, pack, index, random);
    const newcomer = new VaultKeys(vault, [[0, keys.epochKey(0)]]);
    expect(openPackIndex(newcomer, pack, sealed)).toEqual({ ok: false, fault: 'wrong-epoch' });
    expect(openPackIndex(keys, pack, sealed.subarray(0, 7))).toEqual({ ok: false, fault: 'malformed' });
    const vast = Buffer.concat([sealed, Buffer.alloc(MAX_INDEX_BYTES)]);
    expect(openPackIndex(keys, pack, vast)).toEqual({ ok: false, fault: 'malformed' });
  });
});

describe('content lists', () => {
  it('name empty content as the protocol does', () => {
    expect(contentIdOf([])).toBe(EMPTY_CONTENT);
  });

  it('hash as the stored list of level 1 does', () => {
    const list = [
      { chunk: chunk(4), length: 7 },
      { chunk: chunk(5), length: 70_000 },
    ];
    expect(contentIdOf(list)).toBe(hash('sha256', encodeList(list, 1), 'hex'));
    expect(decodeList(encodeList(list, 1), 1)).toEqual(list);
    const branch = [{ chunk: chunk(4), length: 2 ** 40 }];
    expect(decodeList(encodeList(branch, 2), 2)).toEqual(branch);
  });

  it('refuse half entries, empty lists and entries without content', () => {
    const list = encodeList([{ chunk: chunk(4), length: 7 }], 1);
    expect(() => decodeList(list.subarray(0, 35), 1)).toThrow('too early');
    expect(() => decodeList(new Uint8Array(0), 1)).toThrow('too early');
    expect(() => decodeList(encodeList([{ chunk: chunk(4), length: 0 }], 1), 1)).toThrow('without content');
  });
});

describe('chunk ids', () => {
  it('are the same in every epoch of a vault and unrelated in another', () => {
    const later = new VaultKeys(vault, [
      [0, keys.epochKey(0)],
      [7, random(32)],
    ]);
    const other = new VaultKeys('0b'.repeat(16) as VaultId, [[0, keys.epochKey(0)]]);
    const plaintext = random(5000);
    expect(later.chunkId(plaintext)).toBe(keys.chunkId(plaintext));
    expect(other.chunkId(plaintext)).not.toBe(keys.chunkId(plaintext));
    expect(() => new VaultKeys(vault, [[1, random(32)]]).chunkId(plaintext)).toThrow('epoch 0');
  });

  it('come from one key an epoch', () => {
    expect(() => keys.add(0, random(32))).toThrow(RangeError);
    expect(() => keys.add(0, keys.epochKey(0))).not.toThrow();
    expect(keys.epochs()).toEqual([0, 1]);
  });
});
