import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { METHOD_STORED, METHOD_ZSTD } from '../crypto/pack-index.ts';
import { bundledZstd, compressChunk, decompressChunk, nativeZstd } from './compress.ts';

/** The same bytes in every run, and no pattern in them. */
function noise(size: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(size));
}

const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(4000));

describe('compression', () => {
  it.each([200, 5000, text.length])('compresses text of %d bytes and opens it with both codecs', (size) => {
    const chunk = text.subarray(0, size);
    const { method, bytes } = compressChunk(chunk);
    expect(method).toBe(METHOD_ZSTD);
    expect(bytes.length).toBeLessThan(size * 0.95);
    expect(Buffer.compare(decompressChunk(method, bytes, size) ?? Buffer.alloc(0), chunk)).toBe(0);
    expect(Buffer.compare(decompressChunk(method, bytes, size, bundledZstd) ?? Buffer.alloc(0), chunk)).toBe(
      0,
    );
  });

  it('opens a whole chunk of mixed content with the bundled codec', () => {
    const chunk = Buffer.concat([text, randomBytes(300_000), Buffer.alloc(200_000), text]);
    const { method, bytes } = compressChunk(chunk);
    expect(method).toBe(METHOD_ZSTD);
    expect(Buffer.compare(decompressChunk(method, bytes, chunk.length, bundledZstd)!, chunk)).toBe(0);
  });

  it('stores what gains nothing, and the very short', () => {
    for (const chunk of [
      randomBytes(100),
      randomBytes(1500),
      randomBytes(20_000),
      randomBytes(400_000),
      text.subarray(0, 60),
    ]) {
      expect(compressChunk(chunk)).toEqual({ method: METHOD_STORED, bytes: chunk });
    }
  });

  it('is not misled by noise at the beginning', () => {
    const chunk = Buffer.concat([randomBytes(70_000), Buffer.alloc(400_000, 'abc')]);
    expect(compressChunk(chunk).method).toBe(METHOD_ZSTD);
  });

  it('asks no codec about noise, and asks about a text of any length', () => {
    let asked = 0;
    const codec = { ...nativeZstd()!, compress: (bytes: Uint8Array) => ((asked += 1), bytes) };
    for (const size of [1024, 3000, 4096, 5000, 300_000]) compressChunk(noise(size), codec);
    expect(asked).toBe(0);
    for (const size of [128, 1024, 3000, 4096, 5000, 100_000]) compressChunk(text.subarray(0, size), codec);
    expect(asked).toBe(6);
  });

  it('stores everything where there is no codec', () => {
    expect(compressChunk(text, null).method).toBe(METHOD_STORED);
  });

  it.each([
    ['node:zlib', nativeZstd()],
    ['the bundled codec', bundledZstd],
  ])('refuses with %s what is not the promised chunk', (_name, codec) => {
    expect(codec).not.toBeNull();
    const open = (bytes: Uint8Array, length: number) => decompressChunk(METHOD_ZSTD, bytes, length, codec!);
    const bomb = nativeZstd()!.compress(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(20_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(open(bomb, 1000)).toBeNull();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
    const { bytes } = compressChunk(text);
    expect(open(bytes.subarray(0, 20), text.length)).toBeNull();
    expect(open(randomBytes(500), 1000)).toBeNull();
    expect(open(new Uint8Array(0), 1)).toBeNull();
  });

  it('refuses a stored chunk of another length, and an unknown method', () => {
    expect(decompressChunk(METHOD_STORED, text, text.length - 1)).toBeNull();
    expect(decompressChunk(2, text, text.length)).toBeNull();
  });
});
