import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../store/use-store.ts';

/** Reads out that the state became another one; figures that change all the time are left alone. */
export function Announcer(): ReactNode {
  const { t } = useTranslation();
  const state = useStore((all) => all.status?.state);
  return (
    <p className="only-read" role="status">
      {state === undefined ? '' : t(`states.${state}`)}
    </p>
  );
}
