import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts';

describe('ByteWriter', () => {
  it('grows under every kind of field, from any capacity', () => {
    for (let capacity = 0; capacity < 24; capacity += 1) {
      const bytes = new ByteWriter(capacity)
        .u8(1)
        .u16(2)
        .u32(3)
        .u64(2 ** 40)
        .i64(-5)
        .varint(300)
        .hex('abcd', 2)
        .text('é')
        .u8(255)
        .finish();
      const reader = new ByteReader(bytes);
      expect([reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.i64()]).toEqual([
        1,
        2,
        3,
        2 ** 40,
        -5,
      ]);
      expect([reader.varint(), reader.hex(2), reader.text(), reader.u8()]).toEqual([300, 'abcd', 'é', 255]);
      reader.end();
    }
  });
});

describe('ByteReader', () => {
  it.each<[string, number[], (reader: ByteReader) => unknown]>([
    ['an overlong varint', [0x80, 0x00], (reader) => reader.varint()],
    ['a varint above 2^53', [255, 255, 255, 255, 255, 255, 255, 127], (reader) => reader.varint()],
    ['a varint without end', [255, 255, 255, 255, 255, 255, 255, 255, 1], (reader) => reader.varint()],
    ['an integer above 2^53', [255, 0, 0, 0, 0, 0, 0, 0], (reader) => reader.u64()],
    ['a count beyond its bytes', [9, 0], (reader) => reader.count(1)],
    ['a blob beyond its bytes', [2, 0], (reader) => reader.blob()],
    ['a blob beyond its bound', [2, 0, 0], (reader) => reader.blob(1)],
    ['text that is not UTF-8', [2, 0xc0, 0x80], (reader) => reader.text()],
    ['trailing bytes', [0], (reader) => reader.end()],
  ])('refuses %s', (_, bytes, read) => {
    expect(() => read(new ByteReader(Uint8Array.from(bytes)))).toThrow(MalformedError);
  });
});
