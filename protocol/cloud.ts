/**
 * Messages between a device and the account server that are JSON: schema and inferred type. Bytes inside
 * JSON are standard base64. Binary bodies (commits, pages, packs) are in commit.ts and pages.ts. The list
 * of routes is docs/cloud-api.md; every route but sign-up, login and recovery wants
 * `authorization: Bearer ACCESS_TOKEN`.
 */
import { z } from 'zod';
import {
  isId16,
  isId32,
  type AccountId,
  type DeviceId,
  type Hash,
  type PackName,
  type VaultId,
} from './ids.ts';
import { CLOUD_ERROR_CODES } from './errors.ts';
import { legacyOfferSchema, legacyParametersSchema } from './legacy.ts';
import { MAX_DIRECT_URL_CHARS, MAX_PACK_BYTES, MAX_TIME_MS } from './limits.ts';

const id16 = <T extends string>() =>
  z.string().refine(isId16, 'not 16 bytes of hex') as unknown as z.ZodType<T, string>;
const id32 = <T extends string>() =>
  z.string().refine(isId32, 'not 32 bytes of hex') as unknown as z.ZodType<T, string>;

export const accountIdSchema = id16<AccountId>();
export const deviceIdSchema = id16<DeviceId>();
export const vaultIdSchema = id16<VaultId>();
const hashSchema = id32<Hash>();
const packNameSchema = id32<PackName>();
/** Standard base64 of at most 1 MiB. */
const base64Schema = z
  .string()
  .max(1_400_000)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'not base64');
/** Milliseconds since 1970 that a date can show. */
const timeSchema = z.number().int().min(0).max(MAX_TIME_MS);
/** What a device sends back in a header as it came, and keeps: printable, and no longer than the server takes. */
const tokenTextSchema = z
  .string()
  .max(200)
  .regex(/^[\x21-\x7e]+$/, 'not a token');
/** Opaque strings of the OPAQUE library (base64url). */
const opaqueMessage = z.string().min(1).max(8192);
/** Lower case and trimmed by the client before it is used anywhere. */
export const emailSchema = z
  .string()
  .min(3)
  .max(254)
  .regex(/^[^\s@\u0000-\u001f]+@[^\s@\u0000-\u001f]+$/, 'not an e-mail address');

const headSchema = z.object({ seq: z.number().int().nonnegative(), hash: hashSchema });
export type Head = z.infer<typeof headSchema>;

export const cloudErrorSchema = z.object({
  error: z.object({ code: z.enum(CLOUD_ERROR_CODES), message: z.string() }),
  /** With stale-head: the vault's head. */
  head: headSchema.optional(),
  /** With stale-chain: entries in the chain. */
  chainLength: z.number().int().nonnegative().optional(),
  /** With pack-missing: which. */
  packs: z.array(packNameSchema).optional(),
  /** With quota. */
  quota: z
    .object({ usedBytes: z.number(), limitBytes: z.number(), returnsAtMs: timeSchema.nullable() })
    .optional(),
  /** With rate-limited and unavailable: seconds to wait. */
  retryAfterS: z.number().optional(),
});
export type CloudErrorBody = z.infer<typeof cloudErrorSchema>;

/** GET /v1/server */
export const serverInfoSchema = z.object({
  name: z.literal('coffre-cloud'),
  version: z.string(),
  protocol: z.number().int(),
  signup: z.enum(['open', 'invite', 'closed']),
  /** Only while it restores accounts of an older service. */
  legacy: legacyOfferSchema.optional(),
});
export type ServerInfo = z.infer<typeof serverInfoSchema>;

/**
 * What an account needs to open itself again, made by the client and opaque to the server. `signature` is
 * by the master key over the domain "bundle" and the bytes of docs/format.md, "Account bundle".
 */
export const bundleSchema = z.object({
  account: accountIdSchema,
  version: z.number().int().positive(),
  /** The account root key wrapped under the OPAQUE export key, and under the recovery key: F1 objects. */
  rootByPassword: base64Schema,
  rootByRecovery: base64Schema,
  /** Ed25519 public key that proves knowledge of the 24 words. */
  recoveryAuthKey: base64Schema,
  /** The entropy of the 24 words, sealed under the account root key: an F1 object. Older bundles are without. */
  phraseByRoot: base64Schema.optional(),
  signature: base64Schema,
});
export type Bundle = z.infer<typeof bundleSchema>;

/**
 * POST /v1/signup/start -> 200. Rate limited. Says nothing of whether the address is taken. With a `claim` it is
 * answered by a server that takes no new accounts too; whether the claim holds is asked at the end.
 */
export const signupStartSchema = z.object({
  email: emailSchema,
  registrationRequest: opaqueMessage,
  claim: z.string().max(100).optional(),
});
export const signupStartAnswerSchema = z.object({ registrationResponse: opaqueMessage });
/**
 * POST /v1/signup/finish -> 201 session. `chain`: genesis, account-key and the first device's `add`.
 * An address that is taken answers `refused` like a wrong invitation would.
 */
export const signupFinishSchema = z.object({
  email: emailSchema,
  registrationRecord: opaqueMessage,
  invite: z.string().max(100).optional(),
  /** From /v1/claim/finish, for this very address: in place of an invitation, whatever the server asks for. */
  claim: z.string().max(100).optional(),
  bundle: bundleSchema,
  chain: z.array(base64Schema).min(3).max(8),
});

/**
 * POST /v1/claim/start -> 200: how the older service hashed the password of this address. Every address gets an answer,
 * and the same one each time; `refused` only where no account of an older service is restored at all.
 */
export const claimStartSchema = z.object({ email: emailSchema });
export const claimStartAnswerSchema = legacyParametersSchema;
/**
 * POST /v1/claim/finish -> 200, or `refused`: one answer for a wrong password or code, an address that was not a
 * member, and an account that was restored already or not in time. `hash`: base64. The claim is good for one sign-up
 * within ten minutes; until that has made the account, another can be had.
 */
export const claimFinishSchema = z.union([
  z.object({ email: emailSchema, hash: base64Schema.min(1).max(128) }),
  z.object({ email: emailSchema, code: z.string().min(1).max(100) }),
]);
export const claimFinishAnswerSchema = z.object({ claim: tokenTextSchema });

/** POST /v1/login/start -> 200; an unknown address gets an answer of the same shape. */
export const loginStartSchema = z.object({ email: emailSchema, startLoginRequest: opaqueMessage });
export const loginStartAnswerSchema = z.object({ login: z.string().max(200), loginResponse: opaqueMessage });
/** POST /v1/login/finish -> 200 grant, or `refused`. */
export const loginFinishSchema = z.object({ login: z.string().max(200), finishLoginRequest: opaqueMessage });
/**
 * POST /v1/recover/start -> 200 challenge (32 bytes, the same shape for an unknown address).
 * POST /v1/recover/finish -> 200 grant. The signature is by the recovery-auth key, domain "recovery",
 * over challenge bytes || account id is not yet known, so challenge only.
 */
export const recoverStartSchema = z.object({ email: emailSchema });
export const recoverStartAnswerSchema = z.object({ recovery: z.string().max(200), challenge: base64Schema });
export const recoverFinishSchema = z.object({ recovery: z.string().max(200), signature: base64Schema });

/**
 * A fresh proof of the password or the phrase: a bearer token of ten minutes for enrolling, revoking,
 * changing the password, purging the trash and deleting the account, and for reading (chain, vaults, live state,
 * headers, epochs, packs), so that an export needs no device. It opens nothing else.
 */
export const grantSchema = z.object({
  grant: tokenTextSchema,
  bundle: bundleSchema,
  /** The whole device chain, signed entries. */
  chain: z.array(base64Schema),
});
export type Grant = z.infer<typeof grantSchema>;

/** POST /v1/devices (grant) -> 201 session. `entry`: a signed `add` chain entry. */
export const enrolSchema = z.object({ entry: base64Schema });
/** The tokens of a device. */
export const sessionSchema = z.object({
  account: accountIdSchema,
  device: deviceIdSchema,
  accessToken: tokenTextSchema,
  refreshToken: tokenTextSchema,
  accessExpiresInS: z.number(),
});
export type Session = z.infer<typeof sessionSchema>;
/**
 * POST /v1/token -> 200 session, or `refused`. The refresh token rotates; presenting a spent one once more
 * within its grace (the answer was lost) is allowed, later it ends the session. Signature: device key,
 * domain "token", over the refresh token's UTF-8 bytes.
 */
export const tokenSchema = z.object({ refreshToken: z.string().max(200), signature: base64Schema });

/** GET /v1/chain?from=INDEX */
export const chainAnswerSchema = z.object({ length: z.number().int(), entries: z.array(base64Schema) });
/** POST /v1/chain (grant) -> 200 {length}: appends a signed `revoke`, `account-key`, `void` or `notice`. */
export const chainAppendSchema = z.object({ entry: base64Schema });
export const chainAppendAnswerSchema = z.object({ length: z.number().int() });

/**
 * POST /v1/chain/lost (session or grant) -> 200 {length}: after a restore from a backup, entries that a device still
 * has and the server lost, in order; what the server has of them already is passed over.
 */
export const MAX_LOST_ENTRIES = 100;
export const chainLostSchema = z.object({ entries: z.array(base64Schema).min(1).max(MAX_LOST_ENTRIES) });

/** POST /v1/password/start (grant) and /v1/password/finish (grant): a new registration and bundle. Other sessions end. */
export const passwordStartSchema = z.object({ registrationRequest: opaqueMessage });
export const passwordFinishSchema = z.object({ registrationRecord: opaqueMessage, bundle: bundleSchema });

/** POST /v1/phrase (grant) -> 204: a bundle with other words and a greater version. Sessions go on. */
export const phraseSchema = z.object({ bundle: bundleSchema });

/** GET /v1/account */
export const accountAnswerSchema = z.object({
  account: accountIdSchema,
  quota: z.object({
    limitBytes: z.number(),
    /** live + trashed + uncommitted: what counts. */
    usedBytes: z.number(),
    liveBytes: z.number(),
    uncommittedBytes: z.number(),
    /** Superseded and dropped; free up to one more quota. */
    retainedBytes: z.number(),
  }),
  devices: z.array(z.object({ device: deviceIdSchema, lastHeardMs: timeSchema })),
});
export type AccountAnswer = z.infer<typeof accountAnswerSchema>;

/** GET /v1/vaults */
export const vaultsAnswerSchema = z.object({
  vaults: z.array(z.object({ vault: vaultIdSchema, head: headSchema, createdAtMs: timeSchema })),
});
/** POST /v1/vaults/:vault/commits (a commit frame) -> 200. The first commit of an unknown id makes the vault. */
export const commitAnswerSchema = z.object({ seq: z.number().int(), receivedAtMs: timeSchema });

/** GET /v1/vaults/:vault/epochs: keys of every epoch, sealed, with the signed header that opened it. */
export const epochsAnswerSchema = z.object({
  epochs: z.array(
    z.object({
      epoch: z.number().int(),
      /** The whole header (320 bytes), its signature and the encoded opening: the client checks all three. */
      header: base64Schema,
      signature: base64Schema,
      opening: base64Schema,
      wraps: base64Schema,
    }),
  ),
});

/** GET /v1/vaults/:vault/time?at=MS: the last commit the server received at or before that time. */
export const timeAnswerSchema = z.object({ head: headSchema.nullable() });

/**
 * POST /v1/vaults/:vault/lease -> 200: housekeeping is done by one device at a time; the lease lasts
 * `seconds` and is advisory, safety never rests on it.
 */
export const leaseAnswerSchema = z.object({ granted: z.boolean(), seconds: z.number() });
/**
 * POST /v1/vaults/:vault/packs/:pack/upload -> 200: where the bytes of a pack are to go. `none`: they are stored.
 * `here`: to this server, by PUT. `elsewhere`: by PUT to `url`, with the headers of `directUploadHeaders` and nothing
 * that tells who asks; then POST /v1/vaults/:vault/packs/:pack/complete -> 204 with the `upload`.
 */
export const uploadSchema = z.object({ size: z.number().int().min(1).max(MAX_PACK_BYTES) });
export const uploadAnswerSchema = z.discriminatedUnion('to', [
  z.object({ to: z.literal('none') }),
  z.object({ to: z.literal('here') }),
  z.object({
    to: z.literal('elsewhere'),
    upload: z.number().int().nonnegative(),
    url: z.string().max(MAX_DIRECT_URL_CHARS),
  }),
]);
export type UploadAnswer = z.infer<typeof uploadAnswerSchema>;
export const completeSchema = z.object({ upload: z.number().int().nonnegative() });

/** What a device sends with a pack that goes elsewhere: the store refuses other bytes, and writes a key once. */
export function directUploadHeaders(pack: PackName): Readonly<Record<string, string>> {
  return { 'x-amz-content-sha256': pack, 'if-none-match': '*' };
}

/** POST /v1/vaults/:vault/purge (grant): forgets the retained bytes of these dropped packs at once. */
export const purgeSchema = z.object({ packs: z.array(packNameSchema).max(1000) });
