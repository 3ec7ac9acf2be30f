/** Actions and reasons of the engine in the person's language; one that is not known here is shown as it is. */
import type { TFunction } from 'i18next';
import en from '../../locales/en.json';

type Action = keyof typeof en.activity.actions;
type Reason = keyof typeof en.activity.reasons;

export function actionText(t: TFunction, action: string): string {
  return action in en.activity.actions ? t(`activity.actions.${action as Action}`) : action;
}

export function reasonText(t: TFunction, reason: string): string {
  return reason in en.activity.reasons ? t(`activity.reasons.${reason as Reason}`) : reason;
}
