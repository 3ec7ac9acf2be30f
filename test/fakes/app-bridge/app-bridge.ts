/**
 * The built window in a plain Chromium, with an app behind it that answers what a test wrote down. Answers and
 * events go through the real schemas, so that a fixture cannot promise what the protocol does not.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import {
  appEvents,
  appMethods,
  type AppEventData,
  type AppEventName,
  type AppMethod,
  type BridgeAnswer,
  type BridgeRequest,
} from '../../../protocol/app.ts';
import { controlMethods, type ControlMethod } from '../../../protocol/control.ts';
import type { Progress } from '../../../protocol/control-shapes.ts';
import { PersonError } from '../../../protocol/errors.ts';

const ORIGIN = 'http://coffre.test';
/** Of the app's window; `style-src` leaves no room for style sheets that a package adds by itself. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'";
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

export interface AnswerContext {
  progress(progress: Progress): void;
  readonly cancelled: Promise<void>;
}
export type Answer = (params: never, context: AnswerContext) => unknown;
/** By method, of the app and of the engine alike; what is not written down is refused. */
export type AppScript = Partial<Record<AppMethod | ControlMethod, Answer>>;

export interface FakeApp {
  /** Every call, in order. */
  readonly calls: BridgeRequest[];
  /** Replaces answers while the window runs. */
  answer(script: AppScript): void;
  emit<E extends AppEventName>(event: E, data: AppEventData<E>): Promise<void>;
  /** What the console said that no healthy window says: errors and refusals of the policy. */
  readonly complaints: string[];
}

/** Opens the window of `folder` (dist/renderer) on the page. */
export async function openFakeApp(page: Page, folder: string, script: AppScript): Promise<FakeApp> {
  const calls: BridgeRequest[] = [];
  const complaints: string[] = [];
  const cancels = new Map<number, () => void>();
  let answers: AppScript = { ...script };

  const emit = async (event: string, data: unknown): Promise<void> => {
    await page.evaluate(
      (frame) => {
        for (const listener of (globalThis as unknown as { coffreListeners: Set<(f: unknown) => void> })
          .coffreListeners)
          listener(frame);
      },
      { event, data },
    );
  };

  const answerOne = async (request: BridgeRequest): Promise<BridgeAnswer> => {
    calls.push(request);
    if (request.method === 'cancel') {
      cancels.get((request.params as { request: number }).request)?.();
      return { result: {} };
    }
    const methods: Record<
      string,
      { params: { parse(v: unknown): unknown }; result: { parse(v: unknown): unknown } }
    > = { ...appMethods, ...controlMethods };
    const schemas = methods[request.method];
    const answer = answers[request.method as AppMethod | ControlMethod];
    if (schemas === undefined || answer === undefined)
      return { error: { code: 'failed', message: `no answer was written for ${request.method}`, hint: '' } };
    const cancelled = new Promise<void>((resolve) => cancels.set(request.request, resolve));
    try {
      const result = await answer(schemas.params.parse(request.params) as never, {
        cancelled,
        progress: (data) => void emit('progress', { ...data, request: request.request }),
      });
      return { result: schemas.result.parse(result) };
    } catch (error) {
      if (error instanceof PersonError)
        return { error: { code: error.code, message: error.message, hint: error.hint } };
      complaints.push(`fixture of ${request.method}: ${String(error)}`);
      return { error: { code: 'failed', message: 'the fixture is wrong', hint: '' } };
    } finally {
      cancels.delete(request.request);
    }
  };

  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.exposeFunction('coffreAnswer', answerOne);
  await page.addInitScript(() => {
    const listeners = new Set<(event: unknown) => void>();
    Object.assign(globalThis, {
      coffreListeners: listeners,
      coffre: {
        request: (request: unknown) =>
          (globalThis as unknown as { coffreAnswer: (r: unknown) => Promise<unknown> }).coffreAnswer(request),
        onEvent: (listener: (event: unknown) => void) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    });
  });
  await page.route(`${ORIGIN}/**`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice(1) || 'index.html';
    try {
      await route.fulfill({
        body: await readFile(path.join(folder, name)),
        contentType: TYPES[path.extname(name)] ?? 'application/octet-stream',
        headers: { 'content-security-policy': POLICY },
      });
    } catch {
      await route.fulfill({ status: 404, body: '' });
    }
  });
  await page.goto(`${ORIGIN}/`);

  return {
    calls,
    complaints,
    answer: (more) => {
      answers = { ...answers, ...more };
    },
    emit: (event, data) => emit(event, appEvents[event].parse(data)),
  };
}
