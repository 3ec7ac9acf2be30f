/** Closed sets of codes: what the account server answers, what the control API answers, how the CLI exits. */

/** `error.code` of every JSON error the account server sends. */
export const CLOUD_ERROR_CODES = [
  'bad-request',
  'too-large',
  'unauthorized', // the token is missing, wrong or expired
  'refused', // wrong password, revoked device, closed sign-up, signature or role that does not hold
  'not-found', // foreign and missing alike
  'exists',
  'stale-head', // the commit is not on top of the head; the answer carries the head
  'stale-chain', // the chain entry is not on top of the chain, or its pins are not the heads
  'pack-missing', // the commit names a pack that is not stored
  'pack-deleting', // being reaped: upload it under another name later
  'gone', // no longer retained: take the live state
  'quota', // the answer carries used, limit and, for retained bytes, when space returns
  'rate-limited',
  'version', // the other side speaks another protocol version
  'unavailable',
  'internal',
] as const;
export type CloudErrorCode = (typeof CLOUD_ERROR_CODES)[number];

/** HTTP status for each code. */
export const CLOUD_ERROR_STATUS: Readonly<Record<CloudErrorCode, number>> = {
  'bad-request': 400,
  'too-large': 413,
  unauthorized: 401,
  refused: 403,
  'not-found': 404,
  exists: 409,
  'stale-head': 409,
  'stale-chain': 409,
  'pack-missing': 422,
  'pack-deleting': 409,
  gone: 410,
  quota: 507,
  'rate-limited': 429,
  version: 426,
  unavailable: 503,
  internal: 500,
};

/** Exit codes of the command line (docs/cli.md). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  outOfSync: 3,
  timeout: 4,
  refused: 5,
  quota: 6,
  verification: 7,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** `code` of an error a person sees, from the control API or the command line; each has one exit code. */
export const PERSON_ERROR_EXIT = {
  failed: EXIT.failed,
  'bad-input': EXIT.usage,
  'not-found': EXIT.failed,
  exists: EXIT.failed,
  'not-set-up': EXIT.refused, // no account on this device
  'out-of-sync': EXIT.outOfSync,
  timeout: EXIT.timeout,
  refused: EXIT.refused, // wrong password or phrase, revoked, closed
  'signed-out': EXIT.refused,
  locked: EXIT.refused,
  quota: EXIT.quota,
  verification: EXIT.verification, // the server or the stored data failed verification
  'server-unreachable': EXIT.failed,
  'server-certificate': EXIT.verification,
  'server-version': EXIT.failed,
  'engine-running': EXIT.failed, // a second engine on one home
  'engine-not-running': EXIT.failed,
  'disk-full': EXIT.failed,
  'home-damaged': EXIT.failed,
} as const satisfies Record<string, ExitCode>;
export type PersonErrorCode = keyof typeof PERSON_ERROR_EXIT;

/** An error meant for a person: what happened and why, and what to do next. */
export class PersonError extends Error {
  override readonly name = 'PersonError';
  readonly code: PersonErrorCode;
  readonly hint: string;

  constructor(code: PersonErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
