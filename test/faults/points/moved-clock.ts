/**
 * Loaded before a program (`node --import`), it moves its clock by what the file COFFRE_TEST_CLOCK says, in
 * milliseconds, from one moment to the next. The monotonic clock goes on as it does.
 */
import { readFileSync } from 'node:fs';

const file = process.env['COFFRE_TEST_CLOCK'] ?? '';
const { now } = Date;
let offset = 0;
let readMs = Number.NEGATIVE_INFINITY;

function moved(): number {
  if (performance.now() - readMs > 20) {
    readMs = performance.now();
    offset = Number(readFileSync(file, 'utf8'));
  }
  return now() + offset;
}

Date.now = moved;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length === 0 ? [moved()] : args, self) as object,
});
