/**
 * What the control server asks of the engine: one handler a method of protocol/control.ts, and events. The
 * engine implements it; the server adds sockets, frames and checks, and nothing else.
 */
import type { BroadcastEvent, ControlMethod, ControlRequest, ControlResult } from '../../protocol/control.ts';
import type { Progress } from '../../protocol/control-shapes.ts';

/** Of one call. */
export interface CallContext {
  /** Aborts when the client cancels or goes away. What has begun to change something may finish. */
  readonly signal: AbortSignal;
  /** To the caller alone; may be dropped, the latest wins. Cheap to call often. */
  progress(progress: Progress): void;
}

/**
 * Params are checked against the schema before, results after. A handler fails with PersonError; any other
 * error is a defect: the server answers `failed` without its text and hands it to `onDefect`.
 */
export type ControlHandlers = {
  readonly [M in ControlMethod]: (
    request: ControlRequest<M>,
    context: CallContext,
  ) => Promise<ControlResult<M>>;
};

export interface EngineFacade {
  readonly handlers: ControlHandlers;
  /** Calls the listener for every event until the returned function is called. */
  onEvent(listener: (event: BroadcastEvent) => void): () => void;
}
