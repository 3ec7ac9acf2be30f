/**
 * The one loop that looks at every byte of content: in JavaScript it costs more than encrypting and hashing
 * together (4 to 8 s for 2 GiB), as WebAssembly a seventh of that. The module is assembled here, from the
 * instructions one would write by hand, so that no binary needs to be trusted:
 *
 *     (func (param $at) (param $end) (param $hash) (result i32)
 *       (loop while $at < $end
 *         STEPS times, for byte 0 to STEPS - 1:
 *           $hash = ($hash << 1) + table[memory[$at + byte]]
 *           (if ($hash < BOUNDARY_BELOW) (return $at + byte + 1))
 *         $at += STEPS)
 *       (return 0))
 *
 * Memory: the table at 0, then a window of content. There is one instance a thread, since each reserves address
 * space of gigabytes; whoever scans lays its own table in.
 */

/** Bytes that a 32-bit gear hash remembers. */
export const WINDOW_BYTES = 32;
/** Judged in each turn of the loop. */
const STEPS = 8;
const TABLE_BYTES = 4 * 256;
/** What is scanned at a time: small enough to stay in the processor's cache. */
const BLOCK_BYTES = 32 * 1024;
const PAGE_BYTES = 65_536;

/** What is used of it; its full types come with those of a browser, which the engine does without. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly m: { readonly buffer: ArrayBuffer }; readonly s: Scanner['scan'] };
  };
};

const I32 = 0x7f;
const LOCAL = { at: 0, end: 1, hash: 2 } as const;

function unsigned(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >>> 7;
  return rest === 0 ? [low] : [low | 0x80, ...unsigned(rest)];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

const get = (local: number): number[] => [0x20, local];
const constant = (value: number): number[] => [0x41, ...signed(value)];
const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
];

function step(byte: number, boundaryBelow: number): number[] {
  return [
    ...[...get(LOCAL.hash), ...constant(1), 0x74], // i32.shl
    ...[...get(LOCAL.at), 0x2d, 0, ...unsigned(TABLE_BYTES + byte)], // i32.load8_u of the window
    ...[...constant(2), 0x74, 0x28, 2, 0], // i32.load of the table
    ...[0x6a, 0x22, LOCAL.hash], // i32.add, local.tee
    ...[...constant(boundaryBelow), 0x48], // i32.lt_s
    ...[0x04, 0x40, ...get(LOCAL.at), ...constant(byte + 1), 0x6a, 0x0f, 0x0b], // if, return, end
  ];
}

function assemble(boundaryBelow: number): Uint8Array<ArrayBuffer> {
  const steps = Array.from({ length: STEPS }, (_, byte) => step(byte, boundaryBelow)).flat();
  const body = [
    0, // no locals of its own
    ...[0x02, 0x40, 0x03, 0x40], // block, loop
    ...[...get(LOCAL.at), ...get(LOCAL.end), 0x4f, 0x0d, 1], // i32.ge_u, br_if out
    ...steps,
    ...[...get(LOCAL.at), ...constant(STEPS), 0x6a, 0x21, LOCAL.at, 0x0c, 0], // local.set, br to the loop
    ...[0x0b, 0x0b, ...constant(0), 0x0b],
  ];
  const pages = Math.ceil((TABLE_BYTES + BLOCK_BYTES) / PAGE_BYTES);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, ...unsigned(pages), ...unsigned(pages)]),
    ...section(7, [2, 1, 0x6d, 2, 0, 1, 0x73, 0, 0]), // exports "m" and "s"
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

interface Scanner {
  readonly boundaryBelow: number;
  /** Offset after the first boundary, counted in the window; 0 when there is none. */
  readonly scan: (at: number, end: number, hash: number) => number;
  readonly table: Int32Array;
  readonly window: Uint8Array;
  /** Whose table is laid in. */
  owner: Int32Array | null;
}

let present: Scanner | null = null;

function scannerFor(boundaryBelow: number): Scanner {
  if (present?.boundaryBelow === boundaryBelow) return present;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(boundaryBelow)));
  const { buffer } = exports.m;
  present = {
    boundaryBelow,
    scan: exports.s,
    table: new Int32Array(buffer, 0, 256),
    window: new Uint8Array(buffer, TABLE_BYTES),
    owner: null,
  };
  return present;
}

/** One step of the gear hash. */
function next(table: Int32Array, hash: number, byte: number | undefined): number {
  return ((hash << 1) + (table[byte ?? 0] ?? 0)) | 0;
}

/**
 * The end of the first position in (`from`, `to`] at which the hash of the last WINDOW_BYTES bytes is below
 * `boundaryBelow` (signed); `to` when there is none. At least WINDOW_BYTES stand before `from`.
 */
export function findBoundary(
  bytes: Uint8Array,
  from: number,
  to: number,
  table: Int32Array,
  boundaryBelow: number,
): number {
  const scanner = scannerFor(boundaryBelow);
  if (scanner.owner !== table) {
    scanner.table.set(table);
    scanner.owner = table;
  }
  let hash = hashBefore(bytes, from, table);
  let at = from;
  while (to - at >= STEPS) {
    const size = Math.min(BLOCK_BYTES, to - at);
    const whole = size - (size % STEPS);
    scanner.window.set(bytes.subarray(at, at + whole));
    const found = scanner.scan(0, whole, hash);
    if (found > 0) return at + found;
    at += whole;
    hash = hashBefore(bytes, at, table);
  }
  for (; at < to; at += 1) {
    hash = next(table, hash, bytes[at]);
    if (hash < boundaryBelow) return at + 1;
  }
  return to;
}

/** Every candidate is judged by the 32 bytes before it alone: older ones have left the hash. */
function hashBefore(bytes: Uint8Array, at: number, table: Int32Array): number {
  let hash = 0;
  for (let index = at - WINDOW_BYTES; index < at; index += 1) hash = next(table, hash, bytes[index]);
  return hash;
}
