/**
 * Reading and writing of Coffre's canonical bytes: fixed-width big-endian integers, unsigned LEB128
 * varints in their shortest form, length-prefixed byte strings. Canonical means one value has one
 * encoding: a decoder refuses overlong varints and trailing bytes, so a hash of bytes is a hash of values.
 */
import { toHex } from './ids.ts';
import { MAX_TIME_MS } from './limits.ts';

/** Bytes that do not decode. Always the fault of whoever sent them, never of this device. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** May replace the buffer: call it before `this.#buffer` is read. */
  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length = needed;
    return at;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** An unsigned integer up to 2^53 - 1 in eight bytes. */
  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    const at = this.#reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4);
    return this;
  }

  /** A signed integer within +-(2^53 - 1), two's complement in eight bytes (times before 1970). */
  i64(value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  hex(text: string, size: number): this {
    const at = this.#reserve(size);
    const written = this.#buffer.write(text, at, size, 'hex');
    if (written !== size || text.length !== size * 2) throw new RangeError(`not ${size} bytes of hex`);
    return this;
  }

  /** A varint length, then the bytes. */
  blob(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  text(value: string): this {
    return this.blob(Buffer.from(value, 'utf8'));
  }

  /** A view of what was written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  #take(count: number): number {
    if (count > this.remaining) throw new MalformedError('the bytes end too early');
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  u64(): number {
    const at = this.#take(8);
    const value = this.#buffer.readUInt32BE(at) * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new MalformedError('an integer above 2^53');
    return value;
  }

  /** Milliseconds since 1970 that a date can show. */
  time(): number {
    const value = this.u64();
    if (value > MAX_TIME_MS) throw new MalformedError('a time beyond every date');
    return value;
  }

  i64(): number {
    const value = Number(this.#buffer.readBigInt64BE(this.#take(8)));
    if (!Number.isSafeInteger(value)) throw new MalformedError('an integer beyond 2^53');
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && count > 0) throw new MalformedError('an overlong integer');
        if (!Number.isSafeInteger(value)) throw new MalformedError('an integer above 2^53');
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedError('an integer above 2^53');
  }

  /** A count that the remaining bytes can hold, each item taking `least` bytes: caps allocation. */
  count(least: number): number {
    const value = this.varint();
    if (value * least > this.remaining) throw new MalformedError('a count beyond the bytes that follow');
    return value;
  }

  /** A view into the bytes, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#buffer.subarray(at, at + count);
  }

  hex(size: number): string {
    return toHex(this.raw(size));
  }

  blob(max = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.varint();
    if (length > max) throw new MalformedError(`a field of ${length} bytes where ${max} are allowed`);
    return this.raw(length);
  }

  text(max = Number.MAX_SAFE_INTEGER): string {
    try {
      return UTF8.decode(this.blob(max));
    } catch (error) {
      if (error instanceof MalformedError) throw error;
      throw new MalformedError('text that is not UTF-8');
    }
  }

  /** Refuses trailing bytes. */
  end(): void {
    if (this.remaining !== 0) throw new MalformedError(`${this.remaining} bytes too many`);
  }
}
