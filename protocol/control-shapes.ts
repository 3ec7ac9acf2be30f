/** Shapes that several methods and events of the control API share. Times in ms since 1970, sizes in bytes. */
import { z } from 'zod';

export const count = z.number().int().nonnegative();
export const timeMs = z.number().int();
/** A place in the account: `VAULT:/path`, or `/path` (also without the slash) in the first vault. */
export const accountPath = z.string().max(40_000);
/** An absolute path on this machine. */
export const localPath = z.string().min(1).max(40_000);
export const secret = z.string().min(1).max(1024);
export const nodeTypeSchema = z.enum(['file', 'folder', 'symlink']);

/**
 * Fields of every list: pass `cursor` back to read on. The engine may answer with fewer items than `limit`;
 * the list is complete when `nextCursor` is null.
 */
export const pageParams = {
  limit: z.number().int().min(1).max(500).default(200),
  cursor: z.string().max(2000).nullable().default(null),
};
export const nextCursor = z.string().nullable();

/** Which server, and how it is trusted. The URL may carry the fingerprint of its certificate. */
export const serverParams = {
  server: z.string().min(1).max(2000),
  /** A private authority (PEM) to trust for this server, instead of the system's. */
  caPem: z.string().max(200_000).optional(),
};

export const engineStates = [
  'idle',
  'syncing',
  'paused',
  'offline',
  'attention', // issues stand
  'quota',
  'locked', // the key file of this device has not been opened
  'signed-out', // no account here, or the server no longer knows this device
] as const;

export const issueSchema = z.object({
  id: count,
  code: z.string(),
  /** Of the node, as a person would look for it; empty for what concerns no node. */
  path: z.string(),
  reason: z.string(),
  /** What `issues.resolve` takes; empty when it ends by itself. */
  ways: z.array(z.string()),
  pair: z.string().nullable().default(null),
  sinceMs: timeMs.default(0),
});

export const activityRowSchema = z.object({
  /** Grows. */
  id: count,
  atMs: timeMs,
  pair: z.string().nullable(),
  path: z.string(),
  /** What was done: upload, download, move, ... */
  action: z.string(),
  /** Why: created-here, edited-elsewhere, ... */
  reason: z.string(),
  bytes: count,
});
export type ActivityRow = z.infer<typeof activityRowSchema>;

export const pairSchema = z.object({
  id: z.string(),
  /** Absolute path of the local folder. */
  folder: z.string(),
  /** The vault's name. */
  vault: z.string(),
  /** The vault's sequence number that this device has verified. */
  seq: count,
  /** Folder of the vault that the pair is bound to; `/` for its root. */
  path: z.string().default('/'),
  /** Why it does not sync, when it does not; null when it does. */
  paused: z.string().nullable().default(null),
});

/** What the person should be told once: a new device, a revoked one, a pack revived. */
const noticeSchema = z.object({ atMs: timeMs, code: z.string(), message: z.string() });

export const statusSchema = z.object({
  state: z.enum(engineStates),
  /** What is not in sync yet. */
  pending: z.object({ files: count, bytes: count }),
  /** How long that may take, by what was done of late; null while it is not known, as during a first scan. */
  secondsLeft: count.nullable(),
  /** When a pause ends by itself; null when there is none, or until it is resumed. */
  pausedUntilMs: timeMs.nullable(),
  transfer: z.object({ upBytesPerSecond: z.number(), downBytesPerSecond: z.number() }),
  /** As last heard; zeros until then. */
  quota: z.object({
    usedBytes: count,
    limitBytes: count,
    liveBytes: count.optional(),
    /** Superseded and dropped: versions. */
    retainedBytes: count.optional(),
    trashBytes: count.optional(),
  }),
  /** The oldest MAX_STATUS_ISSUES. */
  issues: z.array(issueSchema),
  issueCount: count,
  pairs: z.array(pairSchema),
  /** Null before sign-up or login. */
  account: z
    .object({ email: z.string(), server: z.string(), device: z.string(), deviceName: z.string() })
    .nullable(),
  /** The last `check` that went well, and the last of those that took its keys from the 24 words. */
  lastProvenRestorableMs: timeMs.nullable(),
  lastProvenWithWordsMs: timeMs.nullable(),
  /** The newest, 20 at most. */
  notices: z.array(noticeSchema),
  engine: z.object({ version: z.string(), pid: z.number().int(), startedAtMs: timeMs }),
  /** Totals since the engine started (scans, plans, commits, requests, bytesUp, bytesDown, ...). */
  counters: z.record(z.string(), z.number()),
});
export type Status = z.infer<typeof statusSchema>;

export const progressSchema = z.object({
  /** What is being done, in a few words. */
  step: z.string(),
  done: z.number().nonnegative(),
  /** Null while it is not known. */
  total: z.number().nonnegative().nullable(),
  unit: z.enum(['bytes', 'files', 'items']),
});
export type Progress = z.infer<typeof progressSchema>;
