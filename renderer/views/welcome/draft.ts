/** What a person has entered so far, and where an error belongs. Going back keeps it; success wipes the secrets. */
import type { ControlError } from '../../../protocol/control.ts';
import { sayingOf } from '../../language/error-text.ts';

type Mode = 'create' | 'sign-in' | 'recover';
type ServerKind = 'local' | 'address';
export const steps = ['begin', 'server', 'account', 'folder'] as const;
export type Step = (typeof steps)[number];

export interface Draft {
  readonly mode: Mode;
  readonly serverKind: ServerKind;
  readonly address: string;
  readonly email: string;
  readonly password: string;
  readonly phrase: string;
  readonly invite: string;
  readonly folder: string;
  readonly deviceName: string;
}

export function withoutSecrets(draft: Draft): Draft {
  return { ...draft, password: '', phrase: '', invite: '' };
}

/** The step whose input can mend the error. */
export function stepOf(error: ControlError): Step {
  switch (error.code) {
    case 'server-unreachable':
    case 'server-certificate':
    case 'server-version':
    case 'verification':
      return 'server';
    case 'refused':
      return 'account';
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
