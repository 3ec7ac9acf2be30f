/**
 * Answers the window. Everything that comes in is parsed, only known methods are carried out, and the unlock key
 * of the keychain is added here to the calls that need one: the window neither sees nor names it.
 */
import {
  appMethods,
  bridgeRequestSchema,
  type AppMethod,
  type AppRequest,
  type AppResult,
  type BridgeAnswer,
  type BridgeRequest,
} from '../protocol/app.ts';
import {
  connectionMethods,
  controlMethods,
  type ControlEventData,
  type ControlMethod,
} from '../protocol/control.ts';
import { PersonError } from '../protocol/errors.ts';
import type { EngineLink } from './engine-link.ts';

export type AppHandlers = {
  readonly [M in AppMethod]: (params: AppRequest<M>) => Promise<AppResult<M>> | AppResult<M>;
};

/** The app ends the engine itself, by `app.quit`. */
const KEPT_FROM_WINDOW: ReadonlySet<string> = new Set(['stop']);
/** These lock the keys of a new device. */
const ENROLLING: ReadonlySet<string> = new Set(['signup', 'claim', 'login', 'recover']);

export interface BridgeParts {
  readonly handlers: AppHandlers;
  readonly engine: Pick<EngineLink, 'call'>;
  /** Base64; null where the password has to lock the device. */
  readonly keyForEnrolment: () => Promise<string | null>;
  /** A call of the engine went well. */
  readonly done: (method: ControlMethod, params: unknown) => Promise<void>;
  readonly sendProgress: (progress: ControlEventData<'progress'>) => void;
  /** A broken invariant: to be logged, not shown. */
  readonly onDefect: (error: unknown) => void;
}

export class Bridge {
  readonly #parts: BridgeParts;
  readonly #running = new Map<number, AbortController>();

  constructor(parts: BridgeParts) {
    this.#parts = parts;
  }

  async answer(raw: unknown): Promise<BridgeAnswer> {
    try {
      const request = bridgeRequestSchema.safeParse(raw);
      if (!request.success) throw notUnderstood('the request');
      return { result: await this.#dispatch(request.data) };
    } catch (error) {
      if (error instanceof PersonError) {
        return { error: { code: error.code, message: error.message, hint: error.hint } };
      }
      this.#parts.onDefect(error);
      return {
        error: {
          code: 'failed',
          message: 'something in the app went wrong',
          hint: 'Try again; if it stays so, quit Coffre and start it again.',
        },
      };
    }
  }

  /** The window has gone: nobody waits for what it asked. */
  abandon(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  #dispatch(request: BridgeRequest): Promise<unknown> {
    if (request.method === 'cancel') return Promise.resolve(this.#cancel(request.params));
    return request.to === 'app' ? this.#onApp(request) : this.#onEngine(request);
  }

  #cancel(params: unknown): object {
    const parsed = connectionMethods.cancel.params.safeParse(params);
    if (!parsed.success) throw notUnderstood('cancel');
    this.#running.get(parsed.data.request)?.abort();
    return {};
  }

  async #onApp({ method, params }: BridgeRequest): Promise<unknown> {
    if (!isOwn(appMethods, method)) throw unknownMethod(method);
    const parsed = appMethods[method].params.safeParse(params);
    if (!parsed.success) throw notUnderstood(method);
    const handler = this.#parts.handlers[method] as (params: unknown) => unknown;
    return appMethods[method].result.parse(await handler(parsed.data));
  }

  async #onEngine({ request, method, params }: BridgeRequest): Promise<unknown> {
    if (!isOwn(controlMethods, method) || KEPT_FROM_WINDOW.has(method)) throw unknownMethod(method);
    if (this.#running.has(request)) throw notUnderstood('a request number that is in use');
    const controller = new AbortController();
    this.#running.set(request, controller);
    try {
      const parsed = controlMethods[method].params.safeParse(await this.#withKey(method, params));
      if (!parsed.success) throw notUnderstood(method);
      const result = await this.#parts.engine.call(method, parsed.data, {
        signal: controller.signal,
        onProgress: (progress) => this.#parts.sendProgress({ ...progress, request }),
      });
      await this.#parts.done(method, parsed.data);
      return result;
    } finally {
      this.#running.delete(request);
    }
  }

  async #withKey(method: ControlMethod, params: unknown): Promise<unknown> {
    if (typeof params !== 'object' || params === null || !('unlockKey' in params || ENROLLING.has(method))) {
      return params;
    }
    const { unlockKey: _, ...rest } = params as Record<string, unknown>;
    if (!ENROLLING.has(method)) return rest;
    const unlockKey = await this.#parts.keyForEnrolment();
    return unlockKey === null ? rest : { ...rest, unlockKey };
  }
}

function isOwn<T extends object>(methods: T, name: string): name is Extract<keyof T, string> {
  return Object.hasOwn(methods, name);
}

function unknownMethod(method: string): PersonError {
  return new PersonError('bad-input', `the app has no method ${method.slice(0, 64)}`, '');
}

function notUnderstood(what: string): PersonError {
  return new PersonError('bad-input', `${what} is not of the form it must have`, 'Check what you entered.');
}
