/**
 * The window's only way out: `window.coffre`, with everything that comes back parsed again on this side, so that
 * a view never holds a value that the protocol does not allow.
 */
import { z } from 'zod';
import {
  appEvents,
  appMethods,
  bridgeAnswerSchema,
  bridgeEventSchema,
  type AppBridge,
  type AppEventData,
  type AppEventName,
  type AppMethod,
  type AppParams,
  type AppResult,
} from '../../protocol/app.ts';
import {
  controlMethods,
  type ControlError,
  type ControlMethod,
  type ControlParams,
  type ControlResult,
} from '../../protocol/control.ts';
import type { Progress } from '../../protocol/control-shapes.ts';

// The policy of the window forbids building code at run time, which zod would try.
z.config({ jitless: true });

declare global {
  interface Window {
    readonly coffre: AppBridge;
  }
}

/** A call that did not succeed: `code` decides what is shown, the engine's English text is the last resort. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: ControlError['code'];
  readonly hint: string;

  constructor(error: ControlError) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
  }
}

/** For what is thrown anywhere in the window: nothing reaches a view but a CallError. */
export function toCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  return new CallError({ code: 'failed', message: error instanceof Error ? error.message : '', hint: '' });
}

export interface CallOptions {
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting asks the engine to cancel; the call then rejects with what the engine answers. */
  readonly signal?: AbortSignal;
}

export type AppEvent = {
  readonly [E in AppEventName]: { readonly event: E; readonly data: AppEventData<E> };
}[AppEventName];
export type EventListener = (event: AppEvent) => void;

let nextRequest = 1;
const progressListeners = new Map<number, (progress: Progress) => void>();

async function ask(
  to: 'app' | 'engine',
  method: string,
  params: unknown,
  result: z.ZodType,
  options: CallOptions,
): Promise<unknown> {
  const request = nextRequest++;
  const cancel = (): void => {
    void window.coffre.request({ to, request: nextRequest++, method: 'cancel', params: { request } });
  };
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.onProgress !== undefined) progressListeners.set(request, options.onProgress);
  try {
    const answer = bridgeAnswerSchema.safeParse(await window.coffre.request({ to, request, method, params }));
    if (!answer.success) throw malformed(method);
    if ('error' in answer.data) throw new CallError(answer.data.error);
    const parsed = result.safeParse(answer.data.result);
    if (!parsed.success) throw malformed(method);
    return parsed.data;
  } catch (error) {
    throw toCallError(error);
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    progressListeners.delete(request);
  }
}

function malformed(method: string): CallError {
  return new CallError({
    code: 'failed',
    message: `the answer to ${method} was not understood`,
    hint: 'Quit Coffre and start it again.',
  });
}

/** @throws CallError */
export const engine = {
  async call<M extends ControlMethod>(
    method: M,
    params: ControlParams<M>,
    options: CallOptions = {},
  ): Promise<ControlResult<M>> {
    return (await ask('engine', method, params, controlMethods[method].result, options)) as ControlResult<M>;
  },
};

/** @throws CallError */
export const app = {
  async call<M extends AppMethod>(method: M, params: AppParams<M>): Promise<AppResult<M>> {
    return (await ask('app', method, params, appMethods[method].result, {})) as AppResult<M>;
  },
};

/** What is not understood is passed over: an event only refreshes what can be asked for. Returns what ends it. */
export function onAppEvent(listener: EventListener): () => void {
  return window.coffre.onEvent((raw) => {
    const frame = bridgeEventSchema.safeParse(raw);
    if (!frame.success || !(frame.data.event in appEvents)) return;
    const event = frame.data.event as AppEventName;
    const data = appEvents[event].safeParse(frame.data.data);
    if (!data.success) return;
    if (event === 'progress') {
      const progress = data.data as AppEventData<'progress'>;
      progressListeners.get(progress.request)?.(progress);
      return;
    }
    listener({ event, data: data.data } as AppEvent);
  });
}
