/** Which rows of a long list are drawn. Pure, so that it can be tested without a page. */
export interface VirtualWindow {
  readonly first: number;
  /** One beyond the last. */
  readonly end: number;
}

/** Rows drawn above and below what is seen, so that fast scrolling shows no gaps. */
const SPARE_ROWS = 8;

export function virtualWindow(
  scrollTop: number,
  viewHeight: number,
  rowHeight: number,
  rowCount: number,
): VirtualWindow {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - SPARE_ROWS);
  const end = Math.min(rowCount, Math.ceil((scrollTop + viewHeight) / rowHeight) + SPARE_ROWS);
  return { first: Math.min(first, end), end };
}

/** Where the row that has the focus goes; null for a key that moves nothing. */
export function movedIndex(key: string, index: number, rowCount: number, pageRows: number): number | null {
  const last = rowCount - 1;
  const clamp = (value: number): number => Math.min(last, Math.max(0, value));
  switch (key) {
    case 'ArrowDown':
      return clamp(index + 1);
    case 'ArrowUp':
      return clamp(index - 1);
    case 'PageDown':
      return clamp(index + pageRows);
    case 'PageUp':
      return clamp(index - pageRows);
    case 'Home':
      return clamp(0);
    case 'End':
      return clamp(last);
    default:
      return null;
  }
}
