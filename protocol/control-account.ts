/** Methods of the control API that concern the account and its devices. */
import { z } from 'zod';
import { legacyOfferSchema } from './legacy.ts';
import { count, localPath, pairSchema, secret, serverParams, timeMs } from './control-shapes.ts';

const email = z.string().min(3).max(254);

/** What makes this installation a device of an account. */
const enrolParams = {
  ...serverParams,
  email,
  folder: localPath,
  /** Null: the name of this machine. */
  deviceName: z.string().min(1).max(100).nullable().default(null),
  /**
   * From the OS keychain, 32 bytes in base64: locks this device's key file. Without it the key file is locked
   * with the password.
   */
  unlockKey: secret.optional(),
};
const enrolled = z.object({
  account: z.string(),
  device: z.string(),
  deviceName: z.string(),
  pair: pairSchema,
});

/** What proves an account of an older service: one of the two. */
const oldProof = { oldPassword: secret.optional(), code: z.string().min(1).max(100).optional() };
const ONE_PROOF = 'either oldPassword or code';

function hasOneProof({
  oldPassword,
  code,
}: {
  oldPassword?: string | undefined;
  code?: string | undefined;
}): boolean {
  return (oldPassword === undefined) !== (code === undefined);
}

const deviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The one that answers. */
  current: z.boolean(),
  revoked: z.boolean(),
  lastHeardMs: timeMs.nullable(),
  /** As the device wrote it when it joined. */
  addedAtMs: timeMs.optional(),
});

export const accountMethods = {
  /** Only on a device without an account. @throws exists (this device has one), refused, bad-input (folder) */
  signup: {
    params: z.object({ ...enrolParams, password: secret, invite: z.string().max(100).optional() }),
    /** The 24 words; `phrase.show` shows them again. */
    result: enrolled.extend({ recoveryPhrase: z.string() }),
  },
  /** Whose accounts this server restores. @throws refused (none), server-unreachable */
  'claim.offer': { params: z.object(serverParams), result: legacyOfferSchema },
  /** Tries the old password or the code, and uses up neither. @throws refused, bad-input */
  'claim.prove': {
    params: z.object({ ...serverParams, email, ...oldProof }).refine(hasOneProof, ONE_PROOF),
    result: z.object({}),
  },
  /**
   * As `signup`, for somebody who had an account at an older service. Nothing that was stored there comes along. The
   * old password does not leave the device, and is not taken as the new one. @throws exists, refused, bad-input
   */
  claim: {
    params: z.object({ ...enrolParams, ...oldProof, password: secret }).refine(hasOneProof, ONE_PROOF),
    result: enrolled.extend({ recoveryPhrase: z.string() }),
  },
  /**
   * Only on a device without an account, or one that was signed out: with the same address, server and folder
   * that one stays the device it was, with its pairs. One that was stopped before it linked a folder links it now.
   * A folder that has files is merged.
   * @throws exists, refused, bad-input
   */
  login: { params: z.object({ ...enrolParams, password: secret }), result: enrolled },
  /**
   * Sets a new password with the phrase. On a device without an account it also enrols the device and then
   * needs `server`, `email` and `folder`. @throws refused, bad-input
   */
  recover: {
    params: z.object({
      ...enrolParams,
      server: enrolParams.server.optional(),
      email: email.optional(),
      folder: localPath.optional(),
      phrase: secret,
      newPassword: secret,
    }),
    result: z.object({ account: z.string(), device: z.string(), pair: pairSchema.nullable() }),
  },
  /** Other devices' sessions end and begin again with their own keys. @throws refused */
  password: { params: z.object({ oldPassword: secret, newPassword: secret }), result: z.object({}) },
  /** The 24 words. @throws refused (password), not-found (an older account, which has not kept them) */
  'phrase.show': { params: z.object({ password: secret }), result: z.object({ recoveryPhrase: z.string() }) },
  /** New words; those before open nothing any more, and other devices tell of it. @throws refused (password) */
  'phrase.renew': {
    params: z.object({ password: secret }),
    result: z.object({ recoveryPhrase: z.string() }),
  },
  /**
   * Forgets keys and session; keeps every file. `everywhere`, with the password: every other device is signed
   * out until the password is given there, keeps its files and pairs, and this one stays as it is.
   * @throws refused (password), bad-input (none given)
   */
  logout: {
    params: z.object({ everywhere: z.boolean().default(false), password: secret.optional() }),
    result: z.object({}),
  },
  /** Deletes everything the server holds; keeps every file on every device. @throws refused */
  'account.delete': { params: z.object({ password: secret }), result: z.object({}) },

  'devices.list': { params: z.object({}), result: z.object({ devices: z.array(deviceSchema) }) },
  /** @throws refused (password), not-found, bad-input (this device: use logout) */
  'devices.revoke': {
    params: z.object({ id: z.string().min(1).max(100), password: secret }),
    result: z.object({ id: z.string() }),
  },
  /** The same account at another address. @throws server-unreachable, verification */
  'server.set': { params: z.object(serverParams), result: z.object({ server: z.string() }) },
  quota: {
    params: z.object({}),
    result: z.object({
      usedBytes: count,
      limitBytes: count,
      /** Files and trash, as they are stored. */
      liveBytes: count,
      /**
       * What lies in the trash, by the sizes of its files: only devices know them. Stored it may be less, being
       * compressed and shared with live files; never told as more than `liveBytes`.
       */
      trashBytes: count.optional(),
      uncommittedBytes: count,
      /** Superseded and dropped: free up to one more quota. */
      retainedBytes: count,
      /** When uploads go on although the retained bytes are used up; null when they are not. */
      returnsAtMs: timeMs.nullable(),
    }),
  },
} as const;
