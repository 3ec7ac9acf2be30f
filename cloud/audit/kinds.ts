/** The kinds of events that the audit log tells of: each is declared here, and nowhere else. */

interface Kind {
  readonly tells: string;
  /**
   * How its entries are kept from filling the disk. `each`: an entry for every one, because each needs an operator or
   * leaves more than its entry behind. `proved` and `unproved`: those alike within an hour are one entry that counts
   * them; who does it has proved to be of the account, or has proved nothing.
   */
  readonly bound: 'each' | 'proved' | 'unproved';
  /** What its amount is of. */
  readonly amount?: 'bytes' | 'packs' | 'rows';
}

export const AUDIT_KINDS = {
  'signed-up': { bound: 'each', tells: 'an account was made' },
  claimed: { bound: 'each', tells: 'an account was made by a member of an older service' },
  'claim-failed': { bound: 'unproved', tells: 'a membership of an older service was not proved' },
  // A wrong password is seen on the device that tries it: guesses show as sign-ins that were begun and no more.
  'sign-in-begun': { bound: 'unproved', tells: 'somebody asked for what one password can be tried by' },
  'signed-in': { bound: 'proved', tells: 'the password was proved' },
  'sign-in-failed': { bound: 'unproved', tells: 'a wrong proof of the password was sent' },
  'recovery-used': { bound: 'proved', tells: 'the 24 words were proved' },
  'recovery-failed': { bound: 'unproved', tells: 'a wrong proof of the 24 words was sent' },
  'device-enrolled': { bound: 'each', tells: 'a device was added' },
  'device-returned': { bound: 'proved', tells: 'a device that was signed out came back' },
  'device-revoked': { bound: 'each', tells: 'a device was removed' },
  'vault-rewound': { bound: 'each', tells: 'a vault was taken back to an older head' },
  'token-reused': { bound: 'proved', tells: 'a spent token was shown again, and its session ended' },
  'signed-out': { bound: 'proved', tells: 'all other sessions were ended' },
  'password-changed': { bound: 'proved', tells: 'the password was changed' },
  'recovery-key-changed': { bound: 'proved', tells: 'the 24 words were renewed' },
  'packs-purged': { bound: 'proved', amount: 'packs', tells: 'dropped packs were removed before their time' },
  'account-disabled': { bound: 'each', tells: 'an account was kept out' },
  'account-enabled': { bound: 'each', tells: 'an account was let in again' },
  'account-deleted': { bound: 'each', tells: 'an account was deleted' },
  'account-forgotten': { bound: 'each', tells: 'the last of a deleted account was removed' },
  'quota-changed': { bound: 'each', amount: 'bytes', tells: 'the quota of an account was set' },
  'invite-made': { bound: 'each', tells: 'an invitation was made' },
  'legacy-imported': { bound: 'each', amount: 'rows', tells: 'members of an older service were imported' },
  'legacy-codes-made': { bound: 'each', amount: 'rows', tells: 'one-time codes for them were made' },
  'legacy-expired': { bound: 'each', amount: 'rows', tells: 'claims of theirs were ended' },
  'backup-made': { bound: 'each', tells: 'a backup was begun' },
  restored: { bound: 'each', tells: 'a backup was brought into this database' },
  'moved-in': { bound: 'each', tells: 'a server was moved into this database' },
} as const satisfies Readonly<Record<string, Kind>>;

export type AuditKind = keyof typeof AUDIT_KINDS;

/** Those that a request may cause; the others are an operator's or the server's own. */
export function boundOf(kind: AuditKind): Kind['bound'] {
  return AUDIT_KINDS[kind].bound;
}

/** What an entry's amount is of; null for a kind without one. */
export function unitOf(kind: AuditKind): NonNullable<Kind['amount']> | null {
  const facts: Kind = AUDIT_KINDS[kind];
  return facts.amount ?? null;
}

export function isAuditKind(text: string): text is AuditKind {
  return Object.hasOwn(AUDIT_KINDS, text);
}
