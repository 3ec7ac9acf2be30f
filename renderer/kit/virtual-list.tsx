/**
 * A list of any length with rows of one height. Only what is seen is in the page. One row is in the tab order;
 * arrows, Page, Home and End move it. Rows that come at the top leave what somebody reads where it is.
 *
 * Not react-aria's Virtualizer: its collection renders every item once, which for ten thousand rows that change
 * five times a second costs more than a frame.
 */
import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react';
import { movedIndex, virtualWindow } from './virtual-window.ts';
import './virtual-list.css';

export interface VirtualListProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly rowHeight: number;
  readonly getKey: (item: T) => string | number;
  /** Must not change between renders without need. Controls in a row leave the tab order unless `isActive`. */
  readonly renderRow: (item: T, isActive: boolean) => ReactNode;
  /** Enter or double click. */
  readonly onAction?: (item: T) => void;
  /** Near the end of what there is. */
  readonly onEndReached?: () => void;
  /** Below the last row, in the scroll area. */
  readonly footer?: ReactNode;
  /** Key of the row to bring into view and focus, as for a row that a link leads to. */
  readonly focusKey?: string | number | null;
}

export function VirtualList<T>(props: VirtualListProps<T>): ReactNode {
  const { label, items, rowHeight, getKey, renderRow, onAction, onEndReached, footer, focusKey } = props;
  const view = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 600 });
  const [activeKey, setActiveKey] = useState<string | number | null>(null);
  const takesFocus = useRef(false);

  const found = activeKey === null ? -1 : items.findIndex((item) => getKey(item) === activeKey);
  const activeIndex = found === -1 ? 0 : found;
  const { first, end } = virtualWindow(scroll.top, scroll.height, rowHeight, items.length);

  const readScroll = useCallback(() => {
    const element = view.current;
    if (element === null) return;
    // Rounded to rows: scrolling within one changes nothing that is drawn.
    const top = Math.floor(element.scrollTop / rowHeight) * rowHeight;
    setScroll((old) =>
      old.top === top && old.height === element.clientHeight ? old : { top, height: element.clientHeight },
    );
  }, [rowHeight]);

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return;
    const observer = new ResizeObserver(readScroll);
    observer.observe(element);
    readScroll();
    return () => observer.disconnect();
  }, [readScroll]);

  // Keeps what is read in place when rows come above it.
  const anchor = useRef<{ key: string | number; index: number } | null>(null);
  useLayoutEffect(() => {
    const element = view.current;
    const before = anchor.current;
    if (element !== null && before !== null && element.scrollTop > rowHeight / 2) {
      const now = items.findIndex((item) => getKey(item) === before.key);
      if (now > before.index) element.scrollTop += (now - before.index) * rowHeight;
    }
  }, [items, getKey, rowHeight]);
  useEffect(() => {
    const index = Math.min(items.length - 1, Math.floor(scroll.top / rowHeight));
    const item = items[index];
    anchor.current = item === undefined ? null : { key: getKey(item), index };
  });

  useEffect(() => {
    if (end >= items.length - 10 && items.length > 0) onEndReached?.();
  }, [end, items.length, onEndReached]);

  const moveTo = useCallback(
    (index: number) => {
      const element = view.current;
      const item = items[index];
      if (element === null || item === undefined) return;
      const top = index * rowHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowHeight > element.scrollTop + element.clientHeight)
        element.scrollTop = top + rowHeight - element.clientHeight;
      takesFocus.current = true;
      readScroll();
      setActiveKey(getKey(item));
    },
    [getKey, items, readScroll, rowHeight],
  );

  useLayoutEffect(() => {
    if (!takesFocus.current) return;
    takesFocus.current = false;
    view.current?.querySelector<HTMLElement>('[role="row"][tabindex="0"]')?.focus({ preventScroll: true });
  });

  const answeredKey = useRef<string | number | null>(null);
  useEffect(() => {
    // Once when it is asked for, not at every change of the list.
    if (focusKey === undefined || focusKey === answeredKey.current) return;
    const index = focusKey === null ? -1 : items.findIndex((item) => getKey(item) === focusKey);
    if (focusKey !== null && index === -1) return;
    answeredKey.current = focusKey;
    if (index !== -1) moveTo(index);
  }, [focusKey, getKey, items, moveTo]);

  const rows = useMemo(() => {
    const indexes: number[] = [];
    if (activeIndex < first && activeIndex < items.length) indexes.push(activeIndex);
    for (let index = first; index < end; index++) indexes.push(index);
    if (activeIndex >= end && activeIndex < items.length) indexes.push(activeIndex);
    return indexes;
  }, [activeIndex, first, end, items.length]);

  return (
    <div
      ref={view}
      className="virtual-list"
      role="grid"
      aria-label={label}
      aria-rowcount={items.length}
      onScroll={readScroll}
      onKeyDown={(event) => {
        const row = (event.target as HTMLElement).closest('[role="row"]');
        // Keys that a control in the row understands are its own.
        if (row === null || event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === 'Enter' && event.target === row) {
          const item = items[activeIndex];
          // The button that what opens puts the focus on would be pressed by the same key.
          event.preventDefault();
          if (item !== undefined) onAction?.(item);
          return;
        }
        const next = movedIndex(event.key, activeIndex, items.length, Math.floor(scroll.height / rowHeight));
        if (next === null) return;
        event.preventDefault();
        moveTo(next);
      }}
    >
      <div className="virtual-list-rows" role="rowgroup" style={{ height: items.length * rowHeight }}>
        {rows.map((index) => {
          const item = items[index];
          if (item === undefined) return null;
          const key = getKey(item);
          return (
            <VirtualRow
              key={key}
              item={item}
              rowKey={key}
              index={index}
              rowHeight={rowHeight}
              isActive={index === activeIndex}
              renderRow={renderRow as (item: unknown, isActive: boolean) => ReactNode}
              onActivate={setActiveKey}
              onAction={onAction as ((item: unknown) => void) | undefined}
            />
          );
        })}
      </div>
      {footer}
    </div>
  );
}

const VirtualRow = memo(function VirtualRow(props: {
  readonly item: unknown;
  readonly rowKey: string | number;
  readonly index: number;
  readonly rowHeight: number;
  readonly isActive: boolean;
  readonly renderRow: (item: unknown, isActive: boolean) => ReactNode;
  readonly onActivate: (key: string | number) => void;
  readonly onAction: ((item: unknown) => void) | undefined;
}): ReactNode {
  const { item, rowKey, index, rowHeight, isActive, renderRow, onActivate, onAction } = props;
  return (
    <div
      role="row"
      aria-rowindex={index + 1}
      className="virtual-row"
      tabIndex={isActive ? 0 : -1}
      style={{ height: rowHeight, transform: `translateY(${index * rowHeight}px)` }}
      onFocus={(event) => {
        onActivate(rowKey);
        markCutNames(event.currentTarget);
      }}
      onDoubleClick={() => onAction?.(item)}
    >
      <div role="gridcell" className="virtual-cell">
        {renderRow(item, isActive)}
      </div>
    </div>
  );
});

/** A name that has no room is shown whole while its row has the focus (path-text.css). */
function markCutNames(row: HTMLElement): void {
  for (const name of row.querySelectorAll<HTMLElement>('.path-text')) {
    const head = name.querySelector('.path-head');
    name.toggleAttribute('data-cut', head !== null && head.scrollWidth > head.clientWidth);
  }
}
