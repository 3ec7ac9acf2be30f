/**
 * Names for conflict copies: `name (conflict, DEVICE, YYYY-MM-DD).ext`. The result is a legal name on every
 * file system we know if `name` was one, and fits 255 bytes of UTF-8.
 */
import type { PlanOptions } from './operation.ts';

const MAX_NAME_BYTES = 255;
const MAX_DEVICE_BYTES = 64;
/** Longer "extensions" are part of a sentence. */
const MAX_EXTENSION_BYTES = 16;

const EXTENSION = /(?:\.tar)?\.[^.\s]+$/iu;
// Illegal on some file system, or a bracket or comma that would blur our own.
const NOT_IN_A_NAME = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}/\\:*?"<>|(),]/gu;

const encoder = new TextEncoder();

/**
 * A free name for the copy of `name`.
 * @param folder A folder's name has no extension to keep at the end.
 * @param taken  Asked for each candidate in turn; must be false for all but finitely many names.
 */
export function conflictName(
  name: string,
  folder: boolean,
  options: PlanOptions,
  taken: (candidate: string) => boolean,
): string {
  const extension = folder ? '' : extensionOf(name);
  const stem = name.slice(0, name.length - extension.length);
  const mark = ` (conflict, ${deviceInName(options.deviceName)}, ${options.date})`;
  for (let number = 1; ; number++) {
    const tail = (number === 1 ? mark : `${mark} ${number}`) + extension;
    const candidate = cut(stem, MAX_NAME_BYTES - bytes(tail)) + tail;
    if (!taken(candidate)) return candidate;
  }
}

/** `.gz` of `a.gz`, `.tar.gz` of `a.tar.gz`, nothing of `.profile`, `a.` and `Mr. Smith goes home`. */
function extensionOf(name: string): string {
  const found = EXTENSION.exec(name)?.[0] ?? '';
  if (found.length < name.length) return bytes(found) <= MAX_EXTENSION_BYTES ? found : '';
  // The whole name matched: a dotfile, or `.tar.gz`, whose first part is then the stem.
  const last = name.lastIndexOf('.');
  return last > 0 ? name.slice(last) : '';
}

function deviceInName(deviceName: string): string {
  const legal = deviceName.toWellFormed().replace(NOT_IN_A_NAME, '-').replace(/\s+/gu, ' ').trim();
  return cut(legal, MAX_DEVICE_BYTES).trim() || 'device';
}

/** The longest beginning of at most `limit` bytes that ends between two code points. */
function cut(text: string, limit: number): string {
  let used = 0;
  let kept = '';
  for (const point of text) {
    used += bytes(point);
    if (used > limit) break;
    kept += point;
  }
  return kept;
}

function bytes(text: string): number {
  return encoder.encode(text).length;
}
