/** One byte range of RFC 9110, section 14; several at once are not served. */

/** Bytes [start, end). Null when no range is asked for, or in units this server does not know. */
export function parseRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | null | 'unsatisfiable' {
  if (header?.startsWith('bytes=') !== true) return null;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (match === null || (first === '' && last === '')) return 'unsatisfiable';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return start >= size || end <= start ? 'unsatisfiable' : { start, end };
}
