/** What a person has entered so far, and where an error belongs. Going back keeps it; success wipes the secrets. */
import type { ControlError } from '../../../protocol/control.ts';
import { sayingOf } from '../../language/error-text.ts';

type Mode = 'create' | 'sign-in' | 'recover' | 'claim';
type ServerKind = 'local' | 'address';
export type Step = 'begin' | 'server' | 'former' | 'lost' | 'account' | 'folder';

/** The pages in their order. `claim` is the way of somebody who had an account at an older service. */
export function stepsOf(mode: Mode): readonly Step[] {
  return mode === 'claim'
    ? ['begin', 'server', 'former', 'lost', 'account', 'folder']
    : ['begin', 'server', 'account', 'folder'];
}

export interface Draft {
  readonly mode: Mode;
  readonly serverKind: ServerKind;
  readonly address: string;
  readonly email: string;
  readonly password: string;
  readonly phrase: string;
  readonly invite: string;
  /** What proves the account of the older service. */
  readonly proof: 'password' | 'code';
  readonly oldPassword: string;
  readonly code: string;
  readonly folder: string;
  readonly deviceName: string;
}

export function withoutSecrets(draft: Draft): Draft {
  return { ...draft, password: '', phrase: '', invite: '', oldPassword: '', code: '' };
}

/** The step whose input can mend the error. */
export function stepOf(error: ControlError, mode: Mode): Step {
  switch (error.code) {
    case 'server-unreachable':
    case 'server-certificate':
    case 'server-version':
    case 'verification':
      return 'server';
    case 'refused':
      if (mode !== 'claim') return 'account';
      return sayingOf(error) === 'no-legacy' ? 'server' : 'former';
    case 'bad-input':
      if (/server address|another machine is reached|follows # in|certificate/.test(error.message))
        return 'server';
      return sayingOf(error) === 'overlap' ||
        sayingOf(error) === 'own-state' ||
        error.message.includes('folder')
        ? 'folder'
        : 'account';
    default:
      return 'folder';
  }
}

/** A server on this computer is a new one: it restores nobody. */
export function isOnServer(draft: Draft): boolean {
  return draft.mode === 'claim' || draft.serverKind === 'address';
}

/** What the engine takes as the proof of an account of the older service. */
export function oldProofOf(draft: Draft): { oldPassword: string } | { code: string } {
  return draft.proof === 'password' ? { oldPassword: draft.oldPassword } : { code: draft.code.trim() };
}

/** The older service's operator has a hash of that one. */
export function isOldPassword(draft: Draft): boolean {
  const isSame = draft.password.normalize('NFKC') === draft.oldPassword.normalize('NFKC');
  return draft.mode === 'claim' && draft.proof === 'password' && isSame;
}

/** As a person may have copied it: any spaces between the words, numbers before them. */
export function phraseWords(text: string): readonly string[] {
  return text
    .toLowerCase()
    .replace(/\d+[.)]?/g, ' ')
    .split(/[\s,;]+/)
    .filter((word) => word !== '');
}

export function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(text.trim());
}
