import type { ReactNode } from 'react';
import type { AppInfo } from '../../../protocol/app.ts';

export function WelcomeView(_: { readonly info: AppInfo; readonly onDone: () => void }): ReactNode {
  return null;
}
