/** Every reason why something is not in sync, with its ways out. The text a person reads says what, why and what to do. */

export type IssueCode =
  // a pair's folder
  | 'root-missing'
  | 'root-foreign'
  | 'root-unreadable'
  | 'root-read-only'
  | 'bound-gone'
  | 'mass-deletion'
  | 'watch-limit'
  // one node
  | 'unreadable'
  | 'changing'
  | 'invalid-name'
  | 'name-not-possible'
  | 'name-clash'
  | 'not-supported'
  | 'path-too-long'
  | 'permission'
  | 'disk-full'
  | 'disk-error'
  | 'corrupt'
  | 'missing-data'
  | 'in-the-way'
  | 'not-sent'
  | 'tree-fault'
  | 'ignore-file'
  // the account
  | 'quota'
  | 'log-fault'
  | 'bad-answers'
  | 'rolled-back'
  | 'forked'
  | 'copied-home'
  | 'revoked'
  | 'server-version'
  | 'certificate'
  // to be known
  | 'conflict'
  | 'new-device'
  | 'device-revoked'
  | 'recovered'
  | 'manifest-rebuilt';

/** What a person may choose; each is carried out by issue-ways.ts. */
export type IssueWay =
  | 'retry'
  | 'dismiss'
  | 'ignore'
  | 'remove-pair'
  | 'relink'
  | 'delete'
  | 'restore'
  | 'rejoin'
  | 'login-again'
  | 'keep-both'
  | 'keep-original'
  | 'keep-copy';

interface IssueText {
  /** One sentence: what is wrong and why it matters. */
  readonly reason: string;
  /** What the person may choose. `retry` and `dismiss` are understood where nothing has to be decided. */
  readonly ways: readonly IssueWay[];
}

const TEXTS: Readonly<Record<IssueCode, IssueText>> = {
  'root-missing': {
    reason: 'The folder is not there. Nothing is deleted; syncing goes on when it is back.',
    ways: ['retry', 'remove-pair'],
  },
  'root-foreign': {
    reason: 'This folder is not the one that was linked. Nothing is touched until you say so.',
    ways: ['relink', 'remove-pair'],
  },
  'root-unreadable': {
    reason: 'The folder cannot be read. Give Coffre the right to read it.',
    ways: ['retry'],
  },
  'root-read-only': {
    reason: 'The folder cannot be written to, so changes from elsewhere wait.',
    ways: ['retry'],
  },
  'bound-gone': {
    reason:
      'The folder of the account this one is linked to was moved to the trash. Nothing here is deleted.',
    ways: ['retry', 'remove-pair'],
  },
  'mass-deletion': {
    reason: 'An unusual number of files is about to go. Nothing goes until you decide.',
    ways: ['delete', 'restore'],
  },
  'watch-limit': {
    reason:
      'The system watches too many folders, so changes are found by scanning, every few minutes. Raise fs.inotify.max_user_watches.',
    ways: ['retry', 'dismiss'],
  },
  unreadable: {
    reason: 'The file cannot be read. Give Coffre the right to read it, or ignore it.',
    ways: ['retry', 'ignore'],
  },
  changing: {
    reason: 'The file keeps changing while it is read; it is tried again when it rests.',
    ways: ['retry'],
  },
  'invalid-name': {
    reason: 'The name is not valid Unicode, so other devices could not hold it. Rename it.',
    ways: ['retry', 'dismiss'],
  },
  'name-not-possible': {
    reason: 'This folder cannot hold the name. Rename it on the device it comes from.',
    ways: ['retry'],
  },
  'name-clash': {
    reason: 'Another name here is the same but for case or accents. Rename one of them.',
    ways: ['retry'],
  },
  'not-supported': {
    reason: 'This kind of file is not synced (socket, pipe, device or unsupported link).',
    ways: ['ignore', 'dismiss'],
  },
  'path-too-long': {
    reason: 'The path is too long for this computer. Shorten a folder name above it.',
    ways: ['retry'],
  },
  permission: { reason: 'The change cannot be written here: permission denied.', ways: ['retry'] },
  'disk-full': { reason: 'The disk is full. Free some space; syncing goes on by itself.', ways: ['retry'] },
  'disk-error': {
    reason:
      'The disk failed while this was read or written. It is tried again by itself; if it lasts, check the disk.',
    ways: ['retry'],
  },
  corrupt: {
    reason:
      'The stored data failed verification and was refused. The device that holds the file can upload it again.',
    ways: ['retry'],
  },
  'missing-data': { reason: 'The server does not hold the data of this file any more.', ways: ['retry'] },
  'in-the-way': { reason: 'Something else is in the way at its place; it is tried again.', ways: ['retry'] },
  'not-sent': {
    reason:
      'It does not reach the server as it was sent: something on the way changes it, or the server refuses it. It ' +
      'is tried again; another network may help.',
    ways: ['retry'],
  },
  'tree-fault': {
    reason: 'The account holds an impossible place for this item. It is kept as it last was.',
    ways: ['retry'],
  },
  'ignore-file': {
    reason: 'The ignore file could not be read in whole, so its rules do not apply.',
    ways: ['retry'],
  },
  quota: {
    reason: 'Your storage is full. What does not fit waits here, unharmed. Free space or empty the trash.',
    ways: ['retry'],
  },
  'log-fault': {
    reason: 'The server sent something that failed verification. Nothing of it was applied.',
    ways: ['retry'],
  },
  'bad-answers': {
    reason:
      'The server, or something between it and this device, keeps sending answers that cannot be read. Nothing of them was applied. If it lasts, tell whoever runs the server.',
    ways: ['retry'],
  },
  'rolled-back': {
    reason:
      'The server shows an older state than this device has seen, as after a restore from a backup. Nothing is deleted.',
    ways: ['retry', 'rejoin'],
  },
  forked: {
    reason:
      'The server shows a history that parts from the one this device has seen, as after a restore from a backup on which another device went on. Nothing is deleted.',
    ways: ['retry', 'rejoin'],
  },
  'copied-home': {
    reason: 'Another copy of this device’s data is in use. Sign this copy in again as a device of its own.',
    ways: ['login-again'],
  },
  revoked: {
    reason: 'This device was removed from the account. Sign in again to add it.',
    ways: ['login-again'],
  },
  'server-version': {
    reason: 'The server speaks another version of the protocol. Update Coffre or the server.',
    ways: ['retry'],
  },
  certificate: {
    reason: 'The server’s certificate is not the one this device knows. Do not go on unless you changed it.',
    ways: ['retry'],
  },
  conflict: {
    reason:
      'This file and another version of it were changed at the same time. Both are kept: this one is a copy with a name of its own.',
    ways: ['keep-both', 'keep-original', 'keep-copy'],
  },
  'new-device': {
    reason: 'A new device was added to your account. If this was not you, revoke it.',
    ways: ['dismiss'],
  },
  'device-revoked': { reason: 'A device was removed from your account.', ways: ['dismiss'] },
  recovered: {
    reason: 'Your account was opened with the recovery phrase, or its password changed.',
    ways: ['dismiss'],
  },
  'manifest-rebuilt': {
    reason:
      'This device’s records were damaged and are rebuilt from the disk and the account. Nothing is deleted.',
    ways: ['dismiss'],
  },
};

export const ISSUE_CODES = Object.keys(TEXTS) as readonly IssueCode[];

export function issueText(code: IssueCode): IssueText {
  return TEXTS[code];
}

/** Notices inform; they are no reason to be out of sync. */
const NOTICES: ReadonlySet<string> = new Set<IssueCode>([
  'conflict',
  'new-device',
  'device-revoked',
  'recovered',
  'manifest-rebuilt',
  'watch-limit',
]);

export function isNotice(code: string): boolean {
  return NOTICES.has(code);
}
