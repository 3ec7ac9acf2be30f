/**
 * Password hashes as services store them: the strings of crypt(3), of PHC and passlib, of Django and of Werkzeug. What
 * comes out is the hash itself, and what a device needs to compute it.
 */
import { legacyParametersSchema, type LegacyParameters, type LegacyScheme } from '../../protocol/legacy.ts';

export const LEGACY_SCHEMES: readonly LegacyScheme[] = [
  'bcrypt',
  'pbkdf2-sha256',
  'pbkdf2-sha512',
  'scrypt',
  'argon2id',
];

export type ParsedHash =
  | { readonly ok: true; readonly parameters: LegacyParameters; readonly hash: Uint8Array }
  /** Why not, as the rest of a sentence. */
  | { readonly ok: false; readonly why: string };

interface Parts {
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

type Form = readonly [pattern: RegExp, read: (groups: Readonly<Record<string, string>>) => Parts];

const NUMBER = String.raw`\d{1,9}`;
/** Standard or passlib's base64, padded or not. */
const BASE64 = '[A-Za-z0-9+/.]{1,120}={0,2}';
/** Of Django and Werkzeug: the salt is the text itself. */
const TEXT = '[A-Za-z0-9+/=._-]{1,64}';

const FORMS: readonly Form[] = [
  [
    /^\$2[aby]\$(?<cost>\d\d)\$(?<salt>[./A-Za-z0-9]{22})(?<hash>[./A-Za-z0-9]{31})$/,
    ({ cost, salt, hash }) => ({
      parameters: { scheme: 'bcrypt', cost: Number(cost) },
      salt: bcryptBytes(salt ?? '', 16),
      hash: bcryptBytes(hash ?? '', 23),
    }),
  ],
  [
    new RegExp(
      `^\\$pbkdf2-(?<digest>sha256|sha512)\\$(?:i=)?(?<count>${NUMBER})(?:,l=\\d{1,3})?\\$(?<salt>${BASE64})\\$(?<hash>${BASE64})$`,
    ),
    (groups) => pbkdf2(groups, base64(groups['salt']), base64(groups['hash'])),
  ],
  [
    new RegExp(
      `^pbkdf2_(?<digest>sha256|sha512)\\$(?<count>${NUMBER})\\$(?<salt>${TEXT})\\$(?<hash>${BASE64})$`,
    ),
    (groups) => pbkdf2(groups, text(groups['salt']), base64(groups['hash'])),
  ],
  [
    new RegExp(
      `^pbkdf2:(?<digest>sha256|sha512):(?<count>${NUMBER})\\$(?<salt>${TEXT})\\$(?<hash>[0-9a-f]{32,128})$`,
    ),
    (groups) => pbkdf2(groups, text(groups['salt']), Buffer.from(groups['hash'] ?? '', 'hex')),
  ],
  [
    new RegExp(
      `^\\$scrypt\\$ln=(?<ln>${NUMBER}),r=(?<r>${NUMBER}),p=(?<p>${NUMBER})\\$(?<salt>${BASE64})\\$(?<hash>${BASE64})$`,
    ),
    ({ ln, r, p, salt, hash }) => scrypt(Number(ln), r, p, base64(salt), base64(hash)),
  ],
  [
    new RegExp(
      `^scrypt\\$(?<salt>${TEXT})\\$(?<n>${NUMBER})\\$(?<r>${NUMBER})\\$(?<p>${NUMBER})\\$(?<hash>${BASE64})$`,
    ),
    ({ n, r, p, salt, hash }) => scrypt(Math.log2(Number(n)), r, p, text(salt), base64(hash)),
  ],
  [
    new RegExp(
      `^scrypt:(?<n>${NUMBER}):(?<r>${NUMBER}):(?<p>${NUMBER})\\$(?<salt>${TEXT})\\$(?<hash>[0-9a-f]{32,128})$`,
    ),
    ({ n, r, p, salt, hash }) =>
      scrypt(Math.log2(Number(n)), r, p, text(salt), Buffer.from(hash ?? '', 'hex')),
  ],
  [
    new RegExp(
      `^(?:argon2)?\\$argon2id\\$v=19\\$m=(?<m>${NUMBER}),t=(?<t>${NUMBER}),p=(?<p>${NUMBER})\\$(?<salt>${BASE64})\\$(?<hash>${BASE64})$`,
    ),
    ({ m, t, p, salt, hash }) => ({
      parameters: {
        scheme: 'argon2id',
        memory: Number(m),
        iterations: Number(t),
        parallelism: Number(p),
        bytes: base64(hash).length,
      },
      salt: base64(salt),
      hash: base64(hash),
    }),
  ],
];

/** @param text at most some hundred characters */
export function parseEncodedHash(text: string): ParsedHash {
  for (const [pattern, read] of FORMS) {
    const groups = pattern.exec(text)?.groups;
    if (groups !== undefined) return checked(read(groups));
  }
  return { ok: false, why: unreadable(text) };
}

function checked({ parameters, salt, hash }: Parts): ParsedHash {
  const result = legacyParametersSchema.safeParse({ ...parameters, salt: salt.toString('base64') });
  if (result.success) return { ok: true, parameters: result.data, hash };
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  const value = parameters[name];
  const tooWeak = issue?.code === 'too_small' || issue?.message === 'too small';
  if (['cost', 'iterations', 'log2N', 'memory'].includes(name) && value !== undefined) {
    const why = tooWeak
      ? `is too cheap to compute (${name} ${value}): from it a server could guess the password`
      : `takes a device too long to compute (${name} ${value})`;
    return { ok: false, why: `${why}; leave it out and send this person a code` };
  }
  return { ok: false, why: `has a ${name} that devices do not take` };
}

/** Says of a string that is none what it is instead, where that can be seen. Never quotes it. */
function unreadable(text: string): string {
  if (text.startsWith('$2x$'))
    return 'is of the broken bcrypt ($2x$): leave it out and send this person a code';
  if (/^(argon2)?\$argon2(i|d)\$/.test(text)) return 'is of argon2i or argon2d, and only argon2id is known';
  if (/^bcrypt(_sha256)?\$/.test(text)) return 'has a prefix of Django: only plain bcrypt ($2b$...) is known';
  if (/^[0-9a-f]{32,128}$/i.test(text)) return 'is bare hexadecimal digits, without scheme, salt and cost';
  return `is not an encoded hash of ${LEGACY_SCHEMES.join(', ')}`;
}

function pbkdf2(groups: Readonly<Record<string, string>>, salt: Buffer, hash: Buffer): Parts {
  const { digest, count } = groups;
  return {
    parameters: { scheme: `pbkdf2-${digest ?? ''}`, iterations: Number(count), bytes: hash.length },
    salt,
    hash,
  };
}

function scrypt(
  log2N: number,
  r: string | undefined,
  p: string | undefined,
  salt: Buffer,
  hash: Buffer,
): Parts {
  return {
    parameters: { scheme: 'scrypt', log2N, r: Number(r), p: Number(p), bytes: hash.length },
    salt,
    hash,
  };
}

/** passlib writes `.` for `+`. */
function base64(text: string | undefined): Buffer {
  return Buffer.from((text ?? '').replaceAll('.', '+'), 'base64');
}

function text(value: string | undefined): Buffer {
  return Buffer.from(value ?? '', 'utf8');
}

const BCRYPT = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** bcrypt's own base64: the same bits under other letters. */
function bcryptBytes(text: string, length: number): Buffer {
  const standard = text.replaceAll(/./g, (letter) => STANDARD[BCRYPT.indexOf(letter)] ?? '');
  return Buffer.from(standard, 'base64').subarray(0, length);
}
