/**
 * Trouble in the log: what stops a vault (exit code 7). Everything here means that the server, or somebody
 * with a key, sent what no honest device could have made; nothing of it is applied.
 */
export type LogFaultCode =
  | 'bad-signature'
  | 'bad-chain' // previous hash, sequence number or vault do not follow
  | 'bad-device' // unknown, or revoked at that place of the log
  | 'bad-device-chain' // regresses, or is not the account's
  | 'bad-epoch' // skipped, regressed, opened with a key that fails its check, or not opened after a revocation
  | 'bad-revision'
  | 'bad-root'
  | 'bad-pack' // added twice, dropped or revived while it is not there
  | 'bad-rejoin' // a rejoin whose lost headers are no part of a history, or lie above it
  | 'bad-object' // an object whose hash is not the signed one, or that is withheld
  | 'rolled-back' // the server's head is behind one this device verified
  | 'forked' // the server's log and one this device verified part ways
  | 'copied-home'; // a commit under this device's own key that this device did not make

const MEANING: Readonly<Record<LogFaultCode, string>> = {
  'bad-signature': 'a change carries a signature that does not hold',
  'bad-chain': 'a change does not follow the one before it',
  'bad-device': 'a change was made by a device that is not on your list',
  'bad-device-chain': 'the list of devices a change names is not yours, or is older than before',
  'bad-epoch': 'a change uses an encryption key of the wrong time',
  'bad-revision': 'a change skips or repeats a revision of a file',
  'bad-root': 'the whole of the account is not what the change says it is',
  'bad-pack': 'a change adds or removes stored data that cannot be',
  'bad-rejoin': 'a device took up a restored server on a history that does not hold',
  'bad-object': 'the server sent something else than what was signed, or kept it back',
  'rolled-back': 'the server shows an older state than this device has already seen',
  forked: 'the server shows a history that parts from the one this device has seen',
  'copied-home': 'changes were made under this device’s own key by another copy of it',
};

export class LogFault extends Error {
  override readonly name = 'LogFault';
  readonly code: LogFaultCode;

  constructor(code: LogFaultCode, options?: ErrorOptions) {
    super(MEANING[code], options);
    this.code = code;
  }
}
