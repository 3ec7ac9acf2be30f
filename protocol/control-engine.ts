/** Methods of the control API that concern the engine itself: its state, its pairs, its issues, its settings. */
import { z } from 'zod';
import {
  accountPath,
  activityRowSchema,
  count,
  engineStates,
  issueSchema,
  localPath,
  nextCursor,
  pageParams,
  pairSchema,
  secret,
  statusSchema,
  timeMs,
} from './control-shapes.ts';

const state = z.object({ state: z.enum(engineStates) });

/** Settings of one device: schema, meaning and what holds until it is set. */
export const configKeys = {
  'device-name': { schema: z.string().min(1).max(100), about: 'name of this device, shown to your others' },
  'upload-limit': { schema: count, about: 'bytes per second sent at most; 0 for no limit' },
  'download-limit': { schema: count, about: 'bytes per second received at most; 0 for no limit' },
  'scan-interval': { schema: z.number().int().min(10), about: 'seconds between full scans' },
  'local-trash-days': { schema: count, about: 'days that replaced and removed files stay in .coffre/' },
  'local-trash-bytes': { schema: count, about: 'bytes that .coffre/ may take' },
} as const;
export type ConfigKey = keyof typeof configKeys;
export const configKeySchema = z.enum(Object.keys(configKeys) as [ConfigKey, ...ConfigKey[]]);
const configValue = z.union([z.string(), z.number()]);

export const engineMethods = {
  /** Works in every state. */
  status: { params: z.object({}), result: statusSchema },
  /**
   * A fresh scan, then answers once folders, synced tree and account agree.
   * @throws out-of-sync (issues stand), timeout, quota, verification, signed-out, locked
   */
  wait: {
    params: z.object({ timeoutMs: z.number().int().nonnegative().optional() }),
    result: z.object({ seq: z.record(z.string(), count).default({}) }),
  },
  /** `untilMs` null: until it is resumed. Kept across restarts. @throws bad-input (`untilMs` is past) */
  pause: { params: z.object({ untilMs: timeMs.nullable().default(null) }), result: state },
  resume: { params: z.object({}), result: state },
  /** After a sleep of the machine or a change of network: connects anew and looks at all folders. */
  nudge: { params: z.object({}), result: state },
  /**
   * Opens the key file with the passphrase (the password of sign-up or login unless changed), or with the
   * unlock key of the OS keychain (32 bytes, base64). @throws refused
   */
  unlock: {
    params: z.union([z.object({ password: secret }), z.object({ unlockKey: secret })]),
    result: state,
  },
  /** Answers, then ends the engine in good order. */
  stop: { params: z.object({}), result: z.object({}) },

  /**
   * `into` null: a new vault named after the folder. @throws bad-input (overlap, not a folder), not-found
   */
  'pairs.add': {
    params: z.object({ folder: localPath, into: accountPath.nullable().default(null) }),
    result: z.object({ pair: pairSchema }),
  },
  'pairs.list': { params: z.object({}), result: z.object({ pairs: z.array(pairSchema) }) },
  /** Removes no file here or there. @throws not-found */
  'pairs.remove': { params: z.object({ id: z.string() }), result: z.object({ id: z.string() }) },
  /** Keeps a folder of the account on this device (`on`) or not. */
  select: {
    params: z.object({ path: accountPath, on: z.boolean() }),
    result: z.object({ path: z.string(), on: z.boolean() }),
  },

  'issues.list': {
    params: z.object(pageParams),
    result: z.object({ issues: z.array(issueSchema), nextCursor }),
  },
  /**
   * What a `mass-deletion` holds back: how many files, the first paths, and where they were deleted. Paths are
   * relative to the pair's folder, in order. @throws not-found, bad-input (an issue of another kind)
   */
  'issues.removals': {
    params: z.object({ id: count, limit: z.number().int().min(1).max(500).default(100) }),
    result: z.object({
      files: count,
      paths: z.array(z.string()),
      deleted: z.enum(['here', 'elsewhere', 'both']),
    }),
  },
  /** @throws not-found, bad-input (not one of its ways) */
  'issues.resolve': {
    params: z.object({ id: count, way: z.string().min(1).max(100) }),
    result: z.object({ id: count }),
  },
  /** Newest first; `after`: only rows with a greater id. `actions` and `pair`: only those rows. */
  'activity.list': {
    params: z.object({
      ...pageParams,
      after: count.default(0),
      actions: z.array(z.string().max(100)).min(1).max(50).nullable().default(null),
      pair: z.string().max(100).nullable().default(null),
    }),
    result: z.object({ rows: z.array(activityRowSchema), nextCursor }),
  },

  /**
   * Writes a bug report (protocol/report.ts) to `file`, readable by this user alone. Works in every state.
   * @throws exists (`file` is there), bad-input (it cannot be written)
   */
  report: {
    params: z.object({ file: localPath }),
    result: z.object({
      file: z.string(),
      bytes: count,
      pairs: count,
      nodes: count,
      /** Nodes that are not in it, for there are too many. */
      leftOut: count,
      issues: count,
      plans: count,
    }),
  },

  /** All of them when `key` is null. */
  'config.get': {
    params: z.object({ key: configKeySchema.nullable().default(null) }),
    result: z.object({ values: z.record(z.string(), configValue) }),
  },
  /** @throws bad-input (out of the key's range) */
  'config.set': {
    params: z.object({ key: configKeySchema, value: configValue }),
    result: z.object({ values: z.record(z.string(), configValue) }),
  },
} as const;
