/**
 * What a person reads about an error or an issue: in their language, by its code. The engine's own text is for
 * the command line (it names commands); what it says beyond the code is recognised where the window can do
 * something with it.
 */
import type { TFunction } from 'i18next';
import type { ControlError } from '../../protocol/control.ts';
import en from '../locales/en.json';

export interface ErrorText {
  readonly title: string;
  readonly hint: string;
}

type Saying = keyof typeof en.sayings;
type IssueCode = keyof typeof en.issues;
type WayCode = keyof typeof en.ways;

/** Sentences of the engine that say more than their code; the first that is found in the message. */
const SAYINGS: readonly (readonly [RegExp, Saying])[] = [
  [/e-mail address or the password is wrong/, 'wrong-password'],
  [/e-mail address or the recovery phrase is wrong/, 'wrong-phrase'],
  [/does not open the key file|unlock key does not open/, 'not-unlocked'],
  [/held by the keychain/, 'keychain'],
  [/takes no new accounts/, 'closed'],
  [/by invitation only/, 'invite'],
  [/did not make the account: the e-mail address has one already$/, 'has-account'],
  [/did not make the account/, 'taken'],
  [/restores no accounts/, 'no-legacy'],
  [/no account of the older service was found/, 'old-proof'],
  [/new password is the old one/, 'old-password'],
  [/not a Coffre server/, 'not-coffre'],
  [/too many attempts/, 'too-often'],
  [/not an e-mail address/, 'email'],
  [/overlaps with where Coffre keeps/, 'own-state'],
  [/overlap/, 'overlap'],
  [/recovery phrase/, 'phrase-words'],
];

export function sayingOf(error: ControlError): Saying | null {
  return SAYINGS.find(([pattern]) => pattern.test(error.message))?.[1] ?? null;
}

export function errorText(t: TFunction, language: string, error: ControlError): ErrorText {
  const saying = sayingOf(error);
  if (saying !== null) return { title: t(`sayings.${saying}.title`), hint: t(`sayings.${saying}.hint`) };
  const known = t(`errors.${error.code}.title`);
  const hint = t(`errors.${error.code}.hint`);
  // These two mean too many things to be told by their code alone.
  const saysLittle = error.code === 'failed' || error.code === 'bad-input';
  if (!saysLittle || error.message === '') return { title: known, hint };
  if (language !== 'en') return { title: `${known} (${error.message})`, hint };
  return { title: sentence(error.message), hint: error.hint.includes('`') ? hint : error.hint };
}

function sentence(message: string): string {
  const first = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

export function issueTitle(t: TFunction, code: string): string {
  return code in en.issues ? t(`issues.${code as IssueCode}.title`) : t('issues.unknown.title');
}

/** The engine's own text for a code that this version has no words for. */
export function issueReason(t: TFunction, issue: { readonly code: string; readonly reason: string }): string {
  if (issue.code in en.issues) return t(`issues.${issue.code as IssueCode}.reason`);
  return issue.reason === '' ? t('issues.unknown.reason') : issue.reason;
}

/** A way that this version has no words for is shown by its name. */
export function wayLabel(t: TFunction, way: string): string {
  return way in en.ways ? t(`ways.${way as WayCode}.label`) : way;
}

export function wayAbout(t: TFunction, way: string): string | null {
  return way in en.ways ? t(`ways.${way as WayCode}.about`) : null;
}
