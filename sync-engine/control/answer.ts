/** One call: checks what goes in, asks the engine, checks what comes out. */
import {
  controlMethods,
  MAX_STATUS_ISSUES,
  type ControlError,
  type ControlMethod,
} from '../../protocol/control.ts';
import { encodeFrame } from '../../protocol/control-frames.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { z } from 'zod';
import type { CallContext, ControlHandlers } from './facade.ts';

/** Told of an error that no person can do anything about. */
export type OnDefect = (error: unknown, where: string) => void;

interface CheckedMethod {
  readonly params: z.ZodType<Record<string, unknown>>;
  readonly result: z.ZodType<Record<string, unknown>>;
}
type AnyHandler = (request: Record<string, unknown>, context: CallContext) => Promise<unknown>;

function isControlMethod(name: string): name is ControlMethod {
  return Object.hasOwn(controlMethods, name);
}

/** The frame that answers the call. Never throws. */
export async function answerCall(
  handlers: ControlHandlers,
  id: number,
  name: string,
  params: unknown,
  context: CallContext,
  onDefect: OnDefect,
): Promise<string> {
  try {
    if (!isControlMethod(name)) {
      throw new PersonError('bad-input', `the engine knows no method ${JSON.stringify(name)}`, '');
    }
    // The table pairs every handler with its own schemas; what TypeScript cannot follow through a name is
    // held by the two parses.
    const method = controlMethods[name] as unknown as CheckedMethod;
    const handler = handlers[name] as unknown as AnyHandler;
    const request = method.params.safeParse(params ?? {});
    if (!request.success) throw new PersonError('bad-input', describeIssue(request.error), '');
    return await answerThatFits(id, request.data, async (fitted) =>
      method.result.parse(await handler(fitted, context)),
    );
  } catch (error) {
    if (!(error instanceof PersonError) && !context.signal.aborted) onDefect(error, name);
    return errorFrame(id, error);
  }
}

/** Names may be long: a page beyond a frame is asked for again with half as many items. */
async function answerThatFits(
  id: number,
  request: Record<string, unknown>,
  ask: (request: Record<string, unknown>) => Promise<Record<string, unknown>>,
): Promise<string> {
  for (let fitted = request; ;) {
    const result = await ask(fitted);
    const frame =
      encodeFrame({ id, result: result }) ?? frameWithFewerIssues(result, (less) => ({ id, result: less }));
    if (frame !== null) return frame;
    const limit = fitted['limit'];
    if (typeof limit !== 'number' || limit < 2) throw new Error('an answer beyond the size of a frame');
    fitted = { ...fitted, limit: Math.floor(limit / 2) };
  }
}

/** A status or an `issues` event with as many of its issues as fit; null for anything else. */
export function frameWithFewerIssues(
  data: Record<string, unknown>,
  wrap: (data: Record<string, unknown>) => unknown,
): string | null {
  const { issues } = data;
  if (!Array.isArray(issues) || typeof data['issueCount'] !== 'number') return null;
  for (let keep = Math.min(issues.length, MAX_STATUS_ISSUES); keep > 0;) {
    keep = Math.floor(keep / 2);
    const frame = encodeFrame(wrap({ ...data, issues: issues.slice(0, keep) }));
    if (frame !== null) return frame;
  }
  return null;
}

export function errorFrame(id: number, error: unknown): string {
  const told: ControlError =
    error instanceof PersonError
      ? { code: error.code, message: error.message, hint: error.hint }
      : {
          code: 'failed',
          message: 'the engine met an error of its own',
          hint: 'Try again; if it stays, look at its log.',
        };
  return `${JSON.stringify({ id, error: told })}\n`;
}

/** One line, without the value itself: it may be a password. */
export function describeIssue(error: z.ZodError): string {
  const [first] = error.issues;
  if (first === undefined) return 'the request is malformed';
  const where = first.path.map(String).join('.');
  return where === '' ? first.message : `${where}: ${first.message}`;
}
