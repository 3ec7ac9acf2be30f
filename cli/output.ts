/** Text for people: nothing that a file name could do to a terminal, sizes and times in one form. */
import type { Writable } from 'node:stream';

// C0 and C1 controls (escape sequences, newlines) and the marks that turn the direction of text: names come
// from other devices and may be made to deceive.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** One printable line. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

export function writeLines(stream: Writable, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.map(printable).join('\n')}\n`);
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal, as quotas are counted: `1.5 GB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${bytes === 1 ? 'byte' : (UNITS[unit] ?? '')}`;
}

/** Local time, `2026-03-01 14:05:09`. */
export function timeText(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Columns as wide as their widest cell; the last is left as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const safe = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...safe.map((row) => (row[column] ?? '').length)));
  return safe.map((row) =>
    row
      .map((cell, column) => (column === head.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
