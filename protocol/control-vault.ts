/** Methods of the control API that show a vault's log and take it back. */
import { z } from 'zod';
import { count, nextCursor, nodeTypeSchema, pageParams, secret, timeMs } from './control-shapes.ts';

/** Which vault: by name, or that of a pair; neither: the first. */
const vaultParams = {
  vault: z.string().nullable().default(null),
  pair: z.string().nullable().default(null),
};

const headSchema = z.object({
  /** Its number in the log: what `vault.rewind` takes. After a rewind the log counts on from there. */
  revision: count,
  /** Names it for good: SHA-256 of what its device signed, in hex. */
  hash: z.string(),
  /** When the server received it. */
  receivedAtMs: timeMs,
  device: z.string(),
  deviceName: z.string(),
  /** Whether that device was removed from the account since. */
  removed: z.boolean(),
  /** How many files and folders it changed, by the list it signs; null where this device read only its header. */
  nodes: count.nullable(),
  /** The newest. */
  current: z.boolean(),
});
export type VaultHead = z.infer<typeof headSchema>;

const writerSchema = z.object({
  device: z.string(),
  deviceName: z.string(),
  removed: z.boolean(),
  current: z.boolean(),
  commits: count,
});
export type VaultWriter = z.infer<typeof writerSchema>;

const touchedSchema = z.object({
  /** Where it is now; of what comes back, where it was. */
  path: z.string(),
  type: nodeTypeSchema,
  /** What happens to it. */
  change: z.enum(['comes-back', 'goes-away', 'content', 'moves']),
  /** The device that changed it last and is to change it again; null: it stays as it was at the revision. */
  againBy: z.string().nullable(),
});
export type TouchedNode = z.infer<typeof touchedSchema>;

/** Of the nodes that differ, so many are named. */
export const MAX_TOUCHED = 200;

export const vaultMethods = {
  /** The commits of a vault as this device verified them, newest first. @throws not-found, verification */
  'vault.heads': {
    params: z.object({ ...pageParams, ...vaultParams }),
    result: z.object({ vault: z.string(), heads: z.array(headSchema), nextCursor }),
  },
  /**
   * Takes a vault back to an older commit, on every device. Without a password it only says what that would take
   * back. Commits of devices that are still in the account are taken back only with `includeLive`.
   * @throws refused (a device is to be removed first; wrong password), not-found, bad-input, verification
   */
  'vault.rewind': {
    params: z.object({
      ...vaultParams,
      to: count,
      /** Of the commit that was chosen: refused where the number means another one by now. */
      hash: z.string().optional(),
      includeLive: z.boolean().default(false),
      password: secret.optional(),
    }),
    result: z.object({
      vault: z.string(),
      to: headSchema,
      commits: count,
      /** Those of them that this device could not verify; its view of the files ends before them. */
      unverified: count,
      writers: z.array(writerSchema),
      /** How many files, folders and links are another way now; the first MAX_TOUCHED of them by path. */
      touchedCount: count,
      touched: z.array(touchedSchema),
      done: z.boolean(),
    }),
  },
} as const;
