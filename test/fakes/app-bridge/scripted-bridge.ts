/**
 * Stands for the app and its engine: answers what the window asks from a scripted world. What the window sends
 * and what it is told are parsed by the protocol's own schemas, so a fixture or a view that drifts from the
 * protocol fails here. Lives in the test's process; attach() puts it into a page as `window.coffre`.
 */
import type { z } from 'zod';
import { appEvents, appMethods, bridgeRequestSchema, type AppEventName } from '../../../protocol/app.ts';
import { controlMethods, type ControlError } from '../../../protocol/control.ts';
import { PersonError } from '../../../protocol/errors.ts';
import { answersOf } from './answers.ts';
import type { World } from './world.ts';

export interface RecordedCall {
  readonly to: 'app' | 'engine';
  readonly method: string;
  readonly params: unknown;
}

/** What a page of playwright offers that is needed here. */
export interface BridgePage {
  exposeBinding(name: string, callback: (source: unknown, request: unknown) => unknown): Promise<unknown>;
  addInitScript(script: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
}

interface Method {
  readonly params: z.ZodType;
  readonly result: z.ZodType;
}

/** `coffreAsked` tells a test how many calls have no answer yet. */
const PAGE_SCRIPT = `{
  const listeners = new Set();
  const ask = globalThis.coffreAsk;
  let asked = 0;
  globalThis.coffreAsked = () => asked;
  globalThis.coffreTell = (frames) => {
    for (const frame of frames) for (const listener of listeners) listener(frame);
  };
  Object.defineProperty(globalThis, 'coffre', {
    value: Object.freeze({
      request: (request) => {
        asked += 1;
        return ask(request).finally(() => { asked -= 1; });
      },
      onEvent: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    }),
  });
}`;

export class ScriptedBridge {
  readonly world: World;
  /** Every call in order, its parameters as the schema left them. */
  readonly calls: RecordedCall[] = [];
  /** What the window asked or was to be told that the protocol does not allow. Tests expect none. */
  readonly faults: string[] = [];
  #page: BridgePage | null = null;

  constructor(world: World) {
    this.world = world;
  }

  /** Before the page is opened. */
  async attach(page: BridgePage): Promise<void> {
    this.#page = page;
    await page.exposeBinding('coffreAsk', (_, request) => this.request(request));
    await page.addInitScript(PAGE_SCRIPT);
  }

  callsOf(method: string): readonly unknown[] {
    return this.calls.filter((call) => call.method === method).map((call) => call.params);
  }

  async request(raw: unknown): Promise<unknown> {
    const frame = bridgeRequestSchema.parse(raw);
    const { to, method, request } = frame;
    if (method === 'cancel') {
      this.calls.push({ to, method, params: frame.params });
      return { result: {} };
    }
    const methods: Readonly<Record<string, Method>> = to === 'app' ? appMethods : controlMethods;
    const known = methods[method];
    if (known === undefined) return this.#fault(`${to} has no method ${method}`);
    const params = known.params.safeParse(frame.params);
    if (!params.success) return this.#fault(`${method} was asked wrongly: ${params.error.message}`);
    this.calls.push({ to, method, params: params.data });

    const trouble = this.world.trouble[method] ?? (to === 'engine' ? this.world.trouble['*'] : undefined);
    if (trouble === 'never') return new Promise(() => undefined);
    if (trouble !== undefined) return { error: trouble };
    const answers = answersOf(this.world, (event, data) => this.tell(event, data), request);
    const answer = (answers as Record<string, ((params: never) => unknown) | undefined>)[method];
    if (answer === undefined) return this.#fault(`${method} is not scripted`);
    try {
      const result = known.result.safeParse(await answer(params.data as never));
      if (!result.success) return this.#fault(`the script of ${method} is wrong: ${result.error.message}`);
      return { result: result.data };
    } catch (error) {
      if (error instanceof PersonError) return { error: errorOf(error) };
      return this.#fault(`${method} failed: ${String(error)}`);
    }
  }

  /** Pushes events to the window, together. */
  async tell(event: AppEventName, ...data: unknown[]): Promise<void> {
    const frames = data.map((one) => ({ event, data: appEvents[event].parse(one) }));
    await this.#page?.evaluate(`globalThis.coffreTell(${JSON.stringify(frames)})`);
  }

  #fault(what: string): { error: ControlError } {
    this.faults.push(what);
    return { error: { code: 'failed', message: what, hint: '' } };
  }
}

function errorOf(error: PersonError): ControlError {
  return { code: error.code, message: error.message, hint: error.hint };
}
