/** Methods of the control API that show the account's tree and its history, and undo. */
import { z } from 'zod';
import {
  accountPath,
  count,
  localPath,
  nextCursor,
  nodeTypeSchema,
  pageParams,
  secret,
  serverParams,
  timeMs,
} from './control-shapes.ts';

const listingEntrySchema = z.object({
  name: z.string(),
  type: nodeTypeSchema,
  /** Of a file's content, of a link's target; 0 for a folder. */
  size: count,
  mtimeMs: timeMs,
  node: z.string(),
  /** Whether it is on this device: a pair holds it and it is not deselected. */
  selected: z.boolean(),
  /** Of a folder: some of what lies beneath is on this device and some is not. */
  partly: z.boolean().optional(),
  /** With `totals`, of a folder: files and links beneath it, and their bytes. */
  files: count.optional(),
  bytes: count.optional(),
});
export type ListingEntry = z.infer<typeof listingEntrySchema>;

const versionSchema = z.object({
  /** The node's revision: what `restore` takes. */
  version: count,
  seq: count,
  /** When the server received it. */
  receivedAtMs: timeMs,
  /** Null for a deletion. */
  size: count.nullable(),
  mtimeMs: timeMs.nullable(),
  /** Where the node was then. */
  path: z.string(),
  deviceName: z.string(),
  current: z.boolean(),
});
export type Version = z.infer<typeof versionSchema>;

const trashEntrySchema = z.object({
  /** The node's id: what `trash.restore` takes. */
  id: z.string(),
  name: z.string(),
  type: nodeTypeSchema,
  size: count,
  /** Where it was; null when that can no longer be told. */
  path: z.string().nullable(),
  vault: z.string(),
  deletedAtMs: timeMs.nullable(),
});
export type TrashEntry = z.infer<typeof trashEntrySchema>;

const restored = z.object({
  /** Where it is now. */
  path: z.string(),
  files: count,
  bytes: count,
});

export const treeMethods = {
  /**
   * Entries of a folder by name, or the one entry of a file; `atMs`: as they were then. `totals`: each folder
   * with what lies beneath it. @throws not-found, verification
   */
  ls: {
    params: z.object({
      ...pageParams,
      path: accountPath.default('/'),
      atMs: timeMs.optional(),
      totals: z.boolean().default(false),
    }),
    result: z.object({
      /** `VAULT:/path`. */
      path: z.string(),
      /** Names of all vaults, the first first. */
      vaults: z.array(z.string()),
      entries: z.array(listingEntrySchema),
      nextCursor,
    }),
  },
  /** Newest first. @throws not-found, verification */
  versions: {
    params: z.object({ ...pageParams, path: accountPath }),
    result: z.object({ path: z.string(), versions: z.array(versionSchema), nextCursor }),
  },
  /**
   * When there were changes, in the time of which everything is kept: what a slider through the past needs.
   * `path` of a file: changes of that file; of a folder: all of its vault. @throws not-found, verification
   */
  timeline: {
    params: z.object({ path: accountPath.default('/') }),
    result: z.object({
      /** The earliest and the latest moment that `ls` and `restore` can go back to. */
      firstMs: timeMs,
      lastMs: timeMs,
      /** Days with changes, by the clock and zone of this machine, oldest first. */
      days: z.array(z.object({ dayStartMs: timeMs, changes: count })),
    }),
  },
  /**
   * Brings a file or folder back as it was `atMs` or at `version` (neither: the version before the present
   * one), in its place or as the new node `to`. @throws not-found, exists (at `to`), verification
   */
  restore: {
    params: z
      .object({
        path: accountPath,
        atMs: timeMs.optional(),
        version: count.optional(),
        to: accountPath.optional(),
      })
      .refine((value) => value.atMs === undefined || value.version === undefined, 'a time or a version'),
    result: restored,
  },
  /** Newest deletion first. `vault` null: every vault. */
  'trash.list': {
    params: z.object({ ...pageParams, vault: z.string().nullable().default(null) }),
    result: z.object({ entries: z.array(trashEntrySchema), nextCursor }),
  },
  /** `item`: an id from the list, or an account path as it was. @throws not-found, bad-input (several match) */
  'trash.restore': {
    params: z.object({ item: accountPath, to: accountPath.optional() }),
    result: restored,
  },
  /** `now` also forgets the stored bytes at once and needs the password. @throws refused, bad-input */
  'trash.empty': {
    params: z.object({ now: z.boolean().default(false), password: secret.optional() }),
    result: z.object({ items: count, bytes: count }),
  },
  /**
   * Fetches and verifies a sample of the stored data through the recovery path. With the 24 words also the keys
   * are those of a recovery. Progress in bytes. @throws refused (phrase), verification, server-unreachable
   */
  check: {
    params: z.object({
      readDataPercent: z.number().gt(0).max(100).default(1),
      phrase: secret.optional(),
    }),
    result: z.object({
      files: count,
      bytes: count,
      lastProvenRestorableMs: timeMs,
      /** Where the keys came from. */
      keys: z.enum(['words', 'device']),
    }),
  },
  /**
   * The whole decrypted tree and a hash list, from the phrase and the server alone: asks nothing of this
   * device's account and writes nothing but `folder`. Progress in bytes.
   * @throws refused (phrase), exists (folder not empty), verification, disk-full
   */
  export: {
    params: z.object({ ...serverParams, email: z.string().max(254), phrase: secret, folder: localPath }),
    result: z.object({
      folder: z.string(),
      /** Lines of `SHA-256  path`, as sha256sum writes them. */
      hashList: z.string(),
      files: count,
      bytes: count,
      vaults: z.array(z.string()),
    }),
  },
} as const;
