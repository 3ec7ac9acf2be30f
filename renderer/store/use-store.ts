import { useSyncExternalStore } from 'react';
import type { EngineState } from './engine-state.ts';
import { getState, subscribe } from './engine-store.ts';

/** A part of the state; the component renders again only when that part is another one. */
export function useStore<T>(select: (state: EngineState) => T): T {
  return useSyncExternalStore(subscribe, () => select(getState()));
}
