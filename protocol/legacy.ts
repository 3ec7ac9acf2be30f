/**
 * Accounts of an older service: how it hashed passwords, and the messages by which a device proves one. The device
 * computes that hash itself; the server never sees the password, which may well become that of the new account.
 */
import { z } from 'zod';

/** Standard base64 of so many bytes. */
const bytesOf = (least: number, most: number) =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'not base64')
    .refine((text) => {
      const length = base64Bytes(text);
      return length >= least && length <= most;
    }, 'the wrong length');

function base64Bytes(text: string): number {
  return Math.floor((text.replace(/=+$/, '').length * 3) / 4);
}

const whole = (least: number, most: number) => z.number().int().min(least).max(most);

const salt = bytesOf(4, 64);
/** Bytes of the hash. */
const bytes = whole(16, 64);
const KIB_LEAST = 4096;
const KIB_MOST = 262_144;

/**
 * Scheme, costs and salt of one hash. The bounds are the device's own: below the least a server could ask for a hash
 * from which the password is guessed at once, above the most it could keep the device busy for minutes.
 */
export const legacyParametersSchema = z.discriminatedUnion('scheme', [
  /** As `$2b$`: the password's first 72 bytes. The hash has 23 bytes. */
  z.object({ scheme: z.literal('bcrypt'), cost: whole(8, 15), salt: bytesOf(16, 16) }),
  z.object({ scheme: z.literal('pbkdf2-sha256'), iterations: whole(10_000, 5_000_000), bytes, salt }),
  z.object({ scheme: z.literal('pbkdf2-sha512'), iterations: whole(10_000, 5_000_000), bytes, salt }),
  z
    .object({
      scheme: z.literal('scrypt'),
      log2N: whole(10, 20),
      r: whole(1, 64),
      p: whole(1, 16),
      bytes,
      salt,
    })
    .refine(({ log2N, r }) => scryptKib(log2N, r) >= KIB_LEAST, { path: ['log2N'], message: 'too small' })
    .refine(({ log2N, r }) => scryptKib(log2N, r) <= KIB_MOST, { path: ['log2N'], message: 'too big' }),
  /** Version 1.3. Memory in KiB. */
  z.object({
    scheme: z.literal('argon2id'),
    memory: whole(KIB_LEAST, KIB_MOST),
    iterations: whole(1, 16),
    parallelism: whole(1, 16),
    bytes,
    salt: bytesOf(8, 64),
  }),
]);
export type LegacyParameters = z.infer<typeof legacyParametersSchema>;
export type LegacyScheme = LegacyParameters['scheme'];

/** What scrypt takes, in KiB. */
function scryptKib(log2N: number, r: number): number {
  return (128 * 2 ** log2N * r) / 1024;
}

/** As in GET /v1/server, while a server restores accounts of an older service. */
export const legacyOfferSchema = z.object({
  /** What people know it by. */
  service: z.string().max(100).nullable(),
  /** False when nobody has but a code. */
  passwords: z.boolean(),
});
export type LegacyOffer = z.infer<typeof legacyOfferSchema>;

/** A one-time code: 80 random bits, read aloud without mistaking a letter. */
export const LEGACY_CODE_CHARS = 16;

/** One spelling of one code: Crockford's base32, without what people put in between. */
export function normalCode(text: string): string {
  return text.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
}
