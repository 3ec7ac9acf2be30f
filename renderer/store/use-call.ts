/** A call made by a person: whether it runs, how far it is, and what went wrong, for the button that began it. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Progress } from '../../protocol/control-shapes.ts';
import { toCallError, type CallError, type CallOptions } from '../bridge/bridge.ts';

export interface UseCall<A extends unknown[]> {
  readonly isRunning: boolean;
  readonly progress: Progress | null;
  readonly error: CallError | null;
  /** Resolves with true when it succeeded. A second start while one runs does nothing. */
  readonly run: (...args: A) => Promise<boolean>;
  readonly cancel: () => void;
  readonly clearError: () => void;
}

export function useCall<A extends unknown[]>(
  action: (options: Required<CallOptions>, ...args: A) => Promise<unknown>,
): UseCall<A> {
  const [isRunning, setRunning] = useState(false);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [error, setError] = useState<CallError | null>(null);
  const controller = useRef<AbortController | null>(null);
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });

  const run = useCallback(async (...args: A): Promise<boolean> => {
    if (controller.current !== null) return false;
    const own = new AbortController();
    controller.current = own;
    setRunning(true);
    setProgress(null);
    setError(null);
    try {
      await latest.current({ onProgress: setProgress, signal: own.signal }, ...args);
      return true;
    } catch (thrown) {
      // What the person cancelled is no error to them.
      if (!own.signal.aborted) setError(toCallError(thrown));
      return false;
    } finally {
      controller.current = null;
      setRunning(false);
    }
  }, []);

  const cancel = useCallback(() => controller.current?.abort(), []);
  const clearError = useCallback(() => setError(null), []);
  return { isRunning, progress, error, run, cancel, clearError };
}
