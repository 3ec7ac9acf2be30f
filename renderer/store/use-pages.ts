/** A list of the engine, read page by page as far as somebody looks. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { toCallError, type CallError } from '../bridge/bridge.ts';

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface Pages<T> {
  /** Null before the first page came. */
  readonly items: readonly T[] | null;
  readonly error: CallError | null;
  readonly isLoading: boolean;
  /** All of it is here. */
  readonly isWhole: boolean;
  readonly readMore: () => void;
  /** Reads again as much as is shown. */
  readonly reload: () => void;
}

interface State<T> {
  readonly key: string;
  readonly items: readonly T[] | null;
  /** Undefined before the first page. */
  readonly cursor: string | null | undefined;
  readonly error: CallError | null;
}

/** `key` names the list; with another one it begins anew. `freshness` only reads again what is shown. */
export function usePages<T>(
  key: string,
  readPage: (cursor: string | null, signal: AbortSignal) => Promise<PageOf<T>>,
  freshness: unknown = null,
): Pages<T> {
  const empty: State<T> = { key, items: null, cursor: undefined, error: null };
  const [state, setState] = useState<State<T>>(empty);
  const [isLoading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const current = useRef(state);
  const latest = useRef(readPage);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => {
    current.current = state;
    latest.current = readPage;
  });

  /** From the beginning until `count` items are there, or one page on from `cursor`. */
  const read = useCallback(
    async (from: string | null, before: readonly T[], count: number): Promise<void> => {
      controller.current?.abort();
      const own = new AbortController();
      controller.current = own;
      setLoading(true);
      let items = before;
      let cursor: string | null = from;
      try {
        do {
          const page: PageOf<T> = await latest.current(cursor, own.signal);
          if (own.signal.aborted) return;
          items = [...items, ...page.items];
          cursor = page.nextCursor;
        } while (cursor !== null && items.length < count);
        setState({ key, items, cursor, error: null });
      } catch (error) {
        if (own.signal.aborted) return;
        setState((old) => ({
          ...(old.key === key ? old : { ...old, key, items: null }),
          error: toCallError(error),
        }));
      }
      if (controller.current === own) controller.current = null;
      setLoading(false);
    },
    [key],
  );

  useEffect(() => {
    const shown = current.current;
    const count = shown.key === key ? (shown.items?.length ?? 0) : 0;
    void read(null, [], count);
    return () => controller.current?.abort();
  }, [key, round, freshness, read]);

  const readMore = useCallback(() => {
    const shown = current.current;
    if (controller.current !== null || shown.cursor === null || shown.cursor === undefined) return;
    void read(shown.cursor, shown.items ?? [], 0);
  }, [read]);
  const reload = useCallback(() => setRound((old) => old + 1), []);

  const shown = state.key === key ? state : empty;
  return {
    items: shown.items,
    error: shown.error,
    isLoading: isLoading || state.key !== key,
    isWhole: shown.cursor === null,
    readMore,
    reload,
  };
}
