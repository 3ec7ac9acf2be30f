/**
 * The control API: how the command line and the app drive the engine of one device. Newline-delimited JSON
 * over a local socket (control-endpoint.ts says where). A client sends `{id, method, params}` and gets
 * `{id, result}` or `{id, error}`; calls run side by side and answer in any order. The first call of a
 * connection is `hello`. After `subscribe` the engine pushes `{event, data}`; `progress` of a connection's own
 * calls needs no subscription. A connection that goes cancels its calls. docs/control-api.md tells the whole.
 */
import { z } from 'zod';
import { PERSON_ERROR_EXIT, type PersonErrorCode } from './errors.ts';
import { activityRowSchema, issueSchema, progressSchema, statusSchema } from './control-shapes.ts';
import { accountMethods } from './control-account.ts';
import { engineMethods } from './control-engine.ts';
import { ignoreMethods } from './control-ignore.ts';
import { treeMethods } from './control-tree.ts';
import { vaultMethods } from './control-vault.ts';

/** A frame is one line of JSON of at most this many bytes, the newline included, in either direction. */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** Issues that a status or an `issues` event carries at most; `issues.list` has all. */
export const MAX_STATUS_ISSUES = 100;

/** Every method that the engine answers: schema of what goes in and of what comes out. */
export const controlMethods = {
  ...engineMethods,
  ...treeMethods,
  ...accountMethods,
  ...ignoreMethods,
  ...vaultMethods,
} as const;
type ControlMethods = typeof controlMethods;
export type ControlMethod = keyof ControlMethods;
/** What a caller writes: defaults may be left out. */
export type ControlParams<M extends ControlMethod> = z.input<ControlMethods[M]['params']>;
/** What the engine gets: checked, defaults filled in. */
export type ControlRequest<M extends ControlMethod> = z.output<ControlMethods[M]['params']>;
export type ControlResult<M extends ControlMethod> = z.output<ControlMethods[M]['result']>;

/** Answered by the connection itself. */
export const connectionMethods = {
  /**
   * Once, first. After a version that is not the engine's only `stop` is served, so that a new client can
   * replace an old engine. `token`: of the token file, on Windows only.
   */
  hello: {
    params: z.object({ version: z.number().int(), token: z.string().max(128).optional() }),
    result: z.object({ version: z.number().int(), engineVersion: z.string(), pid: z.number().int() }),
  },
  /** Replaces the connection's subscription. */
  subscribe: {
    params: z.object({ events: z.array(z.enum(['status', 'activity', 'issues'])).max(8) }),
    result: z.object({}),
  },
  /** Aborts a running call of this connection, which then answers with an error. An unknown id is no error. */
  cancel: { params: z.object({ request: z.number().int() }), result: z.object({}) },
} as const;
export type ConnectionMethods = typeof connectionMethods;

/** What the engine pushes. `status` at most four times a second, and whenever `state` changes. */
export const controlEvents = {
  status: statusSchema,
  activity: z.object({ rows: z.array(activityRowSchema) }),
  /** After any issue was raised, changed or cleared: the first of those that stand. */
  issues: z.object({ issues: z.array(issueSchema), issueCount: z.number().int().nonnegative() }),
  /** Of the call `request` of this connection. */
  progress: progressSchema.extend({ request: z.number().int() }),
} as const;
type ControlEventName = keyof typeof controlEvents;
export type ControlEventData<E extends ControlEventName> = z.output<(typeof controlEvents)[E]>;
/** An event that goes to every subscriber. */
export type BroadcastEvent = {
  [E in Exclude<ControlEventName, 'progress'>]: { readonly event: E; readonly data: ControlEventData<E> };
}[Exclude<ControlEventName, 'progress'>];

export const controlErrorSchema = z.object({
  code: z.enum(Object.keys(PERSON_ERROR_EXIT) as [PersonErrorCode, ...PersonErrorCode[]]),
  /** What happened, and why. One line. */
  message: z.string(),
  /** What to do. One line, may be empty. */
  hint: z.string(),
});
export type ControlError = z.infer<typeof controlErrorSchema>;

export const requestFrameSchema = z.object({
  id: z.number().int().nonnegative(),
  method: z.string().max(64),
  params: z.unknown().optional(),
});
export type RequestFrame = z.infer<typeof requestFrameSchema>;

export const answerFrameSchema = z.union([
  z.object({ id: z.number().int(), error: controlErrorSchema }),
  z.object({ id: z.number().int(), result: z.unknown() }),
]);
export const eventFrameSchema = z.object({ event: z.string(), data: z.unknown() });
