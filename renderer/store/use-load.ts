/** Something asked of the engine when a view needs it, with what to show until it comes. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { toCallError, type CallError } from '../bridge/bridge.ts';

export interface Load<T> {
  /** The last answer; null before the first one, and after another thing is asked for. */
  readonly data: T | null;
  readonly error: CallError | null;
  /** Asks again; what is there stays until the answer comes. */
  readonly reload: () => void;
}

interface Answer<T> {
  readonly key: string;
  readonly data: T | null;
  readonly error: CallError | null;
}

/** `key` names what is asked for: with another one the old answer is gone. `freshness` only asks again. */
export function useLoad<T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  freshness: unknown = null,
): Load<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ key, data: null, error: null });
  const [round, setRound] = useState(0);
  const latest = useRef(read);
  useEffect(() => {
    latest.current = read;
  });
  useEffect(() => {
    const controller = new AbortController();
    latest.current(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setAnswer({ key, data, error: null });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setAnswer((old) => ({ key, data: old.key === key ? old.data : null, error: toCallError(error) }));
      },
    );
    return () => controller.abort();
  }, [key, round, freshness]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  const isOfKey = answer.key === key;
  return { data: isOfKey ? answer.data : null, error: isOfKey ? answer.error : null, reload };
}
