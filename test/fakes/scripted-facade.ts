/** An engine that answers what a test wrote down; what it did not write down is a defect. */
import type { BroadcastEvent, ControlMethod, ControlRequest, ControlResult } from '../../protocol/control.ts';
import { controlMethods } from '../../protocol/control.ts';
import type { Status } from '../../protocol/control-shapes.ts';
import type { CallContext, ControlHandlers, EngineFacade } from '../../sync-engine/control/facade.ts';

export type Script = {
  [M in ControlMethod]?: (
    request: ControlRequest<M>,
    context: CallContext,
  ) => ControlResult<M> | Promise<ControlResult<M>>;
};

export interface ScriptedFacade extends EngineFacade {
  /** Every call, in order. */
  readonly calls: { method: ControlMethod; request: unknown }[];
  emit(event: BroadcastEvent): void;
}

export function scriptedFacade(script: Script): ScriptedFacade {
  const listeners = new Set<(event: BroadcastEvent) => void>();
  const calls: ScriptedFacade['calls'] = [];
  const names = Object.keys(controlMethods) as ControlMethod[];
  const handlers = Object.fromEntries(
    names.map((method) => [
      method,
      async (request: never, context: CallContext) => {
        calls.push({ method, request });
        const answer = script[method] as ((request: never, context: CallContext) => unknown) | undefined;
        if (answer === undefined) throw new Error(`no script for ${method}`);
        return answer(request, context);
      },
    ]),
  ) as unknown as ControlHandlers;
  return {
    handlers,
    calls,
    emit: (event) => listeners.forEach((listener) => listener(event)),
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function statusOf(part: Partial<Status> = {}): Status {
  return {
    state: 'idle',
    pending: { files: 0, bytes: 0 },
    secondsLeft: null,
    pausedUntilMs: null,
    transfer: { upBytesPerSecond: 0, downBytesPerSecond: 0 },
    quota: { usedBytes: 5_000_000, limitBytes: 100_000_000_000 },
    issues: [],
    issueCount: 0,
    pairs: [{ id: 'aa11', folder: '/home/ann/Coffre', vault: 'Files', seq: 7, path: '/', paused: null }],
    account: { email: 'ann@example.org', server: 'http://127.0.0.1:1', device: 'd1', deviceName: 'laptop' },
    lastProvenRestorableMs: null,
    lastProvenWithWordsMs: null,
    notices: [],
    engine: { version: '0.1.0', pid: process.pid, startedAtMs: 0 },
    counters: {},
    ...part,
  };
}
